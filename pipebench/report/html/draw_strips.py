"""Strips of data waits -> places in their drawings."""

from collections.abc import Iterable
from dataclasses import dataclass

from pipebench.report import cells
from pipebench.report.html.axes import Decades, Linear, decades, linear
from pipebench.report.html.places import WIDE, Frame, Tick, across, path
from pipebench.report.pictures.model import Strip, Strips

FRAME = Frame(height=150)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scatter:
    """Waits over time."""

    dots: str
    """A path of points, one a bin: its longest wait."""
    spans: str
    """A path of lines from each bin's median to its longest wait; empty where a bin is one batch."""
    ticks: tuple[Tick, ...]
    aside: tuple[tuple[str, str], ...]
    """(from, width) of the times at which batches don't count."""
    boundaries: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One of the three percentiles."""

    x: str
    y: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StripPlot:
    """One trial's waits: over time on the left, by share of the batches on the right."""

    strip: Strip
    frame: Frame
    y_ticks: tuple[Tick, ...]
    over_time: Scatter
    quantiles: str
    marks: tuple[Mark, ...]


def strip_plots(picture: Strips) -> list[StripPlot]:
    """All strips, on one axis of waits."""
    y = decades(
        wait for strip in picture.strips for wait in (*strip.longest, *strip.middle, *strip.quantiles)
    )
    return [_strip_plot(strip, y) for strip in picture.strips]


def _strip_plot(strip: Strip, y: Decades) -> StripPlot:
    shares = [across(share) for share in strip.shares]
    return StripPlot(
        strip=strip,
        frame=FRAME,
        y_ticks=tuple(Tick(at=_down(y, tick), text=cells.duration(tick)) for tick in y.ticks),
        over_time=_scatter(strip, y),
        quantiles=path(zip(shares, (_down(y, wait) for wait in strip.quantiles), strict=True)),
        marks=tuple(
            Mark(x=across(p / 100), y=_down(y, wait), text=f"p{p} {cells.duration(wait)}")
            for p, wait in zip((50, 95, 99), strip.percentiles, strict=True)
        ),
    )


def _down(y: Decades, wait: float) -> str:
    return FRAME.down(y.at(wait))


def _scatter(strip: Strip, y: Decades) -> Scatter:
    x = Linear(max(strip.times[-1], strip.counted[1], 1e-9), ())
    places = [across(x.at(at)) for at in strip.times]
    tops, feet = ([_down(y, wait) for wait in waits] for waits in (strip.longest, strip.middle))
    spans = "".join(f"M{at} {foot}V{top}" for at, foot, top in zip(places, feet, tops, strict=True))
    return Scatter(
        dots="".join(f"M{at} {top}h0" for at, top in zip(places, tops, strict=True)),
        spans=spans if strip.a_bin > 1 else "",
        ticks=tuple(_ticks(x)),
        aside=_aside(strip, x),
        boundaries=tuple(across(x.at(at)) for at in strip.boundaries),
    )


def _ticks(x: Linear) -> Iterable[Tick]:
    for tick in linear([x.high]).ticks:
        if tick <= x.high:
            yield Tick(at=across(x.at(tick)), text=f"{tick:g} s", anchor="start" if tick == 0 else "middle")


def _aside(strip: Strip, x: Linear) -> tuple[tuple[str, str], ...]:
    begin, end = (x.at(at) for at in strip.counted)
    spans = [(0.0, begin), (end, 1.0)]
    return tuple((across(low), f"{WIDE * (high - low):.2f}") for low, high in spans if high - low > 0.002)
