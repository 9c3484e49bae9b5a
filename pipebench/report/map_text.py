"""The chokepoint map as a table within 80 columns, one part a loader."""

from collections.abc import Iterator, Sequence

from pipebench.accelerators import NOT_VALIDATED
from pipebench.chokepoint_map import Cell, Panel
from pipebench.errors import one_line
from pipebench.held_back import HOLDS, Holds
from pipebench.report.block_notes import block_notes
from pipebench.report.prose import folded

WIDTH = 80
LETTERS: dict[Holds, str] = {
    "step": "s",
    "decode": "d",
    "transform": "t",
    "decode+transform": "dt",
    "batching": "a",
    "hand-over": "h",
    "workers": "w",
    "loader CPU": "c",
    "overhead": "o",
    "bursts": "b",
}


def render(panel: Panel, columns: int | None = None) -> str:
    """The loader's tables and what must be said of them, folded to so many columns, if given."""
    families = shown_families(panel)
    heading = f"{one_line(panel.contestant)}: per cent of each accelerator used, {cores(panel)}"
    told = ["", *notes(panel)]
    parts = [*folded([heading], columns), *_tables(panel, families), *folded(told, columns)]
    return "\n".join(parts) + "\n"


def shown_families(panel: Panel) -> list[str]:
    """Those of which some cell is predicted."""
    return [f for f in panel.families if any(panel.cell(model, f).rates for model in panel.fitting)]


def cores(panel: Panel) -> str:
    """How many feed one accelerator."""
    told = f"{panel.cores} core{'s' * (panel.cores > 1)} for each"
    if panel.cores <= panel.measured_cores:
        return told
    return f"{told} (extrapolated from {panel.measured_cores})"


def _tables(panel: Panel, families: Sequence[str]) -> Iterator[str]:
    """As many columns side by side as fit."""
    first = max((len(model) for model in panel.fitting), default=0)
    columns = {family: [family, *(text(panel.cell(m, family)) for m in panel.fitting)] for family in families}
    widths = {family: max(map(len, cells)) for family, cells in columns.items()}
    while families:
        count = _fitting([widths[family] for family in families], WIDTH - first)
        now, families = families[:count], families[count:]
        yield ""
        for number, model in enumerate(("", *panel.fitting)):
            cells = (columns[family][number].rjust(widths[family]) for family in now)
            yield "  ".join((model.ljust(first), *cells)).rstrip()


def _fitting(widths: Sequence[int], width: int) -> int:
    total = 0
    for count, own in enumerate(widths):
        total += own + 2
        if total > width:
            return max(1, count)
    return len(widths)


def text(cell: Cell) -> str:
    """`25-64c`: least and most used over tiers, and what holds the fastest back."""
    if cell.shares is None:
        return "-"
    least, most = (f"{100 * share:.0f}" for share in cell.shares)
    letter = LETTERS[cell.rates[0].holds]
    return f"{least}{letter}" if least == most else f"{least}-{most}{letter}"


def notes(panel: Panel) -> Iterator[str]:
    """What must be said beside its cells."""
    for holds, letter in LETTERS.items():
        if holds in panel.holding:
            yield f"{letter}: {HOLDS[holds]}."
    if any(len(cell.rates) > 1 for cell in panel.cells):
        yield "Ranges are over tiers; the letter is that of the fastest. '-': no rate is known."
    if any(cell.standing == NOT_VALIDATED for cell in panel.cells):
        yield f"Rates are cited or derived ('pipebench list accelerators'): {NOT_VALIDATED}."
    yield from _greyed(panel)
    yield from block_notes(panel)


def _greyed(panel: Panel) -> Iterator[str]:
    """Models that have no cell, by reason."""
    reasons: dict[str, list[str]] = {}
    for model in panel.models:
        if model not in panel.fitting:
            reasons.setdefault(reason(panel, model), []).append(model)
    return (f"Not shown: {', '.join(names)}: {why}." for why, names in reasons.items())


def reason(panel: Panel, model: str) -> str:
    """Why a model has no cell; the weightiest, where cells differ in it."""
    whys = [panel.cell(model, family).why for family in panel.families]
    return next((why for why in whys if why != "no rate is known"), whys[0])
