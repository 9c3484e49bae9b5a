"""All samples of a source while they are planned, on disk: memory doesn't grow with their number."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any, NamedTuple, Self

import xxhash

from ..formats.contract import Part
from .alike import Alike, alike
from .columns import (
    EXTRAS,
    KEY,
    PackedPart,
    PackedRow,
    Sizes,
    contents,
    fields_of,
    to_batch,
    with_prefixes,
)
from .order import Order
from .rows import File, Rows
from .samples import Samples
from .splits import Split
from .store import CHUNK, Store

CLASS_NUMBERS = 100_000
"""Labels that are all numbers below this are class numbers; others are names."""


class Entry(NamedTuple):
    """One sample of a source."""

    key: str
    label: str
    """Its class's name, or its class's number as digits."""
    payload: Part
    extras: tuple[Part, ...] = ()


class Catalogue:
    """The samples in the order in which they were added, which is that of their ids: 0, 1, ..."""

    def __init__(self) -> None:
        self.closing = ExitStack()
        """What is to be closed with it."""
        self._store = self.closing.enter_context(Store())
        self._files: dict[File, int] = {}
        self._labels: dict[str, int] = {}
        self._numbers: list[int] = []
        self._fields: set[str] = set()
        self._known: Alike | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.close()

    @property
    def samples(self) -> int:
        return self._store.rows

    def add(self, entries: Iterable[Entry]) -> None:
        """Takes samples in. `BadInput` where the temporary folder has no room for them."""
        entries = iter(entries)
        while chunk := list(islice(entries, CHUNK)):
            self.add_packed(to_batch([self._packed(entry) for entry in chunk]))

    def add_packed(self, batch: Any) -> None:
        """Takes in a record batch of `packed_schema`, whose files and labels have their numbers from here."""
        self._fields |= fields_of(batch.column(EXTRAS))
        self._store.append(batch)

    def file_number(self, file: File) -> int:
        """What stands for a file in packed rows."""
        return self._files.setdefault(file, len(self._files))

    def label_number(self, label: str) -> int:
        """What stands for a label in packed rows: not the class's number."""
        return self._labels.setdefault(label, len(self._labels))

    def _packed(self, entry: Entry) -> PackedRow:
        extras = sorted(entry.extras, key=lambda part: part.field)
        return PackedRow(
            entry.key,
            self.label_number(entry.label),
            self._part(entry.payload),
            [self._part(part) for part in extras],
        )

    def _part(self, part: Part) -> PackedPart:
        is_folder = part.url.endswith(f"/{part.member}")
        file = File(part.url[: -len(part.member)] if is_folder else part.url, is_folder)
        return PackedPart(
            part.field, part.member, self.file_number(file), part.offset, part.size, part.hash, part.row
        )

    def prefix_keys(self, prefixes: Mapping[str, str]) -> None:
        """Puts a text in front of the keys of all samples whose payload lies in the file with that URL."""
        texts = {self.file_number(File(url, False)): text for url, text in prefixes.items()}
        old, self._store = self._store, self.closing.enter_context(Store())
        for batch in old.batches():
            self._store.append(with_prefixes(batch, texts))
        self._known = None

    def fingerprint(self) -> str:
        """Names the samples in their order and all that is known of them, but not where they lie."""
        digest = xxhash.xxh3_128(repr(list(self._labels)).encode())
        for batch in self._store.batches():
            for column in batch.columns:
                for content in contents(column):
                    digest.update(content)
        return digest.hexdigest()

    def fields(self) -> tuple[str, ...]:
        """The fields of all extras, sorted."""
        return tuple(sorted(self._fields))

    def labels(self) -> list[str]:
        """The labels that occur, in the order of their first samples."""
        return list(self._labels)

    def number_labels(self, numbers: Mapping[str, int]) -> None:
        """Says which class number each label has."""
        self._numbers = [numbers[name] for name in self._labels]

    def duplicates(self, limit: int) -> list[str]:
        """Keys that several samples have, up to so many of them."""
        return self._alike().duplicates[:limit]

    def case_twins(self, limit: int) -> list[tuple[str, str]]:
        """Pairs of keys that differ in nothing but upper and lower case, up to so many."""
        return self._alike().case_twins[:limit]

    def _alike(self) -> Alike:
        if self._known is None:
            self._known = alike(lambda: (batch.column(0).to_pylist() for batch in self._store.batches(KEY)))
        return self._known

    def arranged(self, order: Order, splits: Sequence[Split]) -> list[Samples]:
        """The samples of each split in the order in which they are written."""
        return [self._view(store) for store in order.arranged(self._store, splits, self.closing)]

    def _view(self, store: Store) -> Samples:
        return Samples(store, list(self._files), self._numbers)

    def sizes(self) -> Iterator[Sizes]:
        """What the samples take, in the order of their ids, in parts."""
        return self._view(self._store).sizes()

    def rows(self, first: int, end: int) -> Rows:
        """The samples with these ids, their labels numbered."""
        return self._view(self._store).rows(first, end)


def numbered(labels: Iterable[str]) -> tuple[tuple[str, ...], dict[str, int]]:
    """The classes' names in the order of their numbers, and the number of each label."""
    names = sorted(labels)
    if names and all(name.isascii() and name.isdigit() and int(name) < CLASS_NUMBERS for name in names):
        numbers = {name: int(name) for name in names}
        return tuple(map(str, range(max(numbers.values()) + 1))), numbers
    return tuple(names), {name: number for number, name in enumerate(names)}
