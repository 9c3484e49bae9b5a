"""The rows of a Parquet file in batches that fit into memory, whatever it says of itself."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, NamedTuple, NoReturn

from pipebench.errors import BadInput
from pipebench.files import open_random, shown, why

BATCH_BYTES, BATCH_ROWS = 4_000_000, 10_000
"""What is decoded at once at most, unless a single page is larger."""
WHOLE_BYTES = 32_000_000
"""A row group of at most so many bytes and BATCH_ROWS comes in one batch."""
BUFFER = 4_000_000
"""Bytes of a column that are read at once."""
BOMB_BYTES, BOMB_RATIO = 1_000_000_000, 1000
"""Unpacked bytes of a row group, and how often those of the file: above both it is a bomb."""


class Batch(NamedTuple):
    """Some rows."""

    start: int
    """The first row's number in the file."""
    columns: Any
    """A pyarrow record batch."""
    group: Any
    """The row group's metadata, where the batch is all of it, else None."""


@contextmanager
def opened(url: str) -> Iterator[tuple[Any, Any]]:
    """The file as a file object and as pyarrow's `ParquetFile`. What reading raises becomes `BadInput`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with (
            closing(open_random(url, BUFFER)) as file,
            pq.ParquetFile(file, buffer_size=BUFFER, pre_buffer=False) as parquet,
        ):
            yield file, parquet
    except (pa.ArrowException, OSError, ValueError, KeyError, OverflowError) as error:
        _refuse(url, error)


def _refuse(url: str, error: Exception) -> NoReturn:
    text = why(error)
    if "crypt" in text:
        raise BadInput(f"{shown(url)} is encrypted; decrypt it first") from None
    if isinstance(error, OSError) and error.errno is not None:
        raise BadInput(f"{shown(url)} cannot be read: {text}") from None
    raise BadInput(f"{shown(url)} is damaged, cut short or no Parquet ({text}); write it again") from None


def batches(url: str, parquet: Any, columns: Sequence[str], size: int) -> Iterator[Batch]:
    """All rows in their order, with those columns; `BadInput` where it declares more than its size."""
    start = 0
    for number in range(parquet.metadata.num_row_groups):
        group = parquet.metadata.row_group(number)
        _refuse_bombs(url, group, size)
        rows = 0
        for batch in parquet.iter_batches(_batch_rows(group), [number], list(columns), use_threads=False):
            yield Batch(start + rows, batch, group if len(batch) == group.num_rows else None)
            rows += len(batch)
        if rows != group.num_rows:
            raise BadInput(f"{shown(url)} is damaged: a row group has {rows} rows, not {group.num_rows}")
        start += rows


def chunk(group: Any, column: str) -> Any:
    """The metadata of a column, by its path, in a row group; None where the path has several or none.

    To be asked only of what was read: of an encrypted column pyarrow ends the process.
    """
    chunks = [group.column(number) for number in range(group.num_columns)]
    found = [chunk for chunk in chunks if chunk.path_in_schema == column]
    return found[0] if len(found) == 1 else None


def _batch_rows(group: Any) -> int:
    size, rows = max(1, group.total_byte_size), group.num_rows
    whole = size <= WHOLE_BYTES and rows <= BATCH_ROWS
    return max(1, int(rows if whole else min(BATCH_ROWS, BATCH_BYTES * rows // size)))


def _refuse_bombs(url: str, group: Any, size: int) -> None:
    """Asks the row group and not its columns: of an encrypted one that would end the process."""
    unpacked = group.total_byte_size
    if unpacked > BOMB_BYTES and unpacked > BOMB_RATIO * size:
        raise BadInput(
            f"{shown(url)} has {size} bytes, of which {unpacked} become in one row group when they are "
            "unpacked, as in a decompression bomb; write it again"
        )
