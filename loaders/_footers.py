"""The footers of Parquet shards, which say where row groups lie."""

from typing import Any

from pipebench.dataset import Dataset, Shard
from pipebench.errors import BadInput
from pipebench.files import Range, is_local, join, local_path, read_ranges, shown, why

TAIL = 64 << 10
"""Bytes at a remote shard's end that are fetched for its footer at first."""
ENDING = 8
"""Bytes after a footer: its length, little-endian, and a mark of 4."""


def read_footers(dataset: Dataset) -> list[Any]:
    """pyarrow's `FileMetaData` of each shard, of remote ones fetched side by side.

    Raises `BadInput` for a shard that cannot be read.
    """
    if is_local(dataset.root):
        return [_parsed(join(local_path(dataset.root), shard.name)) for shard in dataset.shards]
    import pyarrow as pa

    tails = _tails(dataset, [TAIL] * len(dataset.shards))
    lengths = [max(TAIL, ENDING + int.from_bytes(tail[-ENDING:-4], "little")) for tail in tails]
    if max(lengths) > TAIL:
        tails = _tails(dataset, lengths)
    return [
        _parsed(join(dataset.root, shard.name), pa.BufferReader(tail))
        for shard, tail in zip(dataset.shards, tails, strict=True)
    ]


def _tails(dataset: Dataset, lengths: list[int]) -> list[bytes]:
    """The last bytes of each shard."""
    try:
        return read_ranges([_tail(dataset, *of) for of in zip(dataset.shards, lengths, strict=True)])
    except OSError as error:
        place = shown(error.filename or dataset.root)
        raise BadInput(f"{place} cannot be read: {why(error)}; index the dataset again") from None


def _tail(dataset: Dataset, shard: Shard, length: int) -> Range:
    size = min(shard.size, length)
    return Range(join(dataset.root, shard.name), shard.size - size, size)


def _parsed(url: str, source: Any = None) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_metadata(url if source is None else source)
    except (OSError, pa.ArrowException) as error:
        raise BadInput(f"shard {shown(url)} cannot be read: {why(error)}; index the dataset again") from None
