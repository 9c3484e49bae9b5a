"""The whole index in one pass: does it agree with the description, and with itself?"""

from array import array
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

from pipebench.dataset import INDEX, Dataset
from pipebench.index import content_name, content_sum

from .columns import Columns, Integers, columns, read_batches
from .faults import Fault
from .values import LARGEST, Limits, row_faults


class Extent(NamedTuple):
    """Which rows of the index tell of a shard."""

    first: int
    end: int
    """Behind the last."""
    ordered: bool
    """Whether the shard's rows come in the order in which it stores them, and no two parts overlap."""


class IndexCheck:
    """Streams an index. Its `extents` are complete when `faults` is exhausted."""

    def __init__(self, dataset: Dataset, path: str) -> None:
        self._dataset, self._path = dataset, path
        self._limits = Limits.of(dataset)
        shards = len(dataset.shards)
        self._counts = np.zeros(shards, np.int64)
        self._first = np.full(shards, LARGEST)
        self._end = np.zeros(shards, np.int64)
        self._reached = np.zeros(shards, np.int64)
        self._ordered = np.ones(shards, bool)
        self._keys = array("Q")
        """Their hashes; it grows in place, where a list of arrays would have to be copied in the end."""
        self._payload_bytes = self._content = 0

    def faults(self, batches: Iterator[tuple[int, Any]]) -> Iterator[Fault]:
        """What is wrong with the rows, then with their sums. The batches come from `read_batches`."""
        for start, batch in batches:
            some = columns(start, batch)
            yield from row_faults(some, self._limits)
            self._add(some)
        yield from self._sums()
        yield from self._repeated_keys()

    @property
    def samples(self) -> int:
        """Rows that were looked at."""
        return len(self._keys)

    def extents(self) -> list[Extent]:
        """Of each shard; an empty one where no row names it."""
        columns = (self._first, self._end, self._ordered)
        return [
            Extent(first, end, ordered) if end else Extent(0, 0, True)
            for first, end, ordered in zip(*(column.tolist() for column in columns), strict=True)
        ]

    def _add(self, some: Columns) -> None:
        self._keys.frombytes(_hashes(some.keys).tobytes())
        self._content += content_sum(some.keys, some.hash, some.label)
        self._payload_bytes += _total(some.payload.size)
        if self._limits.in_shards:
            self._add_places(some)

    def _add_places(self, some: Columns) -> None:
        known = np.flatnonzero((some.shard >= 0) & (some.shard < len(self._counts)))
        shard = some.shard[known]
        self._counts += np.bincount(shard, minlength=len(self._counts))
        np.minimum.at(self._first, shard, some.start + known)
        np.maximum.at(self._end, shard, some.start + known + 1)
        self._check_order(some, known)

    def _check_order(self, some: Columns, known: Integers) -> None:
        """Rows out of order are no fault in themselves; such a shard is looked at by sorting its rows."""
        spans = _spans(some, known, in_rows=self._limits.in_rows)
        bad = spans.shard[spans.start < self._reached[spans.shard]]
        np.maximum.at(self._reached, spans.shard, spans.end)
        self._ordered[bad] = False
        for found in (_out_of_order(spans), _overlapping(some, known)):
            self._ordered[found] = False

    def _sums(self) -> Iterator[Fault]:
        dataset = self._dataset
        found = {
            "samples": self.samples,
            "payload_bytes": self._payload_bytes,
            "content_id": content_name(self._content),
        }
        for name, value in found.items():
            if value != getattr(dataset, name):
                text = f"its {name} is {value}, and {getattr(dataset, name)} in the description"
                yield Fault(INDEX, None, None, text)
        for shard, count in zip(dataset.shards, self._counts.tolist(), strict=True):
            if shard.samples != count:
                text = f"the index has {count} samples of it, and the description says {shard.samples}"
                yield Fault(shard.name, None, None, text)

    def _repeated_keys(self) -> Iterator[Fault]:
        """Only keys whose hashes are equal are compared, so that not all have to be held."""
        hashes = np.frombuffer(self._keys, np.uint64)
        hashes.sort()
        repeated = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
        return _repeats(self._path, repeated, self._limits) if len(repeated) else iter(())


def _hashes(keys: list[str]) -> NDArray[np.uint64]:
    return np.fromiter((xxhash.xxh3_64_intdigest(key.encode()) for key in keys), np.uint64, len(keys))


def _total(sizes: Integers) -> int:
    """Their sum, which may be beyond 64 bits where they are not true."""
    return (int((sizes >> 32).sum()) << 32) + int((sizes & 0xFFFFFFFF).sum())


def _repeats(path: str, repeated: NDArray[np.uint64], limits: Limits) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for start, batch in read_batches(path):
        some = columns(start, batch)
        for position in np.flatnonzero(np.isin(_hashes(some.keys), repeated)).tolist():
            key, id_ = some.keys[position], start + position
            if first.setdefault(key, id_) != id_:
                text = f"its key is that of sample {first[key]} too; it is sample {id_}"
                yield Fault(limits.file(some, position), key, None, text)


class _Spans(NamedTuple):
    """What each of some samples takes of its shard, in the order of their rows."""

    shard: Integers
    start: Integers
    end: Integers


def _spans(some: Columns, known: Integers, *, in_rows: bool) -> _Spans:
    """From the first to the last byte of any of its parts; in tables the row."""
    if in_rows:
        rows = some.row[known]
        return _Spans(some.shard[known], rows, rows + 1)
    start, end = some.payload.offset.copy(), some.payload.offset + some.payload.size
    np.minimum.at(start, some.extras.of, some.extras.offset)
    np.maximum.at(end, some.extras.of, some.extras.offset + some.extras.size)
    return _Spans(some.shard[known], start[known], end[known])


def _out_of_order(spans: _Spans) -> Integers:
    """Shards of which a sample begins before the end of the one that its row follows."""
    order = np.argsort(spans.shard, kind="stable")
    shard = spans.shard[order]
    backwards = spans.start[order][1:] < spans.end[order][:-1]
    found: Integers = shard[1:][backwards & (shard[1:] == shard[:-1])]
    return found


def _overlapping(some: Columns, known: Integers) -> Integers:
    """Shards in which two parts share bytes."""
    parts = (some.payload, some.extras)
    of, start, size = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("of", "offset", "size")
    )
    inside = np.isin(of, known) & (start >= 0)
    shard, start, size = some.shard[of[inside]], start[inside], size[inside]
    order = np.lexsort((start, shard))
    shard, start, end = shard[order], start[order], (start + size)[order]
    found: Integers = shard[1:][(start[1:] < end[:-1]) & (shard[1:] == shard[:-1])]
    return found
