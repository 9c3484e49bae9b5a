"""The row groups of a dataset's Parquet shards, and how they are dealt out to ranks and workers."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipebench.contract import Placement, Workload
from pipebench.dataset import Dataset
from pipebench.errors import BadInput

from ._draws import stream
from ._footers import read_footers


class Piece(NamedTuple):
    """Some rows of one row group."""

    shard: int
    group: int
    """The row group's number in its shard."""
    first: int
    """The row of the shard with which the row group begins."""
    ids: NDArray[np.int64]
    """In the order of their rows."""


class RowGroups:
    """All row groups of a dataset, and whose ids they hold."""

    def __init__(self, dataset: Dataset) -> None:
        """Raises `BadInput` for a shard that cannot be read, or has other rows than the index says."""
        self.footers = read_footers(dataset)
        sizes = [
            [footer.row_group(g).num_rows for g in range(footer.num_row_groups)] for footer in self.footers
        ]
        self._shard = np.repeat(np.arange(len(sizes)), [len(groups) for groups in sizes])
        self._group = np.concatenate([np.arange(len(groups)) for groups in sizes])
        rows = np.array([size for groups in sizes for size in groups], np.int64)
        shards = np.array([sum(groups) for groups in sizes], np.int64)
        _check_rows(dataset, shards)
        # Rows are numbered through all shards, as if these were one.
        before = np.cumsum(shards) - shards
        begins = np.cumsum(rows) - rows
        self._first = begins - before[self._shard]
        numbers = before[dataset.index.shard] + dataset.index.row
        self._stored = np.argsort(numbers)
        self._starts = np.searchsorted(numbers[self._stored], [*begins, rows.sum()])
        self.counts = np.diff(self._starts)
        """Samples of each row group; rows that the index leaves out are none."""

    def piece(self, number: int, part: slice) -> Piece:
        """Part of the samples of one row group."""
        ids = self._stored[self._starts[number] : self._starts[number + 1]][part]
        shard, group, first = (int(of[number]) for of in (self._shard, self._group, self._first))
        return Piece(shard, group, first, ids)


def _rows(footer: Any) -> Callable[[int], int]:
    """From a row group's number to its rows."""
    return lambda group: int(footer.row_group(group).num_rows)


def _check_rows(dataset: Dataset, rows: NDArray[np.int64]) -> None:
    """Each shard has the rows that the index names."""
    missing = (dataset.index.row < 0) | (dataset.index.row >= rows[dataset.index.shard])
    if missing.any():
        name = dataset.shards[dataset.index.shard[np.flatnonzero(missing)[0]]].name
        raise BadInput(f"shard {name} has not the rows that the index says; index the dataset again")


class Deal:
    """Who delivers what: row groups are laid end to end, each rank takes an equal part of all samples, and
    each of its workers as many whole batches as the others, or one more.

    A row group that lies on a border is read by both sides. An epoch's order of the row groups is the
    same for all ranks.
    """

    def __init__(self, workload: Workload, placement: Placement, workers: int) -> None:
        self._groups, self._workload, self._workers = RowGroups(workload.dataset), workload, workers
        samples, world = workload.dataset.samples, placement.world_size
        self._begin = samples * placement.rank // world
        self._end = samples * (placement.rank + 1) // world
        count, size = self._end - self._begin, workload.batch_size
        self._batches = count // size if workload.drop_last else -(-count // size)
        self.rounds = -(-self._batches // workers)
        """Batches of the busiest worker in an epoch."""
        self.footers = self._groups.footers

    def pieces(self, epoch: int, worker: int) -> Iterator[Piece]:
        """What the worker delivers in that epoch, piece by piece."""
        first, last = (self._batches * number // self._workers for number in (worker, worker + 1))
        size = self._workload.batch_size
        return self._between(epoch, self._begin + first * size, min(self._begin + last * size, self._end))

    def _between(self, epoch: int, begin: int, end: int) -> Iterator[Piece]:
        order = self._order(epoch)
        ends = np.cumsum(self._groups.counts[order])
        starts = ends - self._groups.counts[order]
        for at in np.flatnonzero(np.minimum(ends, end) > np.maximum(starts, begin)):
            part = slice(max(0, begin - starts[at]), end - starts[at])
            yield self._groups.piece(int(order[at]), part)

    def _order(self, epoch: int) -> NDArray[np.int64]:
        order = np.arange(len(self._groups.counts))
        if not self._workload.shuffle:
            return order
        return np.random.default_rng(stream(self._workload.seed, epoch)).permutation(order)
