"""Scaling with cores, and how much of an accelerator is used at which rate of the step."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from pipebench.report.alike import setup
from pipebench.report.gathered import Entry, Gathered
from pipebench.report.pictures.bars import idle
from pipebench.report.pictures.model import Bars, Curve, Curves, Point, owner
from pipebench.step import parse_step

MOST_CURVES = 5
"""Of one picture: as many as there are colours that can be told apart."""
LEVELS = (0.90, 0.95)
"""Shares of an accelerator's time that are marked."""


def scaling(gathered: Gathered) -> Iterator[Curves]:
    """Samples per second over cores, of contestants that were measured with several core counts."""
    null = [entry for entry in gathered.entries if entry.measured and entry.row.step == "null"]
    curves = _curves(null, "cores", _at_cores)
    if curves:
        shown = curves[:MOST_CURVES]
        yield Curves(
            key="scaling",
            title="Samples per second over cores",
            x_axis="cores",
            y_axis="samples/s, 95 % interval",
            curves=(*shown, _linear(shown[0])),
            left_out=len(curves) - len(shown),
        )


def utilisation(gathered: Gathered) -> Iterator[Curves]:
    """The share of time in which an emulated accelerator works, over its rate."""
    emulated = [entry for entry in gathered.entries if entry.row.stall is not None and _rate(entry)]
    curves = _curves(emulated, "step", _at_rate)
    if curves:
        yield Curves(
            key="utilisation",
            title="Accelerator time used over the step's rate",
            x_axis="the step's rate, samples/s",
            y_axis="share of time used; bars: lowest and highest trial",
            curves=tuple(curves[:MOST_CURVES]),
            percent=True,
            levels=LEVELS,
            left_out=max(0, len(curves) - MOST_CURVES),
        )


def device(gathered: Gathered) -> Iterator[Curves | Bars]:
    """The time that the device uses over the step's rate, and the idle time of what is on no such curve."""
    curves = [*utilisation(gathered)]
    yield from curves
    drawn = {point.entry for picture in curves for curve in picture.curves for point in curve.points}
    yield from idle(gathered, but=drawn)


def _curves(entries: Sequence[Entry], over: str, point: Callable[[Entry], Point]) -> list[Curve]:
    """One for each setup that was measured at two places at least, the highest first.

    Of the same place given twice the last counts.
    """
    groups: dict[tuple[object, ...], dict[float, Point]] = {}
    firsts: dict[tuple[object, ...], Entry] = {}
    for entry in entries:
        key, found = setup(entry, without=over), point(entry)
        groups.setdefault(key, {})[found.x] = found
        firsts.setdefault(key, entry)
    curves = [
        Curve(whose=owner(firsts[key], entries), points=tuple(sorted(own.values(), key=lambda p: p.x)))
        for key, own in groups.items()
        if len(own) > 1
    ]
    return sorted(curves, key=lambda curve: -max(p.y for p in curve.points))


def _at_cores(entry: Entry) -> Point:
    row = entry.row
    bounded = row.trials > 1 and row.ci_low is not None
    bounds = f" [{row.ci_low:.0f}-{row.ci_high:.0f}]" if bounded else ""
    return Point(
        entry=entry.number,
        x=row.cores,
        y=row.samples_per_second or 0.0,
        text=f"{row.samples_per_second:.0f}{bounds}",
        low=row.ci_low if bounded else None,
        high=row.ci_high if bounded else None,
    )


def _linear(curve: Curve) -> Curve:
    """What the best contestant would reach if it lost nothing from its fewest cores on."""
    first, last = curve.points[0], curve.points[-1]
    rate = first.y / first.x
    points = tuple(
        replace(first, x=x, y=rate * x, text=f"{rate * x:.0f}", low=None, high=None)
        for x in (first.x, last.x)
    )
    whose = replace(curve.whose, name="in proportion", note=f"to the fewest cores of {curve.whose.name}")
    return Curve(whose=whose, points=points, reference=True)


def _at_rate(entry: Entry) -> Point:
    """The median trial's share, and the lowest and highest of all."""
    row = entry.row
    used = [1 - f.stall for trial in entry.trials if (f := trial.figures) and f.stall is not None]
    assert row.stall is not None
    untold = row.stall_floor is not None and row.stall < row.stall_floor
    text = f"> {1 - (row.stall_floor or 0):.1%}" if untold else f"{1 - row.stall:.1%}"
    return Point(
        entry=entry.number, x=_rate(entry), y=1 - row.stall, text=text, low=min(used), high=max(used)
    )


def _rate(entry: Entry) -> float:
    """Of an emulated step; of any other 0."""
    return parse_step(entry.row.step).rate
