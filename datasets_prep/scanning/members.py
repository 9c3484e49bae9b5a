"""The members of one tar, read from its headers; whatever could lead out of it is refused."""

import io
import tarfile
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import BinaryIO, NamedTuple, cast

from pipebench.errors import BadInput
from pipebench.files import open_random, shown, why

from .source_files import HIDDEN, LABEL, OTHER, check_text, shown_name

LABEL_BYTES = 1_000_000
"""A label's member that is larger than this is no label."""
LEAP = 4_000_000
"""Bytes of a remote tar that are read at once. At 100 MB/s they take as long as a request's latency of
some 40 ms, so that leaping over less saves nothing."""
LONGEST_READ = 4_000_000
"""Bytes. A header that asks for more is made to exhaust the memory."""


class Member(NamedTuple):
    """A plain file in a tar."""

    name: str
    key: str
    field: str
    """Lower case, from the basename's first dot on, without it."""
    offset: int
    size: int
    text: bytes | None
    """What it holds, where it may be a label."""


def members(url: str, ignored: Counter[str]) -> Generator[Member, None, None]:
    """All samples' files, in order; others are counted. `BadInput` where the tar is damaged or unsafe."""
    try:
        with closing(open_random(url, LEAP)) as file:
            yield from _members(url, file, ignored)
    except OSError as error:
        raise BadInput(f"{shown(url)} cannot be read: {why(error)}") from None


def _members(url: str, file: BinaryIO, ignored: Counter[str]) -> Iterator[Member]:
    limited = cast(BinaryIO, _Limited(url, file))
    try:
        with tarfile.open(fileobj=limited, mode="r:") as tar:
            for info in _infos(url, tar, file.seek(0, io.SEEK_END)):
                member = _member(url, file, info, ignored)
                if member is not None:
                    yield member
            _check_end(url, file, tar.offset)
    except (tarfile.TarError, EOFError, ValueError, OverflowError, RecursionError) as error:
        raise BadInput(f"{shown(url)} is damaged or cut short ({why(error)}); write it again") from None


class _Limited:
    """A file from which nobody reads more at once than any honest header needs."""

    def __init__(self, url: str, file: BinaryIO) -> None:
        self.name = url
        self.seek = file.seek
        self.tell = file.tell
        self._url = url
        self._read = file.read

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= LONGEST_READ:
            raise BadInput(f"{shown(self._url)} has a header of {size} bytes, which is damage or worse")
        return self._read(size)


def _infos(url: str, tar: tarfile.TarFile, size: int) -> Iterator[tarfile.TarInfo]:
    """Headers of a tar of that many bytes in the order in which they lie; `tarfile` would keep them all."""
    end = 0
    while (info := tar.next()) is not None:
        tar.members.clear()  # type: ignore[attr-defined] # webdataset does the same
        start, end = end, info.offset_data + info.size
        if not start <= info.offset_data <= end <= size:
            raise BadInput(f"{shown(url)} is damaged or cut short at {shown_name(info.name)}; write it again")
        yield info


def _check_end(url: str, file: BinaryIO, offset: int) -> None:
    """After the last member there are zeros, a block at least, to the file's end; `tarfile` doesn't ask."""
    file.seek(offset)
    if len(rest := file.read(tarfile.BLOCKSIZE)) < tarfile.BLOCKSIZE:
        raise BadInput(f"{shown(url)} is cut short: it ends without tar's end mark; write it again")
    while rest:
        if rest.strip(b"\0"):
            raise BadInput(f"{shown(url)} is damaged, or holds archives joined together; write it again")
        rest = file.read(LONGEST_READ)


def _member(url: str, file: BinaryIO, info: tarfile.TarInfo, ignored: Counter[str]) -> Member | None:
    """A regular file as a member; `BadInput` for what a set of samples has no business to hold."""
    _refuse_unsafe(url, info)
    if info.isdir():
        return None
    folder, slash, base = info.name.rpartition("/")
    stem, _, field = base.partition(".")
    if not stem or not field:
        ignored[OTHER if stem else HIDDEN] += 1
        return None
    field = field.lower()
    is_label = field in (LABEL, "json") and info.size <= LABEL_BYTES
    text = None
    if is_label:
        file.seek(info.offset_data)
        text = file.read(info.size)
    return Member(check_text(info.name), folder + slash + stem, field, info.offset_data, info.size, text)


def _refuse_unsafe(url: str, info: tarfile.TarInfo) -> None:
    if info.name.startswith("/") or (".." in info.name and ".." in info.name.split("/")):
        what = "which leads out of its folder"
    elif not (info.isreg() or info.isdir()) or info.issparse():
        what = "a link, a device or sparse"
    else:
        return
    raise BadInput(f"{shown(url)} holds {shown_name(info.name)}, {what}; write it again without")
