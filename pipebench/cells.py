"""Cells of Parquet files as bytes, for files that pipebench did not write, where they lie encoded."""

import base64
import json
from collections.abc import Sequence
from contextlib import closing
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from pipebench.files import open_random, why

BATCH_BYTES = 4_000_000
"""Bytes that are decoded at once."""
BATCH_ROWS = 4096
"""Rows that are decoded at once, at most."""
BUFFER = 4_000_000
"""Bytes of a column that are read at once."""


def payload_column(member: str) -> str:
    """The column of a payload in Parquet, from its name in the index: the column, a slash, its ending."""
    return member.rpartition("/")[0] or member


def read_cell(url: str, row: int, column: str) -> bytes:
    """One cell's content. Raises `OSError` where it is null, missing or cannot be read."""
    with closing(Cells(url)) as cells:
        found = cells.read([Cell(row, column)])[0]
    if found is None:
        raise OSError(f"row {row} has nothing in its column {column!r}")
    return found


class Cell(NamedTuple):
    """Where a value stands in a file."""

    row: int
    column: str
    """Its path in the schema: `image`, or `image.bytes` in a column of structs."""


class Cells:
    """The cells of one file. It keeps its place: rows asked for in their order are decoded once.

    Raises `OSError` where the file cannot be read or is no Parquet. Close it when done.
    """

    def __init__(self, url: str) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._errors = (pa.ArrowException, OSError, ValueError, KeyError, OverflowError)
        self._columns: frozenset[str] = frozenset()
        self._rows: _Rows | None = None
        self._file = open_random(url)
        try:
            self._parquet = pq.ParquetFile(self._file, buffer_size=BUFFER, pre_buffer=False)
        except self._errors as error:
            self._file.close()
            raise OSError(why(error)) from None

    def close(self) -> None:
        self._rows = None
        self._parquet.close()
        self._file.close()

    def read(self, cells: Sequence[Cell]) -> list[bytes | None]:
        """The cells' contents, in order; None where a cell is null."""
        columns = self._columns.union(cell.column for cell in cells)
        if columns != self._columns:
            self._columns, self._rows = columns, None
        try:
            found = {cell: content(self._value(cell)) for cell in sorted(set(cells))}
        except self._errors as error:
            raise OSError(why(error)) from None
        return [found[cell] for cell in cells]

    def _value(self, cell: Cell) -> Any:
        if self._rows is None or not self._rows.reach(cell.row):
            self._rows = _Rows(self._parquet, self._columns, cell.row)
        return self._rows.value(cell)


class _Rows:
    """The rows of one row group, from front to back, with the columns that are asked for."""

    def __init__(self, parquet: Any, columns: frozenset[str], row: int) -> None:
        metadata = parquet.metadata
        counts = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
        bounds = enumerate(pairwise(accumulate(counts, initial=0)))
        group = next(((n, start, end) for n, (start, end) in bounds if start <= row < end), None)
        if group is None:
            raise ValueError(f"it has {metadata.num_rows} rows, and none with number {row}")
        number, self._start, self._end = group
        size = max(1, metadata.row_group(number).total_byte_size)
        self._batches = parquet.iter_batches(
            batch_size=min(BATCH_ROWS, max(1, BATCH_BYTES * counts[number] // size)),
            row_groups=[number],
            columns=sorted(columns),
            use_threads=False,
        )
        self._batch = self._next()

    def reach(self, row: int) -> bool:
        """Whether the row is still to come."""
        return row in range(self._start, self._end)

    def _next(self) -> Any:
        batch = next(self._batches, None)
        if batch is None:
            raise ValueError("a row group has fewer rows than the file says")
        return batch

    def value(self, cell: Cell) -> Any:
        """The cell as a pyarrow scalar."""
        while cell.row >= self._start + len(self._batch):
            self._start += len(self._batch)
            self._batch = self._next()
        return _column(self._batch, cell.column)[cell.row - self._start]


def _column(batch: Any, path: str) -> Any:
    """A column, or a field of a column of structs. Raises `ValueError` where there is none."""
    import pyarrow.compute as pc

    for name in batch.schema.names:
        if name == path:
            return batch[name]
        if path.startswith(f"{name}."):
            return pc.struct_field(batch[name], path[len(name) + 1 :].split("."))
    raise ValueError(f"it has no column {path!r}")


def content(value: Any) -> bytes | None:
    """A pyarrow scalar as a file's content: bytes and text as they are, all else as JSON, null as None."""
    import pyarrow as pa

    if isinstance(value, pa.DictionaryScalar):
        value = value.value
    if not value.is_valid:
        return None
    if isinstance(value, pa.BinaryScalar):  # text too, of which as_py would want valid UTF-8
        return bytes(value.as_buffer())
    return json.dumps(value.as_py(), ensure_ascii=False, default=_as_text).encode()


def _as_text(value: Any) -> str:
    """What JSON has no word for: bytes in base64, times and decimals as Python writes them."""
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
