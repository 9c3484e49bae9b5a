"""A comparison in the form that was asked for, on standard output."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pipebench.contest import Line, Terms
from pipebench.report import csv, markdown
from pipebench.report.columns import COLUMNS, USUAL, chosen, fields
from pipebench.report.plain_json import dumps
from pipebench.report.sheet import lay_out
from pipebench.report.sheet_terminal import print_sheet
from pipebench.verdicts import Threshold

Form = Literal["table", "markdown", "csv", "json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a comparison is shown."""

    form: Form = "table"
    columns: str | None = None
    """Names with commas between; None for the usual ones, which are all in `csv` and `json`."""
    threshold: Threshold | None = None


def show(lines: Sequence[Line], terms: Terms, shape: Shape) -> None:
    """Prints the comparison; what a threshold says goes to standard error where machines read the rest."""
    people = shape.form in ("table", "markdown")
    columns = chosen(shape.columns, USUAL if people else COLUMNS)
    if people:
        sheet = lay_out(lines, columns, terms, shape.threshold)
        if shape.form == "markdown":
            sys.stdout.write(markdown.render(sheet))
        else:
            print_sheet(sheet)
        return
    rows = [fields(columns, line) for line in lines]
    sys.stdout.write(
        csv.render(rows) if shape.form == "csv" else dumps(_whole(rows, lines, terms, shape)) + "\n"
    )
    for sentence in shape.threshold.sentences(lines) if shape.threshold else ():
        print(f"pipebench: {sentence}", file=sys.stderr)


def _whole(rows: Sequence[Any], lines: Sequence[Line], terms: Terms, shape: Shape) -> dict[str, Any]:
    sheet = lay_out(lines, (), terms, shape.threshold)
    return {"schema": 1, "rows": rows, "notes": sheet.notes, "verdicts": sheet.verdicts}
