"""Files below a folder, as they are met: nothing is listed that is not asked for."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

from pipebench.files import Listed, is_local, local_path, objects
from pipebench.sampling.contract import is_hidden

T = TypeVar("T")
Been = set[tuple[int, int]]
"""Device and number of the folders that were listed: links may lead to one twice, or in a circle."""


def listed(url: str) -> Iterator[Listed]:
    """The visible files, links followed. Of a local tree the topmost folders take turns, so that no class
    comes first."""
    files = _local(Path(local_path(url)), set()) if is_local(url) else objects(url)
    return (file for file in files if not is_hidden(file))


def _local(root: Path, been: Been) -> Iterator[Listed]:
    been.add(_place(root))
    below = sorted(os.scandir(root), key=lambda entry: entry.name)
    yield from (_file(root, entry) for entry in below if _leads_to(entry.is_file, entry))
    yield from taking_turns(
        _walk(root, entry.path, been) for entry in below if _leads_to(entry.is_dir, entry)
    )


def _leads_to(ask: Callable[[], bool], entry: "os.DirEntry[str]") -> bool:
    """A link that leads nowhere, to itself, or to where one may not look is none of either."""
    try:
        return ask() and not (entry.is_symlink() and not os.access(entry.path, os.R_OK))
    except OSError:
        if entry.is_symlink():
            return False
        raise


def taking_turns(several: Iterable[Iterator[T]]) -> Iterator[T]:
    """One item of each in turn, until all are at their end."""
    left = deque(several)
    while left:
        one = left.popleft()
        for item in islice(one, 1):
            yield item
            left.append(one)


def _walk(root: Path, folder: str, been: Been) -> Iterator[Listed]:
    place = _place(folder)
    if place in been:
        return
    been.add(place)
    folders = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if _leads_to(entry.is_dir, entry):
                folders.append(entry.path)
            elif _leads_to(entry.is_file, entry):
                yield _file(root, entry)
    for below in sorted(folders):
        yield from _walk(root, below, been)


def _place(folder: str | Path) -> tuple[int, int]:
    status = os.stat(folder)  # noqa: PTH116 - of one among thousands
    return status.st_dev, status.st_ino


def _file(root: Path, entry: "os.DirEntry[str]") -> Listed:
    status = entry.stat()
    return Listed(Path(entry.path).relative_to(root).as_posix(), status.st_size, str(status.st_mtime_ns))
