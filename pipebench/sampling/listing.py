"""Files below a folder, as they are met: nothing is listed that is not asked for."""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

from pipebench.files import Listed, is_local, local_path, objects
from pipebench.sampling.contract import is_hidden

T = TypeVar("T")


def listed(url: str) -> Iterator[Listed]:
    """The visible files. Of a local tree the topmost folders take turns, so that no class comes first."""
    files = _local(Path(local_path(url))) if is_local(url) else objects(url)
    return (file for file in files if not is_hidden(file))


def _local(root: Path) -> Iterator[Listed]:
    below = sorted(os.scandir(root), key=lambda entry: entry.name)
    yield from (_file(root, entry) for entry in below if entry.is_file(follow_symlinks=False))
    yield from taking_turns(_walk(root, entry.path) for entry in below if entry.is_dir(follow_symlinks=False))


def taking_turns(several: Iterable[Iterator[T]]) -> Iterator[T]:
    """One item of each in turn, until all are at their end."""
    left = deque(several)
    while left:
        one = left.popleft()
        for item in islice(one, 1):
            yield item
            left.append(one)


def _walk(root: Path, folder: str) -> Iterator[Listed]:
    folders = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif entry.is_file(follow_symlinks=False):
                yield _file(root, entry)
    for below in sorted(folders):
        yield from _walk(root, below)


def _file(root: Path, entry: "os.DirEntry[str]") -> Listed:
    status = entry.stat(follow_symlinks=False)
    return Listed(Path(entry.path).relative_to(root).as_posix(), status.st_size, str(status.st_mtime_ns))
