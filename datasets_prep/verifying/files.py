"""The files that are there, held against those that ought to be there."""

import os
from array import array
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

from pipebench.dataset import Shard
from pipebench.errors import BadInput
from pipebench.files import is_local, local_path, objects, shown, why

from .columns import Integers, columns
from .faults import Fault
from .idx import idx_name

MISSING, IRREGULAR = -1, -2
"""In place of a size: no such file, or no regular one."""


class Files:
    """All that lies below a folder. It keeps 17 bytes a file and no names."""

    def __init__(self, url: str) -> None:
        self._url = url
        hashes, sizes = array("Q"), array("q")
        for name, size in listing(url):
            hashes.append(_hash(name))
            sizes.append(size)
        self._hashes = np.frombuffer(hashes, np.uint64)
        self._sizes = np.frombuffer(sizes, np.int64)[np.argsort(self._hashes)]
        self._hashes.sort()
        self._expected = np.zeros(len(hashes), bool)

    def sizes(self, names: Iterable[str]) -> Integers:
        """The bytes of each of these files, which are expected, or MISSING or IRREGULAR."""
        hashes = np.fromiter(map(_hash, names), np.uint64)
        if not len(self._hashes):
            return np.full(len(hashes), MISSING)
        at = np.searchsorted(self._hashes, hashes).clip(max=len(self._hashes) - 1)
        known = self._hashes[at] == hashes
        self._expected[at[known]] = True
        return np.where(known, self._sizes[at], MISSING)

    def unexpected(self) -> Iterator[str]:
        """The names of files whose size nobody asked for."""
        left = self._hashes[~self._expected]
        if len(left):
            yield from sorted(name for name, _ in listing(self._url) if _among(_hash(name), left))


def _hash(name: str) -> int:
    return xxhash.xxh3_64_intdigest(name.encode(errors="surrogateescape"))


def _among(hash_: int, hashes: NDArray[np.uint64]) -> bool:
    """Whether the sorted hashes hold it."""
    at = int(np.searchsorted(hashes, np.uint64(hash_)))
    return at < len(hashes) and int(hashes[at]) == hash_


def listing(url: str) -> Iterator[tuple[str, int]]:
    """(path below the folder, bytes or IRREGULAR) of all files below it. Raises `BadInput`."""
    try:
        if is_local(url):
            yield from _local(local_path(url))
        else:
            yield from ((found.name, found.size) for found in objects(url))
    except (OSError, ValueError, ImportError) as error:
        raise BadInput(f"{shown(url)} cannot be listed: {why(error)}") from None


def _local(root: str) -> Iterator[tuple[str, int]]:
    """Links to folders are not followed: they are no regular files."""
    folders = [""]
    while folders:
        below = folders.pop()
        with os.scandir(os.path.join(root, below)) as entries:  # noqa: PTH118 - names need not be UTF-8
            for entry in entries:
                name = below + entry.name
                if entry.is_dir(follow_symlinks=False):
                    folders.append(f"{name}/")
                else:
                    yield name, entry.stat().st_size if entry.is_file() else IRREGULAR


class Sizes(NamedTuple):
    """The bytes that a shard's files have, or MISSING or IRREGULAR."""

    shard: int
    idx: int | None
    """Of the DALI index beside it; None where there ought to be none."""


def shard_faults(files: Files, shards: Sequence[Shard]) -> Generator[Fault, None, list[Sizes]]:
    """Shards and DALI indexes that are missing or have another size. Returns what sizes they have."""
    found = []
    for shard, size in zip(shards, files.sizes(shard.name for shard in shards).tolist(), strict=True):
        idx = None
        if size != shard.size:
            yield Fault(shard.name, None, None, size_fault(size, shard.size))
        if shard.idx_sha256 is not None:
            [idx] = files.sizes([idx_name(shard.name)]).tolist()
            if idx < 0:
                yield Fault(idx_name(shard.name), None, None, size_fault(idx, None))
        found.append(Sizes(size, idx))
    return found


def sample_faults(files: Files, batches: Iterable[tuple[int, Any]]) -> Iterator[Fault]:
    """Samples' own files, payloads and extras, that are missing or have another size than in the index."""
    for start, batch in batches:
        some = columns(start, batch)
        for parts in (some.payload, some.extras):
            sizes = files.sizes(parts.members.to_pylist())
            for wrong in np.flatnonzero(sizes != parts.size).tolist():
                key, member = some.keys[parts.of[wrong]], parts.members[wrong].as_py()
                yield Fault(member, key, None, size_fault(int(sizes[wrong]), int(parts.size[wrong])))


def size_fault(size: int, due: int | None) -> str:
    """What is wrong about a file of this size."""
    if size == MISSING:
        return "it is missing"
    return "it is no regular file" if size == IRREGULAR else f"it has {size} bytes, and ought to have {due}"
