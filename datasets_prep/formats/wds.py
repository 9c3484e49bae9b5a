"""WebDataset tars: for each sample `<key>.<extension>` and `<key>.cls`, its label as ASCII digits.

Plain ustar headers, PAX only for names that ustar cannot hold; owner, mode and time are fixed, so
that the same samples give the same bytes.
"""

import hashlib
import os
import tarfile
from typing import BinaryIO

from pipebench.dataset import Shard

from .shards import ShardTask, Written, payloads

SUFFIX = ".tar"
FORMAT = "wds"
ENDING = tarfile.BLOCKSIZE * 2
"""Zero bytes that close an archive; the file is then filled to a whole tarfile.RECORDSIZE."""


def sample_bytes(size: int) -> int:
    """Bytes that a payload of `size` takes in a shard, with its label and headers of plain names."""
    return 3 * tarfile.BLOCKSIZE + _padded(size)


def member_stem(key: str) -> str:
    """The key as a member's name without extension.

    WebDataset takes a basename's first dot for the key's end, so dots in it are percent-encoded.
    """
    folder, slash, base = key.rpartition("/")
    return folder + slash + base.replace("%", "%25").replace(".", "%2E")


def write_shard(task: ShardTask) -> Written:
    """Writes one shard, which has its name only once it is whole and on storage."""
    partial = task.folder / f".{task.name}.partial"
    try:
        with partial.open("wb") as file:
            tar = _Tar(file)
            members, offsets = _write_rows(tar, task)
            tar.end()
            file.flush()
            os.fsync(file.fileno())
        partial.replace(task.folder / task.name)
    finally:
        partial.unlink(missing_ok=True)
    shard = Shard(name=task.name, samples=len(task.rows), size=tar.size, sha256=tar.digest.hexdigest())
    return Written(shard=shard, members=members, offsets=offsets)


def _write_rows(tar: "_Tar", task: ShardTask) -> tuple[list[str], list[int]]:
    members, offsets = [], []
    for row, payload in zip(task.rows, payloads(task.rows), strict=True):
        stem = member_stem(row.key)
        members.append(f"{stem}.{row.extension}")
        offsets.append(tar.add(members[-1], payload))
        tar.add(f"{stem}.cls", str(row.label).encode())
    return members, offsets


class _Tar:
    """An archive being written, with its size and SHA-256 so far."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = 0
        self.digest = hashlib.sha256()

    def add(self, name: str, content: bytes) -> int:
        """Appends a member and returns its content's offset."""
        self._append(_header(name, len(content)))
        offset = self.size
        self._append(content)
        self._append(bytes(_padded(len(content)) - len(content)))
        return offset

    def end(self) -> None:
        self._append(bytes(ENDING))
        self._append(bytes(-self.size % tarfile.RECORDSIZE))

    def _append(self, data: bytes) -> None:
        self._file.write(data)
        self.digest.update(data)
        self.size += len(data)


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o644, 0
    try:
        return info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")
    except ValueError:
        return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _padded(size: int) -> int:
    return size + -size % tarfile.BLOCKSIZE
