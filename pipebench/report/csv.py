"""CSV (RFC 4180) for spreadsheets and scripts: whole values, one row a line."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TextIO

from pipebench.errors import one_line

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""With which a text begins that a spreadsheet would run (OWASP, "CSV injection")."""


def render(rows: Iterable[Mapping[str, Any]]) -> str:
    """All rows under the names of the first; nothing where there is no row."""
    out = io.StringIO()
    write(rows, out)
    return out.getvalue()


def write(rows: Iterable[Mapping[str, Any]], out: TextIO) -> None:
    """As `render`, row by row."""
    writer, names = csv.writer(out, lineterminator="\n"), None
    for row in rows:
        if names is None:
            names = list(row)
            writer.writerow(names)
        writer.writerow([cell(row.get(name)) for name in names])


def cell(value: object) -> str:
    """Numbers to the last digit; texts on one line, and with an apostrophe where they look like a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    return _text(value if isinstance(value, str) else json.dumps(value, default=str))


@lru_cache(maxsize=4096)
def _text(text: str) -> str:
    shown = one_line(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
