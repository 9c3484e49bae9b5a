"""The members of a tar that may be damaged: past a bad header it goes on where the next good one is."""

import tarfile
from contextlib import suppress
from typing import BinaryIO, NamedTuple, cast

BLOCK = tarfile.BLOCKSIZE
LONGEST_READ = 4_000_000
"""Bytes. A header that asks for more is made to exhaust the memory."""


class Member(NamedTuple):
    """A file in a tar."""

    name: str
    offset: int
    """Of its content."""
    size: int
    regular: bool
    """Whether it is a plain file: no link, device or folder."""


class DamageError(Exception):
    """No header can be read at `offset`."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(reason)
        self.offset = offset


class Members:
    """Hands out one member after the other."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._next: Member | None = None
        self.jump(0)

    def jump(self, offset: int) -> None:
        """Goes on at the header there."""
        self._tar: tarfile.TarFile | None = None
        self._next, self._start = None, offset

    def peek(self) -> Member | None:
        """The next member; None at the archive's end mark. Raises `DamageError`, again and again."""
        if self._next is None:
            self._next = self._read()
        return self._next

    def take(self) -> None:
        """Goes past the member that `peek` shows."""
        self._next = None

    def end(self) -> int:
        """Where the last header that was looked at begins: behind the last member, the end mark."""
        return self._start if self._tar is None else self._tar.offset

    def _read(self) -> Member | None:
        try:
            info = self._opened().next()
        except (tarfile.TarError, EOFError, ValueError, OverflowError, RecursionError) as error:
            raise DamageError(self.end(), str(error)) from None
        if info is None:
            self._check_end_mark()
            return None
        assert self._tar is not None
        self._tar.members.clear()  # type: ignore[attr-defined] # it would keep them all
        if info.size < 0 or self._tar.offset <= info.offset:
            raise DamageError(info.offset, "its size is negative")
        return Member(info.name, info.offset_data, info.size, info.isreg() and not info.issparse())

    def _opened(self) -> tarfile.TarFile:
        if self._tar is None:
            self._file.seek(self._start)
            limited = cast(BinaryIO, _Limited(self._file))
            self._tar = tarfile.TarFile(fileobj=limited, encoding="utf-8", errors="surrogateescape")
        return self._tar

    def _check_end_mark(self) -> None:
        """`tarfile` takes a bad header for the end too."""
        block = self._block(self.end())
        if block.strip(b"\0"):
            raise DamageError(self.end(), "bad header")
        if len(block) < BLOCK:
            raise DamageError(self.end(), "the file ends without tar's end mark")

    def find(self, start: int, end: int) -> int | None:
        """Where between these two the next header begins, on whole blocks from `start` on."""
        return next((at for at in range(start, end, BLOCK) if _is_header(self._block(at))), None)

    def _block(self, offset: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(BLOCK)


def _is_header(block: bytes) -> bool:
    with suppress(tarfile.HeaderError):
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        return True
    return False


class _Limited:
    """A file from which nobody reads more at once than any honest header needs."""

    def __init__(self, file: BinaryIO) -> None:
        self.seek = file.seek
        self.tell = file.tell
        self._read = file.read

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= LONGEST_READ:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return self._read(size)
