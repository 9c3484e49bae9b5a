"""The sample index, `samples.parquet`: where each sample lies, its label and the hash of its bytes."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import fsspec
import numpy as np
from numpy.typing import NDArray

from pipebench.errors import BadInput, one_line


@dataclass(frozen=True, kw_only=True)
class Index:
    """Where each sample lies; row i is the sample with id i. Arrays have one entry a sample."""

    key: Any
    """pyarrow string array: the sample's name, the same in every format."""
    member: Any
    """pyarrow string array: path below the root (`folder`) or name inside the shard."""
    shard: NDArray[np.int32]
    """Position in `Dataset.shards`; -1 where each sample is a file of its own."""
    offset: NDArray[np.int64]
    """Of the payload's first byte in its file."""
    size: NDArray[np.int64]
    """Payload bytes."""
    label: NDArray[np.int64]
    hash: NDArray[np.uint64]
    """xxh3_64 of the payload."""

    def __len__(self) -> int:
        return len(self.label)


def read_index(where: str, samples: int) -> Index:
    """The index at that URL; raises `BadInput` if it is unreadable, incomplete or of another length."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with fsspec.open(where, "rb") as file:
            table = pq.read_table(file, schema=_schema()).combine_chunks()
    except (OSError, pa.ArrowException) as error:
        why = one_line(str(error))
        raise BadInput(f"the index {where} cannot be read ({why}); make the dataset again") from None
    if len(table) != samples:
        raise BadInput(
            f"the index {where} holds {len(table)} samples where the description says {samples}; "
            "make the dataset again"
        )
    if any(column.null_count for column in table.columns):  # as a column that the file lacks is read
        raise BadInput(f"the index {where} misses values; make the dataset again")
    if _leaves_root(table["member"]):
        raise BadInput(f"the index {where} names files outside the dataset; make the dataset again")
    columns = {name: table[name].combine_chunks() for name in table.column_names if name != "id"}
    arrays = {
        name: column if pa.types.is_large_string(column.type) else column.to_numpy(zero_copy_only=False)
        for name, column in columns.items()
    }
    return Index(**arrays)


def _leaves_root(names: Any) -> bool:
    """Whether any of these paths is absolute or climbs out of its folder."""
    import pyarrow.compute as pc

    return bool(pc.any(pc.match_substring_regex(names, r"^/|(^|/)\.\.(/|$)")).as_py())


def write_index(where: str, index: Index) -> None:
    """Writes the index to that URL."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"id": np.arange(len(index), dtype=np.int64)} | {
        name: getattr(index, name) for name in _schema().names if name != "id"
    }
    with fsspec.open(where, "wb") as file:
        pq.write_table(pa.table(columns, schema=_schema()), file, compression="zstd")


def content_id(index: Index) -> str:
    """Names the content, whatever the format and order: a hash of the (key, payload hash, label) rows.

    SHA-256 over the rows sorted by key: the keys' UTF-8 lengths, their bytes, the payload hashes and
    the labels, each as one little-endian array.
    """
    import pyarrow.compute as pc

    order = pc.array_sort_indices(index.key)
    keys = index.key.take(order)
    ends = np.frombuffer(keys.buffers()[1], np.int64)[keys.offset : keys.offset + len(keys) + 1]
    rows = order.to_numpy()
    digest = hashlib.sha256()
    digest.update(np.diff(ends).astype("<i8").tobytes())
    digest.update(keys.buffers()[2][ends[0] : ends[-1]])
    digest.update(index.hash[rows].astype("<u8").tobytes())
    digest.update(index.label[rows].astype("<i8").tobytes())
    return digest.hexdigest()[:32]


def make_index(
    *,
    key: Sequence[str],
    member: Sequence[str],
    shard: Any,
    offset: Any,
    size: Any,
    label: Any,
    hash: Any,  # noqa: A002 - the column's name
) -> Index:
    """An `Index` from plain sequences, one entry a sample."""
    import pyarrow as pa

    return Index(
        key=pa.array(key, pa.large_string()),
        member=pa.array(member, pa.large_string()),
        shard=np.asarray(shard, np.int32),
        offset=np.asarray(offset, np.int64),
        size=np.asarray(size, np.int64),
        label=np.asarray(label, np.int64),
        hash=np.asarray(hash, np.uint64),
    )


def _schema() -> Any:
    import pyarrow as pa

    return pa.schema(
        [
            ("id", pa.int64()),
            ("key", pa.large_string()),
            ("member", pa.large_string()),
            ("shard", pa.int32()),
            ("offset", pa.int64()),
            ("size", pa.int64()),
            ("label", pa.int64()),
            ("hash", pa.uint64()),
        ]
    )
