"""A whole Parquet file held against the index: each row's columns, and the bytes at each offset."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any, BinaryIO, NamedTuple

from pipebench.cells import Cell, Cells
from pipebench.errors import BadInput
from pipebench.files import why

from ..scanning.parquet_columns import Columns, choose_columns, usable_path
from ..scanning.source_files import Reading
from .content import Decode, content_fault, is_label
from .faults import Fault
from .stored import Part, Stored

Read = Mapping[str, bytes | None]
"""A row's values by column, as files have them."""


class Table(NamedTuple):
    """A Parquet file that is open."""

    name: str
    url: str
    file: BinaryIO
    size: int
    kind: str
    ours: bool
    """Whether pipebench wrote it, so that it holds nothing that the index doesn't tell."""
    label: str | None
    """The column of labels that was asked for when others' files were indexed."""


class TableCheck:
    """Goes through the rows once."""

    def __init__(self, table: Table, classes: tuple[str, ...], decode: Decode) -> None:
        self._table, self._classes, self._decode = table, classes, decode

    def faults(self, samples: Iterable[Stored]) -> Iterator[Fault]:
        """What is wrong; the samples are those of this file, in the order of their rows."""
        rows, schema = footer(self._table.file)
        columns: Columns | None = None
        row = -1
        with closing(Cells(self._table.url)) as cells:
            for row, sample in enumerate(samples):
                try:
                    columns = columns or self._columns(schema, sample)
                except BadInput as error:
                    yield Fault(self._table.name, None, None, f"its columns are others: {error}")
                    return
                if self._table.ours and sample.row != row:
                    yield self._fault(sample, f"its row is {sample.row} where {row} is due")
                yield from self._row(cells, columns, sample)
        if self._table.ours and rows != row + 1:
            yield Fault(self._table.name, None, None, f"it has {rows} rows, and {row + 1} in the index")

    def _columns(self, schema: Any, sample: Stored) -> Columns:
        column = _column(sample.payload.member)
        if column not in schema.names:
            column = column.rpartition(".")[0]  # its bytes lie in a struct
        reading = Reading(column=column, label=self._table.label)
        return choose_columns(self._table.url, schema, reading, self._table.kind)

    def _fault(self, sample: Stored, text: str, part: Part | None = None) -> Fault:
        offset = (part or sample.payload).offset
        return Fault(self._table.name, sample.key, offset if offset >= 0 else None, text)

    def _row(self, cells: Cells, columns: Columns, sample: Stored) -> Iterator[Fault]:
        parts = {_column(sample.payload.member): sample.payload} | {e.member: e for e in sample.extras}
        names = list(dict.fromkeys([*parts, *columns.names()]))
        try:
            read = dict(zip(names, cells.read([Cell(sample.row, name) for name in names]), strict=True))
        except OSError as error:
            yield self._fault(sample, f"its row {sample.row} cannot be read: {why(error)}")
            return
        for name, part in parts.items():
            yield from self._part(sample, part, read[name])
        yield from self._told(columns, sample, read)
        for more in columns.further:
            if more.column not in parts and read[more.column] is not None:
                yield self._fault(sample, f"its column {more.column!r} is not null, and the index has none")

    def _part(self, sample: Stored, part: Part, content: bytes | None) -> Iterator[Fault]:
        if content is None:
            yield self._fault(sample, f"its {part.what} is null", part)
            return
        decode = self._decode if part is sample.payload else None
        if fault := content_fault(part, content, decode):
            yield self._fault(sample, fault, part)
        if part.lies_within(self._table.size):
            self._table.file.seek(part.offset)
            if self._table.file.read(part.size) != content:
                yield self._fault(sample, f"its {part.what} does not lie where the index says", part)

    def _told(self, columns: Columns, sample: Stored, read: Read) -> Iterator[Fault]:
        """What the columns beside payload and extras say."""
        field = sample.payload.member.rpartition("/")[2].encode()
        right = {
            columns.label: is_label(
                read[columns.label] or b"", sample.label, self._classes, number=self._table.ours
            ),
            columns.key or columns.path: _is_key(columns, sample, read, exactly=self._table.ours),
            columns.extension: not self._table.ours or read.get(str(columns.extension)) == field,
        }
        for name, fits in right.items():
            if name is not None and not fits:
                value = (read[name] or b"")[:100].decode(errors="replace")
                yield self._fault(sample, f"its column {name!r} is {value!r}, and the index says otherwise")


def _is_key(columns: Columns, sample: Stored, read: Read, *, exactly: bool) -> bool:
    """Whether the key is what its column says; others' get their file's name in front where they repeat."""
    if columns.key is not None:
        due = (read[columns.key] or b"").decode(errors="replace")
    elif columns.path is not None and columns.path not in {extra.member for extra in sample.extras}:
        path = usable_path((read[columns.path] or b"").decode(errors="replace"))
        due = str(sample.row) if path is None else path.with_suffix("").as_posix()
    else:
        due = str(sample.row)
    return sample.key == due or (not exactly and sample.key.endswith(f"/{due}"))


def _column(member: str) -> str:
    """The column of a payload that the index calls `image/jpg`."""
    return member.rpartition("/")[0] or member


def footer(file: BinaryIO) -> tuple[int, Any]:
    """The number of rows and the pyarrow schema. Raises what pyarrow raises."""
    import pyarrow.parquet as pq

    file.seek(0)
    metadata = pq.read_metadata(file)
    return int(metadata.num_rows), metadata.schema.to_arrow_schema()
