"""The samples of one shard as the index tells them, in the order in which the shard stores them."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from pipebench.index import EXTRAS

from .columns import read_batches
from .faults import Fault
from .index import Extent


class Part(NamedTuple):
    """Bytes of a sample."""

    what: str
    """For messages: the payload, or which extra."""
    member: str
    offset: int
    size: int
    hash: int

    def lies_within(self, size: int) -> bool:
        """Whether a file of that size can hold it where it is said to lie."""
        return self.offset >= 0 and 0 <= self.size <= size - self.offset


class Stored(NamedTuple):
    """A row of the index."""

    key: str
    row: int
    label: int
    payload: Part
    extras: tuple[Part, ...]

    def parts(self) -> list[Part]:
        """In the order of their offsets."""
        return sorted((self.payload, *self.extras), key=lambda part: part.offset)


def stored(path: str, shard: int, extent: Extent, *, in_rows: bool) -> Iterator[Stored]:
    """The samples of a shard from the index at that local path. Raises `BadInput`."""
    rows = _rows(path, shard, extent)
    if extent.ordered:
        return rows
    return iter(sorted(rows, key=(lambda sample: sample.row) if in_rows else _offset))


def _offset(sample: Stored) -> int:
    return sample.payload.offset


def _rows(path: str, shard: int, extent: Extent) -> Iterator[Stored]:
    import pyarrow.compute as pc

    if extent.first == extent.end:
        return
    for _, batch in read_batches(path, extent.first, extent.end):
        yield from unpacked(batch.filter(pc.equal(batch["shard"], shard)))


def unpacked(batch: Any) -> Iterator[Stored]:
    """The rows of a record batch of the index."""
    names = ("key", "member", "row", "offset", "size", "label", "hash", EXTRAS)
    for key, member, row, offset, size, label, hash_, extras in zip(
        *(batch[name].to_pylist() for name in names), strict=True
    ):
        payload = Part("payload", member, offset, size, hash_)
        yield Stored(key, row, label, payload, tuple(map(_extra, extras or ())))


def _extra(raw: dict[str, Any]) -> Part:
    return Part(repr(raw["field"]), raw["member"], raw["offset"], raw["size"], raw["hash"])


def overlaps(samples: Iterable[Stored], name: str, size: int, *, in_rows: bool) -> Iterator[Fault]:
    """Parts that share bytes, and samples that share a row, in the shard `name` of so many bytes."""
    spans, rows = [], []
    for sample in samples:
        spans += [(p.offset, p.size, p.what, sample.key) for p in sample.parts() if p.lies_within(size)]
        rows.append((sample.row, sample.key))
    reach, owner = 0, ""
    for offset, length, what, key in sorted(spans):
        if offset < reach:
            yield Fault(name, key, offset, f"its {what} shares bytes with sample {owner!r}")
        if offset + length > reach:
            reach, owner = offset + length, key
    yield from _shared_rows(sorted(rows), name) if in_rows else ()


def _shared_rows(rows: list[tuple[int, str]], name: str) -> Iterator[Fault]:
    for (row, owner), (other, key) in pairwise(rows):
        if row == other:
            yield Fault(name, key, None, f"its row {row} is that of sample {owner!r} too")
