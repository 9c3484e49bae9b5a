"""A worker's samples of an epoch out of Parquet, in the order in which it delivers them."""

from collections.abc import Iterator
from itertools import chain

import numpy as np

from pipebench.contract import Placement, Workload

from ._ahead import one_ahead, some_ahead
from ._draws import stream
from ._mix import Drawn, in_order, mixed
from ._parquet import LibraryReader, Opened, PlainReader, Reader
from ._payload import Payloads
from ._row_groups import Deal
from ._settings import ArrowSettings


class Rows:
    """Reads, in a worker, what is dealt to it."""

    def __init__(self, workload: Workload, placement: Placement, settings: ArrowSettings) -> None:
        """Raises `BadInput` for a shard that cannot be read."""
        self._workload, self._placement, self._settings = workload, placement, settings
        self._deal = Deal(workload, placement, settings.workers)
        self._payloads = Payloads(workload.dataset)
        self.member, self.rounds = self._payloads.member, self._deal.rounds
        self._read: Reader = PlainReader(self._payloads)
        if settings.parquet_reader == "library":
            self._read = LibraryReader(
                workload.dataset, self._deal.footers, self._payloads, mmap=settings.mmap
            )

    def drawn(self, epoch: int, worker: int) -> Iterator[Drawn]:
        """The worker's samples of that epoch, mixed where the workload shuffles. Raises `BadInput`."""
        opened = self._opened(epoch, worker)
        if not self._workload.shuffle:
            return in_order(opened)
        entropy = (stream(self._workload.seed, epoch), self._placement.rank, worker)
        return mixed(opened, self._settings.buffer, np.random.default_rng(entropy))

    def _opened(self, epoch: int, worker: int) -> Iterator[Opened]:
        """Piece by piece; from an object store the next are fetched while one is in use."""
        pieces = self._deal.pieces(epoch, worker)
        if self._payloads.local:
            return chain.from_iterable(map(self._read, pieces))
        if self._read.large:
            return one_ahead(chain.from_iterable(map(self._read, pieces)))
        return chain.from_iterable(some_ahead(lambda piece: list(self._read(piece)), pieces))
