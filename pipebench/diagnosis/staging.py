"""The payloads of a dataset in memory, for loaders whose storage is not this host's own disk."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from pipebench.dataset import Dataset, open_dataset, write_dataset
from pipebench.errors import BadInput
from pipebench.files import Range, join, read_ranges, sizes

MEMORY = Path("/dev/shm")  # noqa: S108 - where memory is a filesystem on Linux
MOST_SHARE = 0.5
"""Of the memory that is free."""
TOGETHER = 32
"""Files that are fetched side by side."""


def stage(dataset: Dataset, place: Path, goes_on: Callable[[], bool]) -> str | None:
    """The same dataset below `place`; None where it is too large, or `goes_on` says that time is up.

    Raises `BadInput` where it cannot be read.
    """
    try:
        files = _files(dataset)
        if sum(size for _, size in files) > MOST_SHARE * _free_bytes(place):
            return None
        for group in _grouped(files):
            if not goes_on():
                return None
            _fetch(dataset.root, group, place)
    except OSError as error:
        raise BadInput(f"{dataset.url} cannot be read: {error}") from None
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


def _grouped(files: Sequence[tuple[str, int]]) -> Iterator[list[tuple[str, int]]]:
    rest = iter(files)
    while group := list(islice(rest, TOGETHER)):
        yield group


def _fetch(root: str, files: Sequence[tuple[str, int]], place: Path) -> None:
    contents = read_ranges([Range(join(root, name), 0, size) for name, size in files])
    for (name, _), content in zip(files, contents, strict=True):
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _free_bytes(place: Path) -> int:
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min(free, shutil.disk_usage(place).free)
