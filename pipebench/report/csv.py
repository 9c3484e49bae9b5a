"""CSV (RFC 4180) for spreadsheets and scripts: whole values, one row a line."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

from pipebench.errors import one_line

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""With which a text begins that a spreadsheet would run (OWASP, "CSV injection")."""


def render(rows: Iterable[Mapping[str, Any]]) -> str:
    """All rows under the names of the first; nothing where there is no row."""
    found = list(rows)
    if not found:
        return ""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(found[0])
    writer.writerows([cell(row.get(name)) for name in found[0]] for row in found)
    return out.getvalue()


def cell(value: object) -> str:
    """Numbers to the last digit; texts on one line, and with an apostrophe where they look like a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    text = one_line(value if isinstance(value, str) else json.dumps(value, default=str))
    return f"'{text}" if text.startswith(_FORMULA) else text
