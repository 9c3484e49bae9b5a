"""The chokepoint map as a PNG, one panel a loader, by matplotlib."""

import io
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from pipebench.accelerators import NOT_VALIDATED
from pipebench.chokepoint_map import Cell, Panel
from pipebench.errors import BadInput, one_line
from pipebench.report.map_text import LETTERS, reason

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Patch

LONGEST = 60
"""Characters of a name."""
GREY, PALE = "#c8c8c8", "#ececec"
COLOURS = "cividis"
"""A map of colours that people see alike who see colours differently (Nunez et al. 2018)."""
DARK = 0.6
"""Utilisation below which the text on a cell is white."""


def draw(panels: Sequence[Panel]) -> bytes:
    """The picture; raises `BadInput` where matplotlib is not installed."""
    try:
        import matplotlib as mpl
    except ImportError:
        raise BadInput("pictures need matplotlib: pip install 'pipebench[report]'") from None
    with mpl.rc_context():
        mpl.rcdefaults()  # whatever the user has configured: TeX would run what a name holds
        mpl.rcParams.update({"text.parse_math": False, "font.size": 8})
        return _drawn(panels)


def _drawn(panels: Sequence[Panel]) -> bytes:
    from matplotlib.figure import Figure

    first = panels[0]
    size = (2 + 0.75 * len(first.families), len(panels) * (0.8 + 0.3 * _tops(first)[-1]) + 0.4)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
    for axis, panel in zip(axes, panels, strict=True):
        _panel(axis, panel)
    figure.supxlabel(_legend(panels), fontsize=7)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=150, metadata={"Software": "pipebench"})
    return out.getvalue()


def _legend(panels: Sequence[Panel]) -> str:
    shown = frozenset[str]().union(*(panel.holding for panel in panels))
    letters = ", ".join(f"{letter}: {holds}" for holds, letter in LETTERS.items() if holds in shown)
    return (
        f"per cent of each accelerator used, over tiers; held back by {letters} (at the fastest tier)\n"
        f"grey: other data or no rate. Cited and derived rates: {NOT_VALIDATED}"
    )


def _panel(axis: "Axes", panel: Panel) -> None:
    tops = _tops(panel)
    for model, top in zip(panel.models, tops, strict=False):
        height = _height(panel, model)
        for column, family in enumerate(panel.families):
            cell = panel.cell(model, family)
            axis.add_patch(_box(column, top, height, _shade(cell)))
            where = (column, top + height / 2)
            axis.text(*where, _label(cell), ha="center", va="center", fontsize=6, color=_ink(cell))
        if model not in panel.fitting:
            middle = (len(panel.families) / 2 - 0.5, top + height / 2)
            axis.text(*middle, reason(panel, model), ha="center", va="center", fontsize=6)
    axis.set(xlim=(-0.5, len(panel.families) - 0.5), ylim=(tops[-1], 0))
    axis.set_xticks(range(len(panel.families)), panel.families)
    middles = [top + _height(panel, model) / 2 for top, model in zip(tops, panel.models, strict=False)]
    axis.set_yticks(middles, panel.models)
    axis.tick_params(length=0, labeltop=True, labelbottom=False)
    axis.set_title(title(panel), loc="left")


def title(panel: Panel) -> str:
    """With what limits the figures: a picture travels without the sentences that stand beside a table."""
    name = one_line(panel.contestant, LONGEST)
    few = f"; indicative, from {panel.blocks} block{'s' * (panel.blocks > 1)}" if panel.indicative else ""
    kept = "; other processes disturbed it" if panel.disturbed and not panel.left_out else ""
    return f"{name}: {panel.own_rate:.0f} samples/s of its own, {panel.cores} cores{few}{kept}"


def _height(panel: Panel, model: str) -> float:
    return 1.0 if model in panel.fitting else 0.55


def _tops(panel: Panel) -> list[float]:
    """Where each model's row begins, and where the last one ends."""
    return [0.0, *accumulate(_height(panel, model) for model in panel.models)]


def _shade(cell: Cell) -> Any:
    from matplotlib import colormaps

    if cell.shares is not None:
        return colormaps[COLOURS](cell.shares[0])
    return PALE if cell.why == "no rate is known" else GREY


def _box(column: int, top: float, height: float, colour: Any) -> "Patch":
    from matplotlib.patches import Rectangle

    return Rectangle((column - 0.5, top), 1, height, facecolor=colour, edgecolor="white")


def _label(cell: Cell) -> str:
    if cell.shares is None:
        return ""
    least, most = (f"{100 * share:.0f}" for share in cell.shares)
    return f"{least if least == most else f'{least}-{most}'} {LETTERS[cell.rates[0].holds]}"


def _ink(cell: Cell) -> str:
    return "white" if cell.shares and cell.shares[0] < DARK else "black"
