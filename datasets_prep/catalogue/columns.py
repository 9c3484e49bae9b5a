"""What the columns of packed rows hold: made of entries, summed up, hashed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .rows import packed_schema

KEY, FILE, SIZE, EXTRAS = 0, 4, 6, 9
"""Positions of columns."""
EXTRA_FIELD, EXTRA_FILE, EXTRA_SIZE = 0, 2, 4
"""Positions in an extra."""

Values = NDArray[np.int64]


class Sizes(NamedTuple):
    """What some samples take, one entry a sample."""

    payload: Values
    """Bytes; 0 where they are not known."""
    extras: Values
    """How many."""
    extra_bytes: Values


class PackedPart(NamedTuple):
    """A part as it is packed."""

    field: str
    member: str
    file: int
    offset: int
    size: int
    hash: int | None
    row: int


class PackedRow(NamedTuple):
    """A row as it is packed."""

    key: str
    label: int
    payload: PackedPart
    extras: Sequence[PackedPart]


def to_batch(rows: Sequence[PackedRow]) -> Any:
    """A record batch of them."""
    import pyarrow as pa

    keys, labels, payloads, extras = zip(*rows, strict=True)
    further = [[part._asdict() for part in parts] if parts else None for parts in extras]
    columns = [keys, labels, *zip(*payloads, strict=True), further]
    schema = packed_schema()
    return pa.record_batch(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )


def numbers(values: NDArray[Any]) -> Any:
    """A numpy array as a pyarrow one, without `pa.array`, which would first import `numpy.ma`: some 15 ms."""
    import pyarrow as pa

    buffer = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, buffer])


def sizes_of(size: Any, extras: Any) -> Sizes:
    """Of the columns of that name."""
    counts = np.nan_to_num(extras.value_lengths().to_numpy(zero_copy_only=False)).astype(np.int64)
    each = np.maximum(extras.flatten().flatten()[EXTRA_SIZE].to_numpy(), 0)
    ends = np.concatenate(([0], np.cumsum(each)))[np.cumsum(counts)]
    return Sizes(np.maximum(size.to_numpy(), 0), counts, np.diff(ends, prepend=0))


def fields_of(extras: Any) -> set[str]:
    """The fields that occur in a column of extras."""
    import pyarrow.compute as pc

    return set(pc.unique(extras.flatten().flatten()[EXTRA_FIELD]).to_pylist())


def files_of(file: Any, extras: Any) -> set[int]:
    """The numbers of the files that occur in the columns of that name."""
    import pyarrow.compute as pc

    further = extras.flatten().flatten()[EXTRA_FILE]
    return {*pc.unique(file).to_pylist(), *pc.unique(further).to_pylist()}


def with_prefixes(batch: Any, texts: Mapping[int, str]) -> Any:
    """The batch with a text in front of the keys of each file that has one."""
    import pyarrow as pa

    keys, files = batch.column(KEY).to_pylist(), batch.column(FILE).to_pylist()
    prefixed = [texts.get(file, "") + key for key, file in zip(keys, files, strict=True)]
    return pa.record_batch([pa.array(prefixed, pa.string()), *batch.columns[1:]], schema=batch.schema)


def contents(array: Any) -> Iterator[Any]:
    """Buffers that tell what an array of these types holds, wherever it lies in memory."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_list(array.type):
        yield pc.fill_null(array.value_lengths(), -1).to_numpy()
        yield from contents(array.flatten())
    elif pa.types.is_struct(array.type):
        for child in array.flatten():
            yield from contents(child)
    elif pa.types.is_string(array.type):
        whole = pa.ListArray.from_arrays([0, len(array)], array)
        yield pc.binary_length(array).to_numpy()
        yield pc.binary_join(whole, "")[0].as_py().encode()
    else:
        yield pc.is_valid(array).to_numpy(zero_copy_only=False)
        yield pc.fill_null(array, 0).to_numpy()
