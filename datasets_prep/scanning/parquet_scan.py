"""Samples in Parquet files, pipebench's own and others'. Nothing is decoded but Parquet itself."""

from array import array
from collections.abc import Generator, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, BinaryIO, NamedTuple, NoReturn

import numpy as np
import xxhash

from pipebench.errors import BadInput
from pipebench.files import shown
from pipebench.kinds import Kind

from ..catalogue.catalogue import Entry
from ..formats.contract import Part
from .parquet_columns import Columns, Further, choose_columns, usable_path
from .parquet_rows import Batch, batches, chunk, opened
from .source_files import LONGEST_LABEL, Reading, check_payload
from .verbatim import value_offsets

HEAD = 16
"""Bytes of a payload from which its ending is told."""
UNKNOWN = "bin"
"""The field of a payload of no known kind, where those are passed on."""


class Table(NamedTuple):
    """A Parquet file of a source."""

    url: str
    size: int
    stem: str
    """Its path below the source, without its ending."""


class Told(NamedTuple):
    """A column, one entry a row."""

    sizes: list[int | None]
    """Bytes of each value, None where there is none; -1 where that is not known."""
    offsets: Sequence[int]


def scan_parquet(
    table: Table, reading: Reading, kind_name: str, kind: Kind, classes: list[tuple[str, ...]]
) -> Generator[Entry, None, None]:
    """The samples in the order of the rows; adds the classes' names that the file tells, or none.

    `BadInput` where it is damaged, its columns can't be told, or a row has no payload or label.
    """
    with opened(table.url) as (file, parquet):
        columns = choose_columns(table.url, parquet.schema_arrow, reading, kind_name)
        if columns.path_is_key and _repeats(table, parquet, str(columns.path)):
            columns = columns.by_row()
        classes.append(columns.classes)
        scan = _Scan(table, file, columns, reading, kind)
        for batch in batches(table.url, parquet, columns.names(), table.size):
            yield from scan.entries(batch)


def _repeats(table: Table, parquet: Any, path: str) -> bool:
    """Whether two rows' files have the same name, so that none can be a key."""
    hashes = array("Q")
    for batch in batches(table.url, parquet, [path], table.size):
        names = map(usable_path, _texts(table.url, batch, path))
        keys = [_key_of(name).encode() for name in names if name is not None]
        hashes.extend(map(xxhash.xxh3_64_intdigest, keys))
    return len(np.unique(np.frombuffer(hashes, np.uint64))) < len(hashes)


def _key_of(path: PurePosixPath) -> str:
    return path.with_suffix("").as_posix()


class _Scan:
    """One file while it is read."""

    def __init__(self, table: Table, file: BinaryIO, columns: Columns, reading: Reading, kind: Kind) -> None:
        self._table, self._file, self._columns = table, file, columns
        self._reading, self._kind = reading, kind

    def entries(self, batch: Batch) -> Iterator[Entry]:
        """The samples of some rows."""
        payload = _bytes(batch.columns, self._columns.payload)
        heads, told = _heads(payload), self._told(batch, self._columns.payload, payload)
        names = (self._columns.key, self._columns.path, self._columns.label, self._columns.extension)
        texts = [_texts(self._table.url, batch, name) for name in names]
        further = [(more, self._further(batch, more)) for more in self._columns.further]
        for at, (key, path, label, extension) in enumerate(zip(*texts, strict=True)):
            row = batch.start + at
            pure = usable_path(path)
            field = self._field(row, (extension, pure.suffix[1:] if pure else None), heads[at])
            yield Entry(
                self._key(row, key, pure),
                self._label(row, label),
                self._payload(row, field, told.sizes[at], told.offsets[at]),
                tuple(self._extras(row, at, further)),
            )

    def _told(self, batch: Batch, column: str, values: Any) -> Told:
        import pyarrow.compute as pc

        offsets = batch.group and value_offsets(self._file, chunk(batch.group, column), values)
        sizes = pc.binary_length(values).to_pylist()
        return Told(sizes, [-1] * len(values) if offsets is None else offsets.tolist())

    def _further(self, batch: Batch, more: Further) -> Told:
        if more.is_bytes:
            return self._told(batch, more.column, _bytes(batch.columns, more.column))
        there = _column(batch.columns, more.column).is_valid().to_pylist()
        return Told([-1 if valid else None for valid in there], [-1] * len(there))

    def _key(self, row: int, key: str | None, path: PurePosixPath | None) -> str:
        """From its column; else the file's name beside the payload; else the number of the row."""
        if self._columns.key is not None:
            return key or self._refuse(row, f"has nothing in its column {self._columns.key!r}; give it a key")
        by_row = path is None or not self._columns.path_is_key
        return f"{self._table.stem}/{row}" if by_row or path is None else _key_of(path)

    def _label(self, row: int, label: str | None) -> str:
        column = self._columns.label
        if not label:
            self._refuse(row, f"has nothing in its column {column!r}; give it a label")
        if label.startswith("-") and label[1:].isdigit():
            self._refuse(row, f"has the label {label}, which numbers no class; leave such rows out")
        if len(label) > LONGEST_LABEL:
            self._refuse(row, f"has a label of {len(label)} characters; name the labels' column with --label")
        return label

    def _field(self, row: int, told: Sequence[str | None], head: bytes | None) -> str:
        """As it is told, if that is an ending of this kind; else as the first bytes say."""
        for field in told:
            if field and f".{field.lower()}" in self._kind.suffixes:
                return field.lower()
        known = self._kind.extension(head or b"")
        if known is None and head and not self._reading.allow_empty:
            self._refuse(row, f"has in its column {self._columns.payload!r} no payload of a known kind")
        return known or UNKNOWN

    def _payload(self, row: int, field: str, size: int | None, offset: int) -> Part:
        column = self._columns.payload
        if size is None and not self._reading.allow_empty:
            self._refuse(row, f"has nothing in its column {column!r}; leave it out or give it a payload")
        check_payload(f"{shown(self._table.url)}, row {row}", size or 0, self._reading)
        return Part(field, f"{column}/{field}", self._table.url, offset, size or 0, None, row)

    def _extras(self, row: int, at: int, further: Sequence[tuple[Further, Told]]) -> Iterator[Part]:
        """Those that are not null."""
        for more, told in further:
            size = told.sizes[at]
            if size is not None:
                yield Part(more.field, more.column, self._table.url, told.offsets[at], size, None, row)

    def _refuse(self, row: int, what: str) -> NoReturn:
        raise BadInput(f"{shown(self._table.url)}: row {row} {what}")


def _column(batch: Any, path: str) -> Any:
    """A column, or a field of a column of structs."""
    import pyarrow.compute as pc

    if path in batch.schema.names:
        return batch[path]
    name = next(name for name in batch.schema.names if path.startswith(f"{name}."))
    return pc.struct_field(batch[name], [path[len(name) + 1 :]])


def _bytes(batch: Any, path: str) -> Any:
    """A column of bytes or text as a large_binary array."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.cast(_plain(_column(batch, path)), pa.large_binary())


def _plain(column: Any) -> Any:
    import pyarrow as pa

    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _heads(payload: Any) -> list[bytes | None]:
    import pyarrow.compute as pc

    heads: list[bytes | None] = pc.binary_slice(payload, 0, HEAD).to_pylist()
    return heads


def _texts(url: str, batch: Batch, path: str | None) -> list[str | None]:
    """A column of text, whole numbers or truth values as texts; nothing but None without a column."""
    if path is None:
        return [None] * len(batch.columns)
    column = _plain(_column(batch.columns, path))
    return [_text(url, batch.start + at, path, value) for at, value in enumerate(column)]


def _text(url: str, row: int, path: str, value: Any) -> str | None:
    try:
        plain = value.as_py()
    except UnicodeDecodeError:
        raise BadInput(f"{shown(url)}: row {row} has in its column {path!r} what is not UTF-8") from None
    if plain is None or isinstance(plain, str):
        return plain
    return str(int(plain))
