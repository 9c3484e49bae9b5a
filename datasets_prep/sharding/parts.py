"""Parts: the index rows of one shard each, kept in the work folder until all shards are whole.

A part is a hash of what follows, a line of JSON, which tells the shard and what adds up over all of them,
and the index's columns as an Arrow stream. That it is there means that its shard is whole and on storage.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import xxhash

from pipebench.dataset import Shard
from pipebench.errors import BadInput
from pipebench.files import read_file, shown, why
from pipebench.index import BATCH_ROWS, content_sum, schema

from .._tally import HERE
from ..catalogue.rows import stream_options
from ..formats.contract import Placed, PlacedPart, Sample

BATCH = 16_384
"""Rows that are held before they are packed."""
HASH = 16
"""Bytes of xxh3_128."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a part says of its shard."""

    shard: Shard | None
    """None where each sample has a file of its own."""
    samples: int
    payload_bytes: int
    content_sum: int


class Part:
    """A part that is being made of the samples as they come and go."""

    def __init__(self, shard: int, first: int) -> None:
        import pyarrow as pa

        self._shard, self._id = shard, first
        self._schema = schema()
        self._file = pa.BufferOutputStream()
        self._writer = pa.ipc.new_stream(self._file, self._schema, options=stream_options())
        self._keys: list[str] = []
        self._labels: list[int] = []
        self._hashes: list[int] = []
        self._extras: list[tuple[tuple[str, int], ...]] = []
        self._placed: list[Placed] = []
        self.samples = self.payload_bytes = self.content_sum = 0

    def noting(self, samples: Iterable[Sample]) -> Iterator[Sample]:
        """Passes samples on to a format, and counts their bytes for this process."""
        for sample in samples:
            self._keys.append(sample.key)
            self._labels.append(sample.label)
            self._hashes.append(sample.hash)
            self._extras.append(tuple((extra.field, extra.hash) for extra in sample.extras))
            yield sample
            HERE.advance(len(sample.payload))

    def add(self, placed: Placed) -> None:
        """Takes in where the next of them went."""
        self._placed.append(placed)
        if len(self._placed) == BATCH:
            self._flush()

    def content(self, shard: Shard | None) -> bytes:
        """The finished file."""
        if self._placed:
            self._flush()
        summary = Summary(
            shard=shard,
            samples=self.samples,
            payload_bytes=self.payload_bytes,
            content_sum=self.content_sum,
        )
        self._writer.close()
        content: bytes = json.dumps(asdict(summary)).encode() + b"\n" + self._file.getvalue()
        return xxhash.xxh3_128_digest(content) + content

    def _flush(self) -> None:
        import pyarrow as pa

        count = len(self._placed)  # of the samples that were noted the first, if a format lags behind
        keys, labels, hashes = self._keys[:count], self._labels[:count], self._hashes[:count]
        payloads, placed_extras, rows = zip(*self._placed, strict=True)
        members, offsets, sizes = zip(*payloads, strict=True)
        extras = list(map(_extras, self._extras[:count], placed_extras))
        ids, shards = range(self._id, self._id + count), [self._shard] * count
        columns = (ids, keys, members, shards, rows, offsets, sizes, labels, hashes, extras)
        arrays = [pa.array(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))
        self._id += count
        self.samples += count
        self.payload_bytes += sum(sizes)
        self.content_sum += content_sum(keys, hashes, labels)
        for noted in (self._keys, self._labels, self._hashes, self._extras, self._placed):
            del noted[:count]


def _extras(
    noted: tuple[tuple[str, int], ...], placed: tuple[PlacedPart, ...]
) -> list[dict[str, Any]] | None:
    """A sample's entry in the index's column of further files; noted are their fields and hashes."""
    if not noted:
        return None
    return [
        {"field": field, "hash": digest} | part._asdict()
        for (field, digest), part in zip(noted, placed, strict=True)
    ]


def summary(url: str) -> Summary:
    """What the part at that URL says of its shard."""
    raw, _ = _read(url)
    shard = raw.pop("shard")
    return Summary(shard=Shard(**shard) if shard else None, **raw)


def _read(url: str) -> tuple[dict[str, Any], bytes]:
    """The part's first line, and its rows as an Arrow stream."""
    with _whole(url):
        content = read_file(url)
        said = content[HASH:]
        if xxhash.xxh3_128_digest(said) != content[:HASH]:
            raise ValueError("it has another hash")
        head, _, rows = said.partition(b"\n")
        return json.loads(head), rows


@contextmanager
def _whole(url: str) -> Iterator[None]:
    """Turns damage into `BadInput`."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"{shown(url)} is damaged ({why(error)}); remove it, and its shard is made again"
        ) from None


def tables(urls: Iterable[str]) -> Iterator[Any]:
    """The rows of these parts, one after the other, as pyarrow tables of `BATCH_ROWS` each."""
    import pyarrow as pa

    options = pa.ipc.IpcReadOptions(use_threads=False)
    held: list[Any] = []
    for url in urls:
        _, rows = _read(url)
        with _whole(url), pa.ipc.open_stream(rows, options=options) as stream:
            for batch in stream:
                held.append(batch)
                while sum(map(len, held)) >= BATCH_ROWS:
                    table = pa.Table.from_batches(held)
                    yield table[:BATCH_ROWS]
                    held = table[BATCH_ROWS:].to_batches()
    if held:
        yield pa.Table.from_batches(held)
