"""A comparison in the form that was asked for, on standard output."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pipebench.contest import Line, Terms
from pipebench.errors import one_line
from pipebench.report import csv, markdown, sheet_plain
from pipebench.report.columns import COLUMNS, USUAL, chosen, fields
from pipebench.report.plain_json import dumps
from pipebench.report.prose import complain
from pipebench.report.sheet import Sheet, lay_out
from pipebench.verdicts import Threshold

Form = Literal["table", "markdown", "csv", "json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a comparison is shown."""

    form: Form = "table"
    columns: str | None = None
    """Names with commas between; None for the usual ones, which are all in `csv` and `json`."""
    threshold: Threshold | None = None


def show(lines: Sequence[Line], terms: Terms, shape: Shape, notes: Sequence[str] = ()) -> None:
    """Prints the comparison, with further notes.

    What a threshold says goes to standard error where machines read the rest.
    """
    people = shape.form in ("table", "markdown")
    columns = chosen(shape.columns, USUAL if people else COLUMNS)
    sheet = lay_out(lines, columns, terms, shape.threshold)
    sheet = replace(sheet, notes=(*notes, *sheet.notes))
    if shape.form == "table" and sys.stdout.isatty():
        from rich.console import Console

        from pipebench.report.sheet_terminal import print_sheet

        print_sheet(Console(), sheet)
    elif shape.form == "table":
        sys.stdout.write(sheet_plain.render(sheet))
    elif shape.form == "markdown":
        sys.stdout.write(markdown.render(sheet))
    else:
        _for_machines(lines, sheet, shape)


def _for_machines(lines: Sequence[Line], sheet: Sheet, shape: Shape) -> None:
    rows = [fields(sheet.columns, line) for line in lines]
    whole = {"schema": 1, "rows": rows, "notes": sheet.notes, "verdicts": sheet.verdicts}
    sys.stdout.write(csv.render(rows) if shape.form == "csv" else dumps(whole) + "\n")
    for sentence in shape.threshold.sentences(lines) if shape.threshold else ():
        complain(one_line(sentence))
