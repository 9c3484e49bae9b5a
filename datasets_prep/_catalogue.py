"""All samples of a source while they are planned, on disk: memory doesn't grow with their number."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from itertools import islice
from typing import Any, NamedTuple, Self

import numpy as np
import xxhash
from numpy.typing import NDArray

from . import _catalogue_sql as sql
from ._rows import File, PackedPart, PackedRow, Rows, pack
from ._scratch import scratch
from .formats.contract import Part

CHUNK = 8192
"""Samples that are added or looked up at once."""
CACHE_KIB = 32_000
"""Of SQLite's memory; more is on disk."""
CLASS_NUMBERS = 100_000
"""Labels that are all numbers below this are class numbers; others are names."""


class Entry(NamedTuple):
    """One sample of a source."""

    key: str
    label: str
    """Its class's name, or its class's number as digits."""
    payload: Part
    extras: tuple[Part, ...] = ()


class Sizes(NamedTuple):
    """What some samples take, one entry a sample."""

    payload: NDArray[np.int64]
    """Bytes."""
    extras: NDArray[np.int64]
    """How many."""
    extra_bytes: NDArray[np.int64]


class Catalogue:
    """The samples in the order in which they were added, which is that of their ids: 0, 1, ...

    It lies in a nameless temporary file, which is gone with the process, however that ends.
    """

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)  # an empty name: on disk, deleted when closed
        self._db.executescript(f"PRAGMA cache_size=-{CACHE_KIB}; PRAGMA temp_store=FILE; {sql.TABLES}")
        self._files: dict[File, int] = {}
        self._labels: dict[str, int] = {}
        self._fields: set[str] = set()
        self._digest, self._extras_digest = xxhash.xxh3_128(), xxhash.xxh3_128()
        self.samples = 0
        self.payload_bytes = 0
        self.closing = ExitStack()
        """What is to be closed with it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self.closing:
            self._db.close()

    def add(self, entries: Iterable[Entry]) -> None:
        """Takes samples in, a chunk at a time. `BadInput` where the disk has no room for them."""
        entries = iter(entries)
        with scratch():
            self._db.execute("BEGIN")
            while chunk := list(islice(entries, CHUNK)):
                self._add_chunk(chunk)
            self._db.execute("COMMIT")

    def _add_chunk(self, chunk: list[Entry]) -> None:
        samples = [self._packed(entry, id_) for id_, entry in enumerate(chunk, self.samples)]
        extras = [
            (id_, number, *self._part(entry.key, part))
            for id_, entry in enumerate(chunk, self.samples)
            for number, part in enumerate(sorted(entry.extras, key=lambda part: part.field))
        ]
        self._fields.update(part.field for entry in chunk for part in entry.extras)
        self._db.executemany(sql.ADD_SAMPLE, samples)
        self._db.executemany(sql.ADD_EXTRA, extras)
        self.samples += len(chunk)
        self.payload_bytes += sum(max(entry.payload.size, 0) for entry in chunk)
        self._digest.update("".join(map(repr, samples)).encode())
        self._extras_digest.update("".join(map(repr, extras)).encode())

    def _packed(self, entry: Entry, id_: int) -> tuple[Any, ...]:
        label = self._labels.setdefault(entry.label, len(self._labels))
        size = sum(max(part.size, 0) for part in entry.extras)
        payload = self._part(entry.key, entry.payload)
        return (id_, entry.key, label, *payload, folded(entry.key), len(entry.extras), size)

    def _part(self, key: str, part: Part) -> PackedPart:
        is_folder = part.url.endswith(f"/{part.member}")
        file = File(part.url[: -len(part.member)] if is_folder else part.url, is_folder)
        return PackedPart(
            part.field,
            None if part.member == f"{key}.{part.field}" else part.member,
            self._files.setdefault(file, len(self._files)),
            part.offset,
            part.size,
            None if part.hash is None else _signed(part.hash),
            part.row,
        )

    def prefix_keys(self, prefixes: Mapping[str, str]) -> None:
        """Puts a text in front of the keys of all samples whose payload lies in the file with that URL."""
        self._db.create_function("folded", 1, folded, deterministic=True)
        rows = [(self._files.get(File(url, False), -1), prefix) for url, prefix in prefixes.items()]
        with scratch():
            self._db.execute(sql.PREFIXES)
            self._db.executemany(sql.ADD_PREFIX, rows)
            self._db.execute(sql.SPELL_EXTRAS)
            self._db.execute(sql.PREFIX_KEYS)
        self._digest.update(repr(rows).encode())

    def fingerprint(self) -> str:
        """Names the samples in their order and all that is known of them, but not where they lie."""
        digest = self._digest.copy()
        digest.update(repr((list(self._labels), self._extras_digest.digest())).encode())
        return digest.hexdigest()

    def fields(self) -> tuple[str, ...]:
        """The fields of all extras, sorted."""
        return tuple(sorted(self._fields))

    def labels(self) -> list[str]:
        """The labels that occur, in the order of their first samples."""
        return list(self._labels)

    def number_labels(self, numbers: Mapping[str, int]) -> None:
        """Says which class number each label has."""
        rows = [(id_, numbers[name]) for name, id_ in self._labels.items()]
        self._db.executemany(sql.NUMBER_LABEL, rows)

    def duplicates(self, limit: int) -> list[str]:
        """Keys that several samples have, up to so many of them."""
        with scratch():
            return [key for (key,) in self._db.execute(sql.DUPLICATES, (limit,))]

    def case_twins(self, limit: int) -> list[tuple[str, str]]:
        """Pairs of keys that differ in nothing but upper and lower case, up to so many."""
        with scratch():
            return self._db.execute(sql.CASE_TWINS, (limit,)).fetchall()

    def sizes(self) -> Iterator[Sizes]:
        """What the samples take, in the order of their ids, in chunks."""
        with closing(self._db.execute(sql.SIZES)) as rows:
            while chunk := rows.fetchmany(CHUNK):
                yield Sizes(*np.maximum(np.array(chunk, np.int64).T, 0))

    def rows(self, ids: NDArray[np.int64]) -> Rows:
        """These samples in this order, their labels numbered."""
        files = {number: file for file, number in self._files.items()}
        return pack(self._rows(ids), files)

    def _rows(self, ids: NDArray[np.int64]) -> Iterator[PackedRow]:
        for start in range(0, len(ids), CHUNK):
            some = ids[start : start + CHUNK].tolist()
            wanted = f"({', '.join(map(str, some))})"  # numbers, so nothing to escape
            found = {row[0]: row for row in self._db.execute(f"{sql.SAMPLES} {wanted}")}
            extras: dict[int, list[PackedPart]] = {}
            for id_, *part in self._db.execute(f"{sql.EXTRAS} {wanted} ORDER BY sample, number"):
                extras.setdefault(id_, []).append(PackedPart(*part))
            for id_ in some:
                _, key, label, *payload = found[id_]
                yield PackedRow(key, label, PackedPart(*payload), extras.get(id_, ()))


def numbered(labels: Iterable[str]) -> tuple[tuple[str, ...], dict[str, int]]:
    """The classes' names in the order of their numbers, and the number of each label."""
    names = sorted(labels)
    if names and all(name.isascii() and name.isdigit() and int(name) < CLASS_NUMBERS for name in names):
        numbers = {name: int(name) for name in names}
        return tuple(map(str, range(max(numbers.values()) + 1))), numbers
    return tuple(names), {name: number for number, name in enumerate(names)}


def folded(key: str) -> int:
    """A number that keys share which differ only in case."""
    return _signed(xxhash.xxh3_64_intdigest(key.casefold().encode()))


def _signed(number: int) -> int:
    """An unsigned 64-bit number as SQLite can hold it."""
    return number - (1 << 64) if number >> 63 else number
