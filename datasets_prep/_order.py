"""In which order which samples are written, without an array of them all."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from tempfile import TemporaryFile

import numpy as np
from numpy.typing import NDArray

from ._permutation import Ids, Permutation
from ._splits import Split

CHUNK = 65_536
"""Samples whose places are computed at once."""
BUCKET = 1 << 20
"""Places whose values are in memory at once while they are put in order."""

Values = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Order:
    """That of the ids or, shuffled, of the places to which the permutation takes them."""

    samples: int
    shuffle: bool
    seed: int

    @cached_property
    def _permutation(self) -> Permutation:
        return Permutation(self.samples, self.seed)

    def ids(self, split: Split) -> Iterator[Ids]:
        """The ids of a split in the order in which they are written, in chunks of any length."""
        if self.shuffle:
            yield from map(self._permutation.ids, _chunks(split.first, split.end))
        else:
            yield from (ids[self.members(split, ids)] for ids in _chunks(0, self.samples))

    def members(self, split: Split, ids: Ids) -> NDArray[np.bool_]:
        """Which of these the split has."""
        if split.samples == self.samples:
            return np.ones(len(ids), np.bool_)
        places = self._permutation.places(ids)
        return (places >= split.first) & (places < split.end)

    def arranged(self, split: Split, values: Iterable[Values]) -> Iterator[Values]:
        """Values of all samples, which come in the order of their ids in chunks, as `ids` orders them."""
        if self.shuffle:
            yield from self._shuffled(split, values)
            return
        for ids, some in _numbered(values):
            yield some[self.members(split, ids)]

    def _shuffled(self, split: Split, values: Iterable[Values]) -> Iterator[Values]:
        """Spreads them over files of places near each other, which are then put in order one by one."""
        starts = range(split.first, split.end, BUCKET)
        with ExitStack() as stack:
            buckets = [stack.enter_context(TemporaryFile()) for _ in starts]
            for ids, some in _numbered(values):
                places = self._permutation.places(ids)
                for bucket, start in zip(buckets, starts, strict=True):
                    near = (places >= start) & (places < min(start + BUCKET, split.end))
                    np.stack((places[near] - start, some[near]), axis=1).tofile(bucket)
            for bucket in buckets:
                bucket.seek(0)
                offsets, found = np.fromfile(bucket, np.int64).reshape(-1, 2).T
                ordered = np.empty_like(found)
                ordered[offsets] = found
                yield ordered


def _chunks(first: int, end: int) -> Iterator[Ids]:
    for start in range(first, end, CHUNK):
        yield np.arange(start, min(start + CHUNK, end))


def _numbered(values: Iterable[Values]) -> Iterator[tuple[Ids, Values]]:
    """The chunks, each with its samples' ids."""
    start = 0
    for some in values:
        yield np.arange(start, start + len(some)), some
        start += len(some)


def pieces(chunks: Iterable[Ids], lengths: Iterable[int]) -> Iterator[Ids]:
    """The same numbers in pieces of these lengths, which cover them all."""
    rest, chunks = np.empty(0, np.int64), iter(chunks)
    for length in lengths:
        have = [rest]
        while sum(map(len, have)) < length:
            have.append(next(chunks))
        joined = np.concatenate(have) if len(have) > 1 else rest
        yield joined[:length]
        rest = joined[length:]
