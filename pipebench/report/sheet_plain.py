"""A sheet as plain text, where it is piped: one line a row, a note, a sentence, and columns that line up."""

from collections.abc import Iterator, Sequence

from pipebench.errors import one_line
from pipebench.report.columns import Column, cell, heading
from pipebench.report.sheet import Group, Sheet

GAP = "  "


def render(sheet: Sheet) -> str:
    """Each group as a table, then the notes, then the outcome."""
    return "".join(f"{line}\n" for line in _lines(sheet))


def _lines(sheet: Sheet) -> Iterator[str]:
    for group in sheet.groups:
        yield one_line(group.title)
        yield from _table(sheet.columns, group)
        yield ""
    yield from map(one_line, (*sheet.notes, *sheet.verdicts))


def _table(columns: Sequence[Column], group: Group) -> Iterator[str]:
    headings = [heading(column, group.lines).replace("\n", " ") for column in columns]
    rows = [headings, *([cell(column, line) for column in columns] for line in group.lines)]
    widths = [max(map(len, values)) for values in zip(*rows, strict=True)]
    for row in rows:
        aligned = (
            text.rjust(width) if column.right else text.ljust(width)
            for column, text, width in zip(columns, row, widths, strict=True)
        )
        yield GAP.join(aligned).rstrip()
