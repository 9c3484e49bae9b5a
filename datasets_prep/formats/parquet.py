"""Parquet shards whose values any reader can fetch by their offset, without knowing Parquet.

Columns: `key`, `label`, the payload under its kind's name, `extension` (the payload's field), and one
for each extra field, its name with a dot in front (`.json`), null where a sample has none. Payloads and
extras are uncompressed, PLAIN, in one page a row group: 4 bytes of length, little-endian, then the bytes.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipebench.errors import BadInput

from ._pages import LENGTH, Pages, Values
from .contract import Place, Placed, PlacedPart, Sample, Shared
from .names import check_fields, check_key, is_ending, named

GROUP_BYTES, GROUP_ROWS = 8_000_000, 10_000
"""What a row group holds at most, unless a single sample is larger: so much a writer has in memory.

Fewer rows than the 20 000 at which Arrow begins another page.
"""
LARGEST = (1 << 31) - 1_000_000
"""Bytes of a value, or of a page, whose size is a signed number of 32 bits."""
MOST_FIELDS = 1000
"""Columns of extras."""
OPTIONS: Mapping[str, Any] = {
    "compression": "none",
    "use_dictionary": ["extension"],
    "write_statistics": ["key", "label"],
    "data_page_size": LARGEST,
}
"""Such that values lie as they are. Statistics would repeat a value of any size in its page's header."""
ABOUT = 64
"""Bytes of a sample's other columns, about."""


class Parquet:
    """The format `parquet`."""

    suffix = ".parquet"

    def sample_bytes(self, size: int) -> int:
        return size + ABOUT

    def extra_bytes(self, size: int) -> int:
        return size + LENGTH + 1

    def write(self, samples: Iterable[Sample], place: Place, name: str, shared: Shared) -> Iterator[Placed]:
        import pyarrow.parquet as pq

        if len(shared.fields) > MOST_FIELDS:
            raise BadInput(
                f"the samples have {len(shared.fields)} sorts of further files, too many for Parquet's "
                "columns; choose another format"
            )
        shared = shared._replace(
            fields=tuple(filter(is_ending, shared.fields))
        )  # others' samples are refused
        with place.file(name) as sink:
            pages, schema, rows = Pages(sink), _schema(shared), 0
            with pq.ParquetWriter(pages, schema, **OPTIONS) as writer:
                for group in _groups(samples, shared):
                    pages.begin_group()
                    writer.write_table(group.table(schema), len(group))
                    yield from group.placed(pages, rows)
                    rows += len(group)


def _schema(shared: Shared) -> Any:
    import pyarrow as pa

    description = json.dumps({"kind": shared.kind, "classes": shared.classes}, ensure_ascii=False)
    return pa.schema(
        [
            pa.field("key", pa.string(), nullable=False),
            pa.field("label", pa.int64(), nullable=False),
            pa.field(shared.kind, pa.binary(), nullable=False),
            pa.field("extension", pa.string(), nullable=False),
            *(pa.field(f".{field}", pa.binary()) for field in shared.fields),
        ],
        metadata={"pipebench": description},
    )


def _groups(samples: Iterable[Sample], shared: Shared) -> Iterator["_Group"]:
    group = _Group(shared)
    for sample in samples:
        _check(sample)
        if len(group) and not group.has_room(sample):
            yield group
            group = _Group(shared)
        group.add(sample)
    if len(group):
        yield group


def _check(sample: Sample) -> None:
    check_key(sample.key)
    check_fields(sample)
    if max(map(len, (sample.payload, *(extra.content for extra in sample.extras)))) > LARGEST:
        raise BadInput(f"{named(sample.key)} is larger than Parquet can hold, 2 GB; choose another format")


class _Group:
    """The samples of a row group."""

    def __init__(self, shared: Shared) -> None:
        self._kind = shared.kind
        self._keys: list[str] = []
        self._labels: list[int] = []
        self._fields: list[str] = []
        self._extra_fields: list[list[str]] = []
        self._payloads = Values()
        self._extras = {field: Values() for field in shared.fields}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._keys)

    def has_room(self, sample: Sample) -> bool:
        return len(self) < GROUP_ROWS and self._bytes + _size(sample) <= GROUP_BYTES

    def add(self, sample: Sample) -> None:
        self._keys.append(sample.key)
        self._labels.append(sample.label)
        self._fields.append(sample.field)
        self._payloads.add(sample.payload)
        contents = {extra.field: extra.content for extra in sample.extras}
        for field, values in self._extras.items():
            values.add(contents.get(field))
        self._extra_fields.append(list(contents))
        self._bytes += _size(sample)

    def table(self, schema: Any) -> Any:
        """The group as a pyarrow table."""
        import pyarrow as pa

        extras = [values.array() for values in self._extras.values()]
        columns = [self._keys, self._labels, self._payloads.array(), self._fields, *extras]
        return pa.table(columns, schema=schema)

    def placed(self, pages: Pages, row: int) -> Iterator[Placed]:
        """Where the samples went, once the group is written; its first one's number is `row`."""
        payloads = self._payloads.parts(pages)
        extras = {field: values.parts(pages) for field, values in self._extras.items()}
        for number, (field, further) in enumerate(zip(self._fields, self._extra_fields, strict=True)):
            payload = PlacedPart(f"{self._kind}/{field}", *next(payloads))
            parts = tuple(PlacedPart(f".{name}", *next(extras[name])) for name in further)
            yield Placed(payload, parts, row + number)


def _size(sample: Sample) -> int:
    return len(sample.payload) + sum(len(extra.content) for extra in sample.extras)
