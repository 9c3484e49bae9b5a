"""Values of the index that cannot be, whatever the files hold."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipebench.dataset import INDEX, Dataset

from .columns import Columns, Integers, Parts
from .faults import Fault

Mask = NDArray[np.bool_]
Check = tuple[Mask, Callable[[int], str]]
"""Where something is wrong, and what, by position."""
LARGEST = np.iinfo(np.int64).max
CLIMBS = r"^$|^/|(^|/)\.\.(/|$)|\x00"
"""Members that are nameless, absolute, climb out of their folder, or cannot be a file's name."""


def leads_out(member: str) -> bool:
    """Whether nobody should open the file of that name below a dataset's folder."""
    return re.search(CLIMBS, member) is not None


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the values of an index may be."""

    in_shards: bool
    in_rows: bool
    """Whether shards are tables, as Parquet's."""
    classes: int
    names: tuple[str, ...]
    """The shards'."""
    sizes: Integers
    """The shards', in bytes."""
    rows: Integers
    """The shards', as far as that is known: those that others wrote may hold more than are indexed."""

    @staticmethod
    def of(dataset: Dataset) -> "Limits":
        sizes = [min(shard.size, LARGEST) for shard in dataset.shards]
        rows = [min(shard.samples, LARGEST) if shard.sha256 else LARGEST for shard in dataset.shards]
        return Limits(
            in_shards=dataset.format != "folder",
            in_rows=dataset.format == "parquet",
            classes=len(dataset.classes),
            names=tuple(shard.name for shard in dataset.shards),
            sizes=np.array(sizes, np.int64),
            rows=np.array(rows, np.int64),
        )

    def file(self, some: Columns, position: int) -> str:
        """The name of the file that holds a sample."""
        shard = int(some.shard[position])
        return self.names[shard] if 0 <= shard < len(self.names) else INDEX


def row_faults(some: Columns, limits: Limits) -> Iterator[Fault]:
    """Values that cannot be, each with its sample's key."""
    for wrong, text in (*_sample_checks(some, limits), *_part_checks(some, some.payload, limits)):
        for position in np.flatnonzero(wrong).tolist():
            yield Fault(limits.file(some, position), some.keys[position], None, text(position))
    extras = some.extras
    for wrong, text in (*_extra_checks(some), *_part_checks(some, extras, limits)):
        for part in np.flatnonzero(wrong).tolist():
            position = int(extras.of[part])
            field = some.fields[part].as_py()
            what = f"its {field!r}: {text(part)}"
            yield Fault(limits.file(some, position), some.keys[position], None, what)


def _sample_checks(some: Columns, limits: Limits) -> Iterator[Check]:
    """Masks over samples."""
    label, shard, row = some.label, some.shard, some.row
    ids = np.arange(some.start, some.start + len(some))
    shards = len(limits.names)
    yield some.id != ids, lambda i: f"its id is {some.id[i]} where {ids[i]} is due"
    yield np.array([not key for key in some.keys]), lambda i: f"sample {ids[i]} has an empty key"
    yield (
        (label < 0) | (label >= limits.classes),
        lambda i: f"its label is {label[i]}, and there are {limits.classes} classes",
    )
    if limits.in_shards:
        text = f"and there are {shards} shards"
        yield (shard < 0) | (shard >= shards), lambda i: f"its shard is number {shard[i]}, {text}"
    else:
        yield shard != -1, lambda i: f"its shard is number {shard[i]}, and it is a file of its own"
    if limits.in_rows:
        known = (shard >= 0) & (shard < shards)
        ends = limits.rows[np.where(known, shard, 0)] if shards else np.zeros(len(some), np.int64)
        yield (row < 0) | (known & (row >= ends)), lambda i: f"its row is {row[i]}"
    else:
        yield row != -1, lambda i: f"its row is {row[i]}, and its file has none"


def _extra_checks(some: Columns) -> Iterator[Check]:
    """Masks over extras."""
    import pyarrow.compute as pc

    empty = pc.equal(pc.utf8_length(some.fields), 0).to_numpy(zero_copy_only=False).astype(bool)
    yield empty, lambda _: "it has no name"
    numbers = some.fields.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    order = np.lexsort((numbers, some.extras.of))
    of, sorted_numbers = some.extras.of[order], numbers[order]
    repeated = np.zeros(len(order), bool)
    repeated[order[1:]] = (of[1:] == of[:-1]) & (sorted_numbers[1:] == sorted_numbers[:-1])
    yield repeated, lambda _: "it has two of that name"


def _part_checks(some: Columns, parts: Parts, limits: Limits) -> Iterator[Check]:
    """Masks over parts."""
    import pyarrow.compute as pc

    offset, size = parts.offset, parts.size
    outside = pc.match_substring_regex(parts.members, CLIMBS).to_numpy(zero_copy_only=False).astype(bool)
    yield outside, lambda i: f"its file's name {parts.members[i].as_py()!r} leads out of the dataset"
    yield size < 0, lambda i: f"its size is {size[i]}"
    if not limits.in_shards:
        yield offset != 0, lambda i: f"it begins at byte {offset[i]} of a file of its own"
        return
    yield offset < (-1 if limits.in_rows else 0), lambda i: f"its offset is {offset[i]}"
    shard = some.shard[parts.of]
    known = (shard >= 0) & (shard < len(limits.sizes)) & (offset >= 0) & (size >= 0)
    ends = limits.sizes[np.where(known, shard, 0)] if len(limits.sizes) else np.zeros(len(shard), np.int64)
    yield (
        known & (size > ends - offset),
        lambda i: (
            f"it is said to be {size[i]} bytes from byte {offset[i]} on, and the shard ends at {ends[i]}"
        ),
    )
