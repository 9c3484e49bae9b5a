"""GitHub-flavoured Markdown, fit for a job summary. Whatever a name holds, it is shown as text.

Source: the GitHub Flavored Markdown Spec, 6.1 (code spans) and 4.10 (tables).
"""

import re
from collections.abc import Sequence

from pipebench.errors import one_line
from pipebench.report.columns import Column, cell, heading
from pipebench.report.sheet import Group, Sheet

_SPECIAL = re.compile(r"([\\`*_\[\]<>&|~#])|^([-+])|^(\d+)(?=[.)](?:\s|$))|(?<=www)(\.)")
_AFTER_RENDERING = re.compile(r"[@#](?=\w)|:(?=\S)|\$")
"""What GitHub looks for in the rendered text: mentions, issues, emoji and URLs, formulas."""
_APART = "<!-- -->"


def render(sheet: Sheet) -> str:
    """The outcome first, then the tables, then the notes, folded away."""
    parts = [*(f"**{escaped(verdict)}**" for verdict in sheet.verdicts)]
    parts += [_group(sheet.columns, group) for group in sheet.groups]
    if sheet.notes:
        listed = "\n".join(f"- {escaped(note)}" for note in sheet.notes)
        parts.append(f"<details><summary>Conditions and notes</summary>\n\n{listed}\n\n</details>")
    return "\n\n".join(parts) + "\n"


def _group(columns: Sequence[Column], group: Group) -> str:
    headings = [heading(column, group.lines).replace("\n", " ") for column in columns]
    rows = [[_cell(column, cell(column, line)) for column in columns] for line in group.lines]
    alignment = ["---:" if column.right else "---" for column in columns]
    return "\n".join([f"#### {escaped(group.title)}", "", *map(_row, [headings, alignment, *rows])])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(column: Column, text: str) -> str:
    return code(text) if column.foreign and column.name != "verdict" and text else escaped(text)


def escaped(text: str) -> str:
    """As plain text: no markup, link, mention, emoji, formula or tag comes of it."""
    shown = _SPECIAL.sub(
        lambda match: f"\\{match[0]}" if not match[3] else f"{_APART}{match[3]}", one_line(text)
    )
    return _AFTER_RENDERING.sub(lambda match: f"{match[0]}{_APART}", shown)


def code(text: str) -> str:
    """As a code span, in which nothing but the fence is special; a table's bar stays escaped in it too."""
    shown = one_line(text).replace("|", "\\|")
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}"
