"""The chokepoint map as one HTML file that needs nothing else: data as JSON, and a script that lays it out.

Whatever a name holds is set as text by the script; the page may load nothing and run nothing but its own.
"""

from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from typing import Any

from pipebench.chokepoint_map import Panel
from pipebench.errors import one_line
from pipebench.held_back import HOLDS
from pipebench.report.plain_json import dumps

_SPECIAL = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
"""With which a text could end the script element that holds the data."""


def render(panels: Sequence[Panel]) -> str:
    """The whole page."""
    data = dumps({"holds": HOLDS, "panels": [as_json(panel) for panel in panels]}, indent=None)
    for character, escape in _SPECIAL.items():
        data = data.replace(character, escape)
    page = (files("pipebench.report") / "map.html").read_text(encoding="utf-8")
    return page.replace("@DATA@", data)


def as_json(panel: Panel) -> dict[str, Any]:
    """Every figure, for machines."""
    return asdict(panel) | {"contestant": one_line(panel.contestant)}
