"""The index as it is streamed, column by column, with nothing in it trusted."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipebench.errors import BadInput
from pipebench.files import why
from pipebench.index import BATCH_ROWS, EXTRAS, schema

Integers = NDArray[np.int64]


class Parts(NamedTuple):
    """Where bytes of some samples are said to lie, one entry a part."""

    of: Integers
    """The sample's position in its `Columns`."""
    members: Any
    """pyarrow string array."""
    offset: Integers
    size: Integers


class Columns(NamedTuple):
    """Some successive rows of the index."""

    start: int
    """How many rows stand before them."""
    id: Integers
    keys: list[str]
    shard: Integers
    row: Integers
    label: Integers
    hash: NDArray[np.uint64]
    payload: Parts
    extras: Parts
    fields: Any
    """pyarrow string array: of the extras."""

    def __len__(self) -> int:
        return len(self.keys)


def read_batches(path: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, Any]]:
    """The rows `start` to `end` of the index in that local file: (position of the first, record batch).

    Raises `BadInput`, without a hint what to do, where they cannot be read or miss values.
    """
    import pyarrow as pa

    try:
        yield from _batches(path, start, end)
    except (OSError, ValueError, KeyError, MemoryError, pa.ArrowException) as error:
        raise BadInput(f"it cannot be read ({why(error)})") from None


def _batches(path: str, start: int, end: int | None) -> Iterator[tuple[int, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pa.OSFile(path) as source, pq.ParquetFile(source) as file:
        _check_schema(file.schema_arrow)
        position, groups = _groups(file.metadata, start, end)
        for batch in file.iter_batches(BATCH_ROWS, row_groups=groups):
            kept = batch.slice(max(start - position, 0), _length(batch, position, start, end))
            if len(kept):
                kept.validate(full=True)
                _check_values(kept)
                yield max(position, start), kept
            position += len(batch)


def _length(batch: Any, position: int, start: int, end: int | None) -> int:
    """Rows that are wanted of a batch whose first stands at `position`."""
    last = len(batch) if end is None else min(end - position, len(batch))
    return max(last - max(start - position, 0), 0)


def _groups(metadata: Any, start: int, end: int | None) -> tuple[int, list[int]]:
    """Where the first of the row groups that hold these rows begins, and their numbers."""
    edges = np.cumsum([0, *(metadata.row_group(n).num_rows for n in range(metadata.num_row_groups))])
    last = edges[-1] if end is None else end
    wanted = np.flatnonzero((edges[1:] > start) & (edges[:-1] < last)).tolist()
    return int(edges[wanted[0]]) if wanted else start, wanted


def _check_schema(found: Any) -> None:
    for field in schema():
        at = found.get_field_index(field.name)
        if at < 0 or found.field(at).type != field.type:
            raise BadInput(f"it has no column {field.name!r} of type {field.type}")


def _check_values(batch: Any) -> None:
    import pyarrow.compute as pc

    flat = batch[EXTRAS].flatten()
    inner = [pc.struct_field(flat, number) for number in range(flat.type.num_fields)]
    if any(column.null_count for column in [*batch.drop_columns([EXTRAS]).columns, flat, *inner]):
        raise BadInput("it misses values")


def columns(start: int, batch: Any) -> Columns:
    """The batch, whose first row stands at `start`."""
    number = {name: _numbers(batch[name]) for name in ("id", "shard", "row", "label", "offset", "size")}
    fields, extras = _extras(batch[EXTRAS])
    everything = np.arange(len(batch), dtype=np.int64)
    return Columns(
        start=start,
        id=number["id"],
        keys=batch["key"].to_pylist(),
        shard=number["shard"],
        row=number["row"],
        label=number["label"],
        hash=batch["hash"].to_numpy(zero_copy_only=False),
        payload=Parts(everything, batch["member"], number["offset"], number["size"]),
        extras=extras,
        fields=fields,
    )


def _extras(column: Any) -> tuple[Any, Parts]:
    import pyarrow.compute as pc

    flat = column.flatten()
    fields, members, offset, size = (pc.struct_field(flat, [name]) for name in _PART)
    counts = _numbers(column.value_lengths().fill_null(0))
    of = np.repeat(np.arange(len(column), dtype=np.int64), counts)
    return fields, Parts(of, members, _numbers(offset), _numbers(size))


_PART = ("field", "member", "offset", "size")


def _numbers(column: Any) -> Integers:
    result: Integers = column.to_numpy(zero_copy_only=False).astype(np.int64)
    return result
