"""Samples that are to be read, packed: a task of a million of them stays small."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..formats.contract import Part, Row


class File(NamedTuple):
    """Where parts lie: in that file or, in files of their own named after them, below that folder."""

    url: str
    is_folder: bool


def packed_schema() -> Any:
    """Of packed rows: their payload's part, their labels and files as numbers."""
    import pyarrow as pa

    part = [
        ("field", pa.string()),
        ("member", pa.string()),
        ("file", pa.int32()),
        ("offset", pa.int64()),
        ("size", pa.int64()),
        ("hash", pa.uint64()),
        ("row", pa.int64()),
    ]
    extras = pa.list_(pa.struct(part))
    return pa.schema([("key", pa.string()), ("label", pa.int32()), *part, ("extras", extras)])


def stream_options() -> Any:
    """How rows are written. For some hundred of them zstd takes eight times as long as lz4."""
    import pyarrow as pa

    return pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)


def pack(batch: Any) -> bytes:
    """A record batch of `packed_schema`, compressed."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=stream_options()) as stream:
        stream.write_batch(batch)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def unpack(packed: bytes, columns: Sequence[int] = ()) -> Any:
    """The record batch again, or these columns of it."""
    import pyarrow as pa

    options = pa.ipc.IpcReadOptions(included_fields=list(columns), use_threads=False)  # none means all
    with pa.ipc.open_stream(packed, options=options) as stream:
        return stream.read_next_batch()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Some samples in their order; to iterate over them unpacks some thousands at a time."""

    packed: Sequence[bytes]
    files: Mapping[int, File]
    labels: Sequence[int]
    """The class number of each packed label."""
    samples: int

    def __len__(self) -> int:
        return self.samples

    def __iter__(self) -> Iterator[Row]:
        for packed in self.packed:
            yield from self._rows(unpack(packed))

    def _rows(self, batch: Any) -> Iterator[Row]:
        *columns, extras = batch.columns
        further = extras.to_pylist() if len(extras.flatten()) else [None] * len(extras)
        lists = [column.to_pylist() for column in columns]
        for (key, label, *part), more in zip(zip(*lists, strict=True), further, strict=True):
            parts = tuple(self._part(*extra.values()) for extra in more) if more else ()
            yield Row(key, self.labels[label], self._part(*part), parts)

    def _part(  # the columns
        self, field: str, member: str, file: int, offset: int, size: int, hash_: int | None, row: int
    ) -> Part:
        url, is_folder = self.files[file]
        return Part(field, member, url + member if is_folder else url, offset, size, hash_, row)
