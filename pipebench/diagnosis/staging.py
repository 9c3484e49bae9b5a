"""The payloads of a dataset in memory, for loaders whose storage is not this host's own disk."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from pipebench.dataset import Dataset, open_dataset, write_dataset
from pipebench.errors import BadInput
from pipebench.files import Range, join, read_ranges, sizes, why
from pipebench.sampling.listing import taking_turns

MEMORY = Path("/dev/shm")  # noqa: S108 - where memory is a filesystem on Linux
OVERHEAD = 4096
"""Bytes that a file takes besides its own, at most."""
MOST_SHARE = 0.5
"""Of the memory that is free."""
PIECE_BYTES, TOGETHER = 2**20, 32
"""Of a file's bytes at most, and so many pieces are fetched side by side, of as many files."""


def stage(dataset: Dataset, place: Path, goes_on: Callable[[], bool]) -> str | None:
    """The same dataset below `place`; None where it is too large, or `goes_on` says that time is up.

    None also where a name leads out of it, as a key of an object store may. Raises `BadInput` where it cannot
    be read.
    """
    try:
        files = _files(dataset)
        needed = sum(size + OVERHEAD for _, size in files)
        if needed > room(place) or any(_leads_out(name) for name, _ in files):
            return None
        pieces = taking_turns(_pieces(dataset.root, name, size) for name, size in files)
        while some := list(islice(pieces, TOGETHER)):
            if not goes_on():
                return None
            contents = read_ranges([piece.range for piece in some])
            if not _written(some, contents, place):
                return None
    except OSError as error:
        raise BadInput(f"{dataset.url} cannot be read: {why(error)}") from None
    write_dataset(replace(dataset, url=str(place), root=str(place)), dataset.index)
    return open_dataset(str(place)).url


def _files(dataset: Dataset) -> list[tuple[str, int]]:
    """The names below the root of all files that hold payloads, with their sizes."""
    if not dataset.shards:
        members = dataset.index.member.to_pylist()
        return list(zip(members, dataset.index.size.tolist(), strict=True))
    names = [shard.name for shard in dataset.shards]
    found = sizes([join(dataset.root, name) for name in names])
    return [(name, size or 0) for name, size in zip(names, found, strict=True)]


def _leads_out(name: str) -> bool:
    return Path(name).is_absolute() or ".." in Path(name).parts


class _Piece(NamedTuple):
    name: str
    range: Range


def _pieces(root: str, name: str, size: int) -> Iterator[_Piece]:
    for offset in range(0, size, PIECE_BYTES):
        yield _Piece(name, Range(join(root, name), offset, min(PIECE_BYTES, size - offset)))


def _written(pieces: Sequence[_Piece], contents: Sequence[bytes], place: Path) -> bool:
    """Whether there was room for them. Those of one file come in order."""
    try:
        for piece, content in zip(pieces, contents, strict=True):
            path = place / piece.name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                file.write(content)
    except OSError:  # others have taken the room meanwhile
        return False
    return True


def room(place: Path) -> float:
    """Bytes that may be written there: a share of those that are free."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return MOST_SHARE * min(free, shutil.disk_usage(place).free)
