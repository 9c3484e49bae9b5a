"""Everything gathered -> one HTML page that needs no network and nothing beside itself.

Every text goes through the template engine's escaping. The page's policy forbids all that it does not hold
itself: no request can leave it, and no script or style runs but its own two, which are named by their hash
(Content Security Policy Level 3, section 8.3).
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from pipebench.chokepoint_map import Cell
from pipebench.errors import BadInput, one_line
from pipebench.report import map_text
from pipebench.report.columns import cell, heading
from pipebench.report.gathered import Gathered
from pipebench.report.html import raw, setups, trials
from pipebench.report.html.draw import bar_rows, plot
from pipebench.report.html.draw_strips import strip_plots
from pipebench.report.html.sections import Section, sections
from pipebench.report.sentences import sentences, sheet
from pipebench.report.sheet import Sheet
from pipebench.report.terminal import notes

if TYPE_CHECKING:
    from jinja2 import Environment

LARGEST = 5_000_000
"""Bytes that a page stays below."""
LONGEST = 200
"""Characters of any one text of others."""
MOST_NAMES = 50


class Room(NamedTuple):
    """How much of what may be long is shown."""

    trials: int
    cards: int
    """Of settings, machine and provenance."""
    blocks: int
    """Of records behind figures."""
    lines: int
    """Of the comparison."""
    notes: int
    """Below each table, and tables that have some."""


ROOMS = (
    Room(2000, 100, 120, 800, 40),
    Room(600, 60, 60, 300, 20),
    Room(150, 30, 30, 100, 10),
    Room(30, 10, 10, 30, 5),
)
"""The first with which a page stays below `LARGEST` is taken, or the last."""


class Anchors(NamedTuple):
    """What a link within the page can lead to, by number."""

    trials: AbstractSet[int]
    entries: AbstractSet[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """When and by what a page was made."""

    when: str
    version: str
    mark: str
    """By which a report is known as one."""


def render(gathered: Gathered, made: Made) -> str:
    """The page; raises `BadInput` where the template engine is not installed."""
    page = _environment().get_template("page.html")
    fixed = _fixed(gathered, made)
    for room in ROOMS:
        text = page.render(**fixed, **_bounded(gathered, fixed["sections"], room))
        if len(text.encode()) < LARGEST:
            break
    return text


def _fixed(gathered: Gathered, made: Made) -> dict[str, Any]:
    found, missing = sections(gathered)
    return {
        "made": made,
        "policy": policy(),
        "names": gathered.names[:MOST_NAMES],
        "more_names": max(0, len(gathered.names) - MOST_NAMES),
        "sentences": sentences(gathered),
        "sections": found,
        "missing": missing,
        "columns": trials.COLUMNS,
        "every": len(gathered.trials),
    }


def _bounded(gathered: Gathered, drawn: Iterable[Section], room: Room) -> dict[str, Any]:
    shown = trials.listed(gathered, room.trials)
    cards, by_trial = setups.cards(shown, room.cards)
    numbers = {n for section in drawn for picture in section.pictures for n in picture.entries}
    entries = raw.chosen_entries(gathered.entries, numbers, room.blocks)
    return {
        "anchors": Anchors({trial.number for _, trial in shown}, {entry.number for entry in entries}),
        "rows": list(trials.rows(shown, by_trial)),
        "cards": cards,
        "blocks": list(raw.blocks(entries)),
        "blocks_left_out": len(gathered.entries) - len(entries),
        "sheet": _short(sheet(gathered), room) if gathered.lines else None,
        "lines_left_out": max(0, len(gathered.lines) - room.lines),
        "notes": {
            part.name: notes(part.rows)[: room.notes] for part in gathered.parts[: room.notes] if part.blocks
        },
    }


def _short(whole: Sheet, room: Room) -> Sheet:
    """The sheet's first lines and notes."""
    groups, left = [], room.lines
    for group in whole.groups:
        if left:
            groups.append(replace(group, lines=group.lines[:left]))
            left -= len(groups[-1].lines)
    return replace(whole, groups=tuple(groups), notes=whole.notes[: room.notes])


def _environment() -> "Environment":
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError:
        raise BadInput("a report needs its template engine: pip install 'pipebench[report]'") from None
    environment = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["line"] = _line
    environment.globals.update(
        asset=_asset, bar_rows=bar_rows, plot=plot, strip_plots=strip_plots, cell=cell, heading=heading
    )
    environment.globals.update(
        map_cell=map_text.text,
        map_cores=map_text.cores,
        map_notes=map_text.notes,
        shade=_shade,
        shown_families=map_text.shown_families,
    )
    return environment


def _shade(cell: Cell) -> int:
    """The class of a map's cell, from 0 for an accelerator that idles to 4 for one that is used."""
    return min(4, int(5 * cell.shares[0])) if cell.shares else -1


def _line(text: object, longest: int = LONGEST) -> str:
    """Anybody's words on one printable line."""
    return one_line(str(text), longest)


@cache
def asset(name: str) -> str:
    """The page's own style or script, which holds nothing of anybody else's."""
    return (files(__package__) / "templates" / name).read_text(encoding="utf-8")


def _asset(name: str) -> object:
    from markupsafe import Markup

    return Markup(asset(name))  # noqa: S704 - a file of this package


def policy() -> str:
    """The Content Security Policy of the page."""
    allowed: Mapping[str, str] = {
        "default-src": "'none'",
        "style-src": _hash("page.css"),
        "script-src": _hash("page.js"),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{what} {source}" for what, source in allowed.items())


def _hash(name: str) -> str:
    digest = hashlib.sha256(asset(name).encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
