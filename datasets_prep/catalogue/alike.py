"""Finds keys that are alike, among any number of them, in little memory."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from tempfile import TemporaryFile
from typing import BinaryIO, NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

from .._scratch import scratch

TOGETHER = 2_000_000
"""Hashes that are sorted at once."""
BLOCK = 8 << 20
"""Bytes that are read at once."""
MOST = 1000
"""Hashes that are looked into; who has more keys that are alike need not see them all."""

Hashes = NDArray[np.uint64]
Keys = Callable[[], Iterator[Sequence[str]]]
"""All keys, in some order, in parts; more than once."""


class Alike(NamedTuple):
    """Keys that are alike, not all of them if they are many."""

    duplicates: list[str]
    """That occur more than once."""
    case_twins: list[tuple[str, str]]
    """That differ in nothing but upper and lower case."""


def alike(keys: Keys) -> Alike:
    """Looks at all keys twice, if any are alike."""
    repeated = _repeated(map(_hashes, keys()))
    if not len(repeated):
        return Alike([], [])
    found: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for some in keys():
        hashes = _hashes(some)
        for row in np.flatnonzero(np.isin(hashes, repeated)).tolist():
            counts = found[int(hashes[row])]
            counts[some[row]] = counts.get(some[row], 0) + 1
    duplicates = [key for counts in found.values() for key, count in counts.items() if count > 1]
    twins = [(min(counts), max(counts)) for counts in found.values() if len(counts) > 1]
    return Alike(duplicates, twins)


def _hashes(keys: Sequence[str]) -> Hashes:
    """Equal for keys that differ only in case."""
    digest = xxhash.xxh3_64_intdigest
    return np.fromiter((digest(key.casefold().encode()) for key in keys), np.uint64, len(keys))


def _repeated(parts: Iterable[Hashes]) -> Hashes:
    """Up to MOST of those that occur more than once. They lie on disk, and are sorted a range at a time."""
    with TemporaryFile(prefix="pipebench-") as file:
        total = 0
        with scratch():
            for part in parts:
                file.write(part.tobytes())
                total += len(part)
        ranges = -(-total // TOGETHER)
        bounds = [(1 << 64) * number // ranges for number in range(1, ranges)]
        found = [_repeated_between(file, low, high) for low, high in pairwise([0, *bounds, 1 << 64])]
        return np.concatenate(found)[:MOST]


def _repeated_between(file: BinaryIO, low: int, high: int) -> Hashes:
    file.seek(0)
    chosen = []
    while data := file.read(BLOCK):
        hashes = np.frombuffer(data, np.uint64)
        chosen.append(hashes[(hashes >= np.uint64(low)) & (hashes <= np.uint64(high - 1))])
    hashes = np.sort(np.concatenate(chosen)) if chosen else np.empty(0, np.uint64)
    repeated = hashes[1:][hashes[1:] == hashes[:-1]]
    return np.unique(repeated) if len(repeated) else repeated  # it imports `numpy.ma`, some 15 ms
