"""A whole Parquet file held against the index: each row's columns, and the bytes at each offset."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import BinaryIO, NamedTuple

from pipebench.cells import Cell, Cells
from pipebench.files import why

from ._parquet_columns import EXTENSION, KEYS, LABELS
from ._verify_content import Decode, content_fault, is_label
from ._verify_faults import Fault
from ._verify_stored import Part, Stored

OURS = (KEYS[0], LABELS[0], EXTENSION)
"""The columns that pipebench writes beside payloads and extras."""


class Table(NamedTuple):
    """A Parquet file that is open."""

    name: str
    url: str
    file: BinaryIO
    size: int
    ours: bool
    """Whether pipebench wrote it, so that it holds nothing that the index doesn't tell."""
    label: str | None
    """The column of labels, or None where it is not known."""


class TableCheck:
    """Goes through the rows once."""

    def __init__(self, table: Table, classes: tuple[str, ...], decode: Decode) -> None:
        self._table, self._classes, self._decode = table, classes, decode

    def faults(self, samples: Iterable[Stored]) -> Iterator[Fault]:
        """What is wrong; the samples are those of this file, in the order of their rows."""
        with closing(Cells(self._table.url)) as cells:
            extras = _extra_columns(self._table.file) if self._table.ours else frozenset()
            row = -1
            for row, sample in enumerate(samples):
                if self._table.ours and sample.row != row:
                    yield self._fault(sample, f"its row is {sample.row} where {row} is due")
                yield from self._row(cells, sample, extras)
        rows = count_rows(self._table.file)
        if self._table.ours and rows != row + 1:
            yield Fault(self._table.name, None, None, f"it has {rows} rows, and {row + 1} in the index")

    def _fault(self, sample: Stored, text: str, part: Part | None = None) -> Fault:
        offset = (part or sample.payload).offset
        return Fault(self._table.name, sample.key, offset if offset >= 0 else None, text)

    def _row(self, cells: Cells, sample: Stored, extras: frozenset[str]) -> Iterator[Fault]:
        parts = {_column(sample.payload.member): sample.payload} | {e.member: e for e in sample.extras}
        others = [*OURS, *(extras - parts.keys())] if self._table.ours else []
        label = self._table.label
        names = [*parts, *others, *([label] if label and label not in others else [])]
        try:
            read = dict(zip(names, cells.read([Cell(sample.row, name) for name in names]), strict=True))
        except OSError as error:
            yield self._fault(sample, f"its row {sample.row} cannot be read: {why(error)}")
            return
        for name, part in parts.items():
            yield from self._part(sample, part, read[name])
        yield from self._told(sample, read, others)

    def _part(self, sample: Stored, part: Part, content: bytes | None) -> Iterator[Fault]:
        if content is None:
            yield self._fault(sample, f"its {part.what} is null", part)
            return
        decode = self._decode if part is sample.payload else None
        if fault := content_fault(part, content, decode):
            yield self._fault(sample, fault, part)
        if part.lies_within(self._table.size):
            self._table.file.seek(part.offset)
            if self._table.file.read(part.size) != content:
                yield self._fault(sample, f"its {part.what} does not lie where the index says", part)

    def _told(self, sample: Stored, read: dict[str, bytes | None], others: list[str]) -> Iterator[Fault]:
        """What the other columns say."""
        label = self._table.label
        if label and not is_label(read[label] or b"", sample.label, self._classes, number=self._table.ours):
            yield self._fault(sample, f"its column {label!r} is {_shown(read[label])}, not {sample.label}")
        if not others:
            return
        due = {OURS[0]: sample.key.encode(), EXTENSION: _field(sample.payload.member).encode()}
        for name in others:
            if name != label and read[name] != due.get(name):
                yield self._fault(
                    sample, f"its column {name!r} is {_shown(read[name])}, not {_shown(due.get(name))}"
                )


def _column(member: str) -> str:
    """The column of a payload that the index calls `image/jpg`."""
    return member.rpartition("/")[0] or member


def _field(member: str) -> str:
    return member.rpartition("/")[2]


def _shown(content: bytes | None) -> str:
    return "null" if content is None else repr(content[:100].decode(errors="replace"))


def _extra_columns(file: BinaryIO) -> frozenset[str]:
    import pyarrow.parquet as pq

    return frozenset(name for name in pq.read_schema(file).names if name.startswith("."))


def count_rows(file: BinaryIO) -> int:
    """As the footer says. Raises what pyarrow raises."""
    import pyarrow.parquet as pq

    file.seek(0)
    return int(pq.read_metadata(file).num_rows)
