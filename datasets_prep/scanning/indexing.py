"""Makes a dataset's index of samples that were read where they lie."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipebench.dataset import Dataset
from pipebench.errors import one_line
from pipebench.files import join
from pipebench.index import BATCH_ROWS, content_name, content_sum, schema

from ..formats.contract import Row
from .checking import Checked
from .source_files import LONGEST_NAME
from .sources import Source


class Indexing:
    """Takes samples in and gives the index's tables out, so that few samples are in memory at once."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._shards = {join(source.url, shard.name): n for n, shard in enumerate(source.shards)}
        self._samples: Counter[int] = Counter()
        """By shard."""
        self._sum = 0
        self.payload_bytes = 0
        self.fields: Counter[str] = Counter()
        """How many samples have an extra, by its field."""
        self.skipped: list[str] = []
        """Damaged samples, with their faults."""

    @property
    def samples(self) -> int:
        """So far, without those that were skipped."""
        return self._samples.total()

    def tables(self, checks: Iterable[Checked]) -> Iterator[Any]:
        """The whole samples as pyarrow tables of the index's schema."""
        rows: list[Row] = []
        for row, fault in checks:
            if fault is not None:
                self.skipped.append(one_line(f"{self._name(row)} ({fault})", 2 * LONGEST_NAME))
                continue
            rows.append(row)
            if len(rows) == BATCH_ROWS:
                yield self._table(rows)
                rows.clear()
        if rows:
            yield self._table(rows)

    def dataset(self, url: str, root: str, made: Mapping[str, Any], sha256: str) -> Dataset:
        """The description, once all samples were taken in; the index's file has that SHA-256."""
        return Dataset(
            url=url,
            root=root,
            kind=self._source.kind,
            format=self._source.format,
            classes=self._source.classes,
            samples=self.samples,
            payload_bytes=self.payload_bytes,
            content_id=content_name(self._sum),
            shards=tuple(
                replace(shard, samples=self._samples[number])
                for number, shard in enumerate(self._source.shards)
            ),
            made=made,
            index_sha256=sha256,
        )

    def _name(self, row: Row) -> str:
        """A sample for messages."""
        part = row.payload
        number = self._shards.get(part.url)
        if number is None:
            return part.member
        name = self._source.shards[number].name
        return f"{name}/{part.member}" if part.row < 0 else f"{name}, row {part.row}"

    def _table(self, rows: Sequence[Row]) -> Any:
        import pyarrow as pa

        first = self.samples
        shards = [self._shards.get(row.payload.url, -1) for row in rows]
        parts = [row.payload for row in rows]
        self._count(rows, shards)
        columns = {
            "id": range(first, first + len(rows)),
            "key": [row.key for row in rows],
            "member": [part.member for part in parts],
            "shard": shards,
            "row": [part.row for part in parts],
            "offset": [part.offset for part in parts],
            "size": [part.size for part in parts],
            "label": [row.label for row in rows],
            "hash": [part.hash for part in parts],
            "extras": [_extras(row) for row in rows],
        }
        return pa.table(columns, schema=schema())

    def _count(self, rows: Sequence[Row], shards: Sequence[int]) -> None:
        self._samples.update(shards)
        self.payload_bytes += sum(row.payload.size for row in rows)
        self.fields.update(part.field for row in rows for part in row.extras)
        hashes = [row.payload.hash or 0 for row in rows]
        self._sum += content_sum([row.key for row in rows], hashes, [row.label for row in rows])


def _extras(row: Row) -> list[dict[str, object]] | None:
    names = ("field", "member", "offset", "size", "hash")
    return [{name: getattr(part, name) for name in names} for part in row.extras] or None
