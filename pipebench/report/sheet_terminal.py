"""A sheet on a terminal, in colour."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipebench.contest import Line
from pipebench.errors import one_line
from pipebench.report.columns import Column, cell, heading
from pipebench.report.sheet import Group, Sheet
from pipebench.report.terminal import contestant_text
from pipebench.stats import Outcome

_STYLES = {
    Outcome.INDICATIVE: "yellow",
    Outcome.NO_VERDICT: "yellow",
    Outcome.DISTURBED: "yellow",
}


_NARROW = 100
"""Columns of a terminal below which those of a table stand closer."""
_WIDE = 10_000
"""Columns of a table that is only measured."""


def print_sheet(console: Console, sheet: Sheet) -> None:
    """Each group as a table, then the notes, then the outcome."""
    for group in sheet.groups:
        console.print(Text(one_line(group.title), style="bold underline"))
        table = _table(sheet, group, 1 if console.width < _NARROW else 2)
        least = table.__rich_measure__(console, console.options.update(width=_WIDE)).minimum
        console.print(table, width=max(console.width, least), crop=False)
        console.print()
    for note in sheet.notes:
        console.print(Text(one_line(note)))
    for verdict in sheet.verdicts:
        console.print(Text(one_line(verdict), style="bold"))


def _table(sheet: Sheet, group: Group, gap: int) -> Table:
    result = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="bold")
    for column in sheet.columns:
        result.add_column(
            heading(column, group.lines),
            justify="right" if column.right else "left",
            no_wrap=column.right,
            overflow="fold",
            min_width=_LEAST.get(column.name),
        )
    for line in group.lines:
        result.add_row(*(_cell(column, line) for column in sheet.columns))
    return result


_LEAST = {"contestant": 16, "verdict": 13}


def _cell(column: Column, line: Line) -> Text:
    if column.name == "contestant":
        return contestant_text(line.series.contestant)
    return Text(cell(column, line), style=_style(line) if column.name == "verdict" else "")


def _style(line: Line) -> str:
    """The words say the same, for those who see no colours."""
    if line.comparison is None:
        return "dim"
    return {-1: "red", 1: "green"}.get(line.direction) or _STYLES.get(line.comparison.outcome, "")
