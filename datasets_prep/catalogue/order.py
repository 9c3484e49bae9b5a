"""Puts samples in the order in which they are written, split by split, without having them all in memory."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .blobs import Blobs
from .columns import numbers
from .permutation import Permutation
from .rows import pack, unpack
from .splits import Split
from .store import Store

WINDOW = 1 << 16
"""Rows that are dealt out at once."""
BUCKET = 1 << 17
"""Rows that are sorted at once: those that go to places near each other."""
PLACE = "place"
"""The column that tables of rows have here beside their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """That of the ids or, shuffled, of the places to which a permutation takes them."""

    shuffle: bool
    seed: int

    def arranged(self, store: Store, splits: Sequence[Split], closing: ExitStack) -> list[Store]:
        """The rows of each split, in a store of its own; `closing` closes it."""
        if len(splits) == 1 and not self.shuffle:
            return [store]
        tables = _placed(store, Permutation(store.rows, self.seed))
        stores = [closing.enter_context(Store()) for _ in splits]
        for table in _sorted(tables, store.rows) if self.shuffle else tables:
            places = table[PLACE].to_numpy()
            for split, out in zip(splits, stores, strict=True):
                mine = table.filter((places >= split.first) & (places < split.end))
                for batch in mine.drop_columns([PLACE]).to_batches():
                    out.append(batch)
        return stores


def _placed(store: Store, permutation: Permutation) -> Iterator[Any]:
    """The rows as tables, in the order of their ids, with their places."""
    import pyarrow as pa

    first = 0
    for batch in store.batches():
        places = permutation.places(np.arange(first, first + len(batch)))
        yield pa.Table.from_batches([batch]).append_column(PLACE, numbers(places))
        first += len(batch)


def _sorted(tables: Iterable[Any], rows: int) -> Iterator[Any]:
    """The rows in the order of their places: dealt out to buckets on disk, which are sorted one by one."""
    import pyarrow as pa

    buckets: list[list[int]] = [[] for _ in range(0, rows, BUCKET)]
    with Blobs() as blobs:
        for window in _joined(tables):
            for bucket, piece in zip(buckets, _dealt(window, len(buckets)), strict=True):
                bucket.extend(blobs.add(pack(batch)) for batch in piece.to_batches())
        for bucket in buckets:
            table = pa.Table.from_batches([unpack(blobs[number]) for number in bucket])
            yield table.take(np.argsort(table[PLACE].to_numpy()))


def _joined(tables: Iterable[Any]) -> Iterator[Any]:
    """The same rows, some WINDOW to a table."""
    import pyarrow as pa

    held: list[Any] = []
    for table in tables:
        held.append(table)
        if sum(map(len, held)) >= WINDOW:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)


def _dealt(table: Any, buckets: int) -> Iterator[Any]:
    """What of the table goes to each bucket."""
    numbers: NDArray[np.int64] = table[PLACE].to_numpy() // BUCKET
    order = np.argsort(numbers, kind="stable")
    ordered, ends = table.take(order).combine_chunks(), np.searchsorted(numbers[order], range(buckets + 1))
    yield from (ordered[first:end] for first, end in pairwise(ends.tolist()))
