"""The sample index, `samples.parquet`: where each sample lies, its label and the hash of its bytes."""

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from pipebench.errors import BadInput
from pipebench.files import created, is_local, local_path, open_random, read_file, shown, why

EXTRAS = "extras"
"""The column of a sample's further files, which loaders don't deliver and so don't read."""
BATCH_ROWS = 65536
"""Rows that are in memory at once where an index is streamed."""
PACKED: Mapping[str, Any] = {"compression": "zstd", "use_dictionary": False}
"""Of the file: names repeat little as a whole, and dictionaries make it larger by half and slower."""
REMOTE_BUFFER = 2**22
"""Bytes of a remote index that are read at once where it is streamed."""


@dataclass(frozen=True, kw_only=True)
class Index:
    """Where each sample lies; row i is the sample with id i. Arrays have one entry a sample."""

    key: Any
    """pyarrow string array: the sample's name, the same in every format."""
    member: Any
    """pyarrow string array: path below the root (`folder`) or name inside the shard.

    In Parquet: the column, a slash and the payload's ending, as in `image/jpg` or `image.bytes/png`.
    """
    shard: NDArray[np.int32]
    """Position in `Dataset.shards`; -1 where each sample is a file of its own."""
    row: NDArray[np.int64]
    """Position among the rows of a Parquet shard; -1 in other formats."""
    offset: NDArray[np.int64]
    """Of the payload's first byte in its file; -1 where the file holds it encoded."""
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

    with _readable(where), _opened(where, whole=True) as file:
        table = pq.read_table(file, schema=schema().remove(schema().get_field_index(EXTRAS))).combine_chunks()
    if len(table) != samples:
        raise BadInput(
            f"the index {shown(where)} holds {len(table)} samples where the description says {samples}; "
            "make the dataset again"
        )
    _check_rows(where, table)
    columns = {name: table[name].combine_chunks() for name in table.column_names if name != "id"}
    arrays = {
        name: column if pa.types.is_large_string(column.type) else column.to_numpy(zero_copy_only=False)
        for name, column in columns.items()
    }
    return Index(**arrays)


def stream_index(where: str) -> Iterator[Any]:
    """The index at that URL as pyarrow record batches of all columns, in id order. Raises `BadInput`."""
    import pyarrow.parquet as pq

    with _readable(where), _opened(where, whole=False) as file:
        for batch in pq.ParquetFile(file).iter_batches(BATCH_ROWS):
            _check_rows(where, batch.drop_columns([EXTRAS]))
            yield batch


@contextmanager
def _readable(where: str) -> Iterator[None]:
    """Turns what reading raises into `BadInput`."""
    import pyarrow as pa

    try:
        yield
    except (OSError, ImportError, KeyError, pa.ArrowException) as error:
        unreached = isinstance(error, OSError) and not is_local(where)
        hint = "" if unreached and not isinstance(error, FileNotFoundError) else "; make the dataset again"
        raise BadInput(f"the index {shown(where)} cannot be read ({why(error)}){hint}") from None


def _opened(where: str, *, whole: bool) -> Any:
    """The file; a remote one in memory where all of it is read at once."""
    import pyarrow as pa

    if is_local(where):
        return pa.OSFile(local_path(where))
    return pa.BufferReader(read_file(where)) if whole else open_random(where, REMOTE_BUFFER)


def _check_rows(where: str, rows: Any) -> None:
    """Raises `BadInput` for values that are missing, as of a column that the file lacks, or lead outside."""
    if any(column.null_count for column in rows.columns):
        raise BadInput(f"the index {shown(where)} misses values; make the dataset again")
    if _leaves_root(rows["member"]):
        raise BadInput(f"the index {shown(where)} names files outside the dataset; make the dataset again")


def _leaves_root(names: Any) -> bool:
    """Whether any of these paths is absolute or climbs out of its folder."""
    import pyarrow.compute as pc

    return bool(pc.any(pc.match_substring_regex(names, r"^/|(^|/)\.\.(/|$)")).as_py())


def write_index(where: str, index: Index, extras: Any = None) -> str:
    """Writes the index to that URL and returns the file's SHA-256.

    `extras` is a column for it, or None where no sample has any.
    """
    import pyarrow as pa

    columns = {"id": np.arange(len(index), dtype=np.int64)} | {
        name: getattr(index, name) for name in schema().names if name not in ("id", EXTRAS)
    }
    none = pa.nulls(len(index), schema().field(EXTRAS).type)
    return write_rows(
        where, [pa.table(columns | {EXTRAS: none if extras is None else extras}, schema=schema())]
    )


def write_rows(where: str, tables: Iterable[Any]) -> str:
    """Writes pyarrow tables of `schema`, one after the other, to that URL, without holding them all.

    Returns the file's SHA-256.
    """
    import pyarrow.parquet as pq

    with created(where) as file:
        hashed = _Hashed(file)
        with pq.ParquetWriter(hashed, schema(), **PACKED) as writer:
            for table in tables:
                writer.write_table(table, row_group_size=BATCH_ROWS)
    return hashed.digest.hexdigest()


class _Hashed(io.RawIOBase):
    """Passes on what is written to it, and hashes it."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._written = 0
        self.digest = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._file.write(data)
        self.digest.update(data)
        self._written += len(data)
        return len(data)

    def tell(self) -> int:
        return self._written


def content_id(index: Index) -> str:
    """Names the content of a dataset, whatever its format and order; see `content_sum`."""
    return content_name(content_sum(index.key.to_pylist(), index.hash, index.label))


def content_sum(
    keys: Sequence[str], hashes: NDArray[np.uint64] | Sequence[int], labels: NDArray[np.int64] | Sequence[int]
) -> int:
    """The sum of a hash of each sample; sums of parts add up to that of the whole, modulo 2^128.

    A sample's hash is XXH3-128 over its key's UTF-8 bytes, its payload's hash and its label, these two
    as 8 bytes, little-endian.
    """
    numbers = np.empty((len(keys), 2), "<u8")
    numbers[:, 0] = np.asarray(hashes, np.uint64)
    numbers[:, 1] = np.asarray(labels, np.int64).view(np.uint64)
    tails, digest = numbers.tobytes(), xxhash.xxh3_128_intdigest
    return sum(digest(key.encode() + tails[16 * row : 16 * row + 16]) for row, key in enumerate(keys))


def content_name(total: int) -> str:
    """A sum of samples' hashes as 32 hexadecimal digits."""
    return f"{total % (1 << 128):032x}"


def make_index(
    *,
    key: Sequence[str],
    member: Sequence[str],
    shard: Any,
    offset: Any,
    size: Any,
    label: Any,
    hash: Any,  # noqa: A002 - the column's name
    row: Any = None,
) -> Index:
    """An `Index` from plain sequences, one entry a sample; without `row` they lie in no Parquet."""
    import pyarrow as pa

    return Index(
        key=pa.array(key, pa.large_string()),
        member=pa.array(member, pa.large_string()),
        shard=np.asarray(shard, np.int32),
        row=np.full(len(key), -1, np.int64) if row is None else np.asarray(row, np.int64),
        offset=np.asarray(offset, np.int64),
        size=np.asarray(size, np.int64),
        label=np.asarray(label, np.int64),
        hash=np.asarray(hash, np.uint64),
    )


def schema() -> Any:
    """The columns of `samples.parquet`, as pyarrow has them."""
    import pyarrow as pa

    extra = [
        ("field", pa.string()),
        ("member", pa.string()),
        ("offset", pa.int64()),
        ("size", pa.int64()),
        ("hash", pa.uint64()),
    ]
    return pa.schema(
        [
            ("id", pa.int64()),
            ("key", pa.large_string()),
            ("member", pa.large_string()),
            ("shard", pa.int32()),
            ("row", pa.int64()),
            ("offset", pa.int64()),
            ("size", pa.int64()),
            ("label", pa.int64()),
            ("hash", pa.uint64()),
            (EXTRAS, pa.list_(pa.struct(extra))),
        ]
    )
