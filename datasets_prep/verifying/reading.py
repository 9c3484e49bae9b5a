"""Files of a dataset, read once for their SHA-256 and for whatever else is asked of them."""

import hashlib
import io
import os
import shutil
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

from pipebench.files import is_local, local_path, open_random

from .._tally import HERE

BLOCK, REMOTE_BLOCK = 1 << 20, 1 << 23
"""Bytes that are read at once of a local and of a remote file."""


def open_regular(url: str) -> io.RawIOBase:
    """A local file, unbuffered. `OSError` for what is no file, such as a pipe: it could be read for ever."""
    file = os.fdopen(os.open(local_path(url), os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError("it is no regular file")
    return file


class Hashed(io.RawIOBase):
    """A file of so many bytes that may be read at any place, and is hashed while it is read in order."""

    def __init__(self, url: str, size: int) -> None:
        self._file = open_regular(url) if is_local(url) else open_random(url, REMOTE_BLOCK)
        self._size = size
        self._digest = hashlib.sha256()
        self._hashed = self._at = 0

    def close(self) -> None:
        self._file.close()
        super().close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")[: max(self._size - self._at, 0)]
        self._file.seek(self._at)
        count = self._file.readinto(view) or 0
        if self._at == self._hashed:
            self._digest.update(view[:count])
            self._hashed += count
            HERE.advance(count)
        self._at += count
        return count

    def sha256(self) -> str:
        """Of the whole file: what was read in order already is not read again."""
        self._at = self._hashed
        block = bytearray(BLOCK)
        while self.readinto(block):
            pass
        return self._digest.hexdigest()


def local_copy(url: str, size: int, copy: Path) -> tuple[str, str]:
    """The local path and the SHA-256 of a file of so many bytes; a remote one is copied to `copy`."""
    with closing(Hashed(url, size)) as hashed:
        if is_local(url):
            return local_path(url), hashed.sha256()
        with copy.open("wb") as file:
            shutil.copyfileobj(hashed, file, BLOCK)
        return str(copy), hashed.sha256()
