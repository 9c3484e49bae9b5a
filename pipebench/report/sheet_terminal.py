"""A sheet on a terminal: coloured there, and where it is piped plain, one line a row and a sentence."""

import io

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


def print_sheet(sheet: Sheet, console: Console | None = None) -> None:
    """Each group as a table, then the notes, then the outcome."""
    console = console or Console()
    if console.is_terminal:
        _print(console, sheet)
        return
    wide = Console(file=io.StringIO(), width=_WIDE, force_terminal=False, color_system=None)
    _print(wide, sheet)
    text = wide.file.getvalue()  # type: ignore[attr-defined] # the StringIO
    console.file.write("".join(f"{line.rstrip()}\n" for line in text.splitlines()))


_WIDE = 100_000
"""Columns of what is piped: a row, a note, a sentence each stay on their line."""


def _print(console: Console, sheet: Sheet) -> None:
    for group in sheet.groups:
        console.print(Text(one_line(group.title), style="bold underline"))
        table = _table(sheet, group, console)
        least = table.__rich_measure__(console, console.options.update(width=_WIDE)).minimum
        console.print(table, width=max(console.width, least), crop=False)
        console.print()
    for note in sheet.notes:
        console.print(Text(one_line(note)))
    for verdict in sheet.verdicts:
        console.print(Text(one_line(verdict), style="bold"))


def _table(sheet: Sheet, group: Group, console: Console) -> Table:
    result = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in sheet.columns:
        result.add_column(
            _heading(column, group, console),
            justify="right" if column.right else "left",
            no_wrap=column.right,
            overflow="fold",
            min_width=_LEAST.get(column.name),
        )
    for line in group.lines:
        result.add_row(*(_cell(column, line, console) for column in sheet.columns))
    return result


def _heading(column: Column, group: Group, console: Console) -> str:
    text = heading(column, group.lines)
    return text if console.is_terminal else text.replace("\n", " ")


_LEAST = {"contestant": 16, "verdict": 13}


def _cell(column: Column, line: Line, console: Console) -> Text:
    if column.name == "contestant" and console.is_terminal:
        return contestant_text(line.series.contestant)
    return Text(cell(column, line), style=_style(line) if column.name == "verdict" else "")


def _style(line: Line) -> str:
    """The words say the same, for those who see no colours."""
    if line.comparison is None:
        return "dim"
    return {-1: "red", 1: "green"}.get(line.direction) or _STYLES.get(line.comparison.outcome, "")
