"""What DataLoader's workers yield of Parquet: whole batches, or single samples.

Imports torch: a loader imports this module when it is built.
"""

from collections.abc import Iterator
from itertools import chain, count, islice, repeat
from typing import TYPE_CHECKING, Any

import numpy as np
from torch.utils.data import IterableDataset, get_worker_info

from pipebench.contract import Workload
from pipebench.errors import BadInput

from ._feed import NO_EPOCH, Feed, Message
from ._rows import Rows

if TYPE_CHECKING:
    from ._tutorial import ToItem

NOTHING = Message(np.empty(0, np.int64))
"""Keeps workers in step: each sends as many messages an epoch as the busiest has batches."""


class RowBatches(IterableDataset[Message]):
    """In a worker: whole batches, from the feed's epoch on."""

    def __init__(self, rows: Rows, workload: Workload, feed: Feed, *, ahead: bool) -> None:
        self._rows, self._size, self._begun, self._ship = rows, workload.batch_size, feed.epoch, feed.shipper
        self._ahead = ahead and rows.rounds > 0

    def __iter__(self) -> Iterator[Message]:
        begun = self._begun.value
        if begun == NO_EPOCH:  # it was abandoned before this worker began
            return
        for epoch in count(begun) if self._ahead else (begun,):
            for message in islice(chain(self._messages(epoch), repeat(NOTHING)), self._rows.rounds):
                yield message  # always, since it may hold a slot
                if self._begun.value != begun:
                    return

    def _messages(self, epoch: int) -> Iterator[Message]:
        drawn = self._rows.drawn(epoch, _worker())
        try:
            while samples := list(islice(drawn, self._size)):
                ids = np.array([sample.id for sample in samples], np.int64)
                payloads = (sample.payload() for sample in samples)
                yield self._ship(payloads, ids, epoch, self._rows.member)
        except BadInput as error:
            yield Message(np.empty(0, np.int64), fault=str(error))


class RowItems(IterableDataset[Any]):
    """In a worker: single samples of an epoch, with ids in the labels' place."""

    def __init__(self, rows: Rows, item: "ToItem", epoch: int) -> None:
        self._rows, self._item, self._epoch = rows, item, epoch

    def __iter__(self) -> Iterator[Any]:
        """Raises `BadInput`."""
        for sample in self._rows.drawn(self._epoch, _worker()):
            yield self._item(sample.payload(), sample.id)


def _worker() -> int:
    info = get_worker_info()
    assert info is not None, "only workers read"
    return int(info.id)
