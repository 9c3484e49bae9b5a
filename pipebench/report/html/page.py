"""Everything gathered -> one HTML page that needs no network and nothing beside itself.

Every text goes through the template engine's escaping. The page's policy forbids all that it does not hold
itself: no request can leave it, and no script or style runs but its own two, which are named by their hash
(Content Security Policy Level 3, section 8.3).
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pipebench.errors import BadInput, one_line
from pipebench.report import cells
from pipebench.report.columns import cell, heading
from pipebench.report.gathered import Gathered
from pipebench.report.html import raw, setups, trials
from pipebench.report.html.draw import bar_rows, plot
from pipebench.report.html.draw_strips import strip_plots
from pipebench.report.html.sections import sections
from pipebench.report.sentences import sentences, sheet
from pipebench.report.terminal import notes

if TYPE_CHECKING:
    from jinja2 import Environment

LARGEST = 5_000_000
"""Bytes that a page stays below."""
LONGEST = 200
"""Characters of any one text of others."""
_ROWS = (2000, 600, 150, 30)
"""Trials that a page lists: the most with which it stays below `LARGEST`."""
_LINES = 400
"""Of the comparison."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """When and by what a page was made."""

    when: str
    version: str
    mark: str
    """By which a report is known as one."""


def render(gathered: Gathered, made: Made) -> str:
    """The page; raises `BadInput` where the template engine is not installed."""
    environment = _environment()
    page = environment.get_template("page.html")
    fixed = _fixed(gathered, made)
    for most in _ROWS:
        text = page.render(**fixed, **_of_trials(gathered, most))
        if len(text.encode()) < LARGEST:
            break
    return text


def _fixed(gathered: Gathered, made: Made) -> dict[str, Any]:
    found, missing = sections(gathered)
    return {
        "made": made,
        "policy": policy(),
        "names": gathered.names,
        "sentences": sentences(gathered),
        "sections": found,
        "missing": missing,
        "notes": {part.name: notes(part.rows)[:_LINES] for part in gathered.parts if part.blocks},
        "sheet": sheet(gathered) if gathered.lines else None,
        "blocks": list(raw.blocks(gathered.entries)),
        "blocks_left_out": max(0, len(gathered.entries) - raw.MOST_BLOCKS),
    }


def _of_trials(gathered: Gathered, most: int) -> dict[str, Any]:
    shown = trials.listed(gathered, most)
    cards, by_trial = setups.cards(shown)
    return {
        "columns": trials.COLUMNS,
        "rows": list(trials.rows(shown, by_trial)),
        "every": len(gathered.trials),
        "cards": cards,
        "anchors": {trial.number for _, trial in shown},
    }


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
    environment.filters.update(line=_line, duration=cells.duration, seconds=_seconds)
    environment.globals.update(
        asset=_asset, bar_rows=bar_rows, plot=plot, strip_plots=strip_plots, cell=cell, heading=heading
    )
    return environment


def _line(text: object, longest: int = LONGEST) -> str:
    """Anybody's words on one printable line."""
    return one_line(str(text), longest)


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e9:.6f}"


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
