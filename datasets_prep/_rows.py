"""Samples that are to be written, packed, so that a task of a million of them stays small."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from .formats.contract import Part, Row

BATCH = 4096
"""Rows that are unpacked at once."""
UNSIGNED = (1 << 64) - 1


class File(NamedTuple):
    """Where parts lie: in that file or, in files of their own named after them, below that folder."""

    url: str
    is_folder: bool


class PackedPart(NamedTuple):
    """A part as it is stored."""

    field: str
    member: str | None
    """None where it is the key, a dot and the field."""
    file: int
    offset: int
    size: int
    hash: int | None
    """As a signed number."""
    row: int


class PackedRow(NamedTuple):
    """A row as it is stored."""

    key: str
    label: int
    payload: PackedPart
    extras: Sequence[PackedPart]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Some samples in their order."""

    packed: bytes
    """An Arrow IPC stream."""
    files: Mapping[int, File]
    samples: int

    def __len__(self) -> int:
        return self.samples

    def __iter__(self) -> Iterator[Row]:
        for batch in self.batches():
            yield from batch

    def batches(self) -> Iterator[list[Row]]:
        """The rows, a few thousand at a time."""
        import pyarrow as pa

        with pa.ipc.open_stream(self.packed) as stream:
            for batch in stream:
                yield list(self._unpacked(batch))

    def _unpacked(self, batch: Any) -> Iterator[Row]:
        keys, labels, extras, *payload = (column.to_pylist() for column in batch.columns)
        parts = zip(*payload, strict=True)
        for key, label, further, part in zip(keys, labels, extras, parts, strict=True):
            more = tuple(self._part(key, *extra.values()) for extra in further or ())
            yield Row(key, label, self._part(key, *part), more)

    def _part(  # the fields of PackedPart
        self,
        key: str,
        field: str,
        name: str | None,
        file: int,
        offset: int,
        size: int,
        hash_: int | None,
        row: int,
    ) -> Part:
        member = f"{key}.{field}" if name is None else name
        url, is_folder = self.files[file]
        digest = None if hash_ is None else hash_ & UNSIGNED
        return Part(field, member, url + member if is_folder else url, offset, size, digest, row)


def pack(rows: Iterable[PackedRow], files: Mapping[int, File]) -> Rows:
    """Packs them; of `files` only those are kept that the rows name."""
    import pyarrow as pa

    sink, schema, rows = pa.BufferOutputStream(), _schema(), iter(rows)
    used: set[int] = set()
    samples = 0
    with pa.ipc.new_stream(sink, schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream:
        while some := list(islice(rows, BATCH)):
            stream.write_batch(_batch(some, schema))
            used.update(part.file for row in some for part in (row.payload, *row.extras))
            samples += len(some)
    return Rows(
        packed=sink.getvalue().to_pybytes(), files={name: files[name] for name in used}, samples=samples
    )


def _batch(rows: Sequence[PackedRow], schema: Any) -> Any:
    import pyarrow as pa

    keys, labels, payloads, extras = zip(*rows, strict=True)
    further = [[part._asdict() for part in parts] if parts else None for parts in extras]
    columns = [keys, labels, further, *zip(*payloads, strict=True)]
    return pa.record_batch(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )


def _schema() -> Any:
    import pyarrow as pa

    part = [
        ("field", pa.string()),
        ("member", pa.string()),
        ("file", pa.int32()),
        ("offset", pa.int64()),
        ("size", pa.int64()),
        ("hash", pa.int64()),
        ("row", pa.int64()),
    ]
    extras = pa.list_(pa.struct(part))
    return pa.schema([("key", pa.string()), ("label", pa.int64()), ("extras", extras), *part])
