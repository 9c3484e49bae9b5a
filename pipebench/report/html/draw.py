"""Bars and curves -> places in their drawings. The template only writes them out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipebench.report.html.axes import Linear, linear
from pipebench.report.html.places import Frame, Tick, across, path
from pipebench.report.pictures.model import Bar, Bars, Curve, Curves, Whose

FRAME = Frame(height=280)


@dataclass(frozen=True, slots=True, kw_only=True)
class BarRow:
    """One bar: its parts as (class, from, width), in percent."""

    bar: Bar
    parts: tuple[tuple[str, str, str], ...]
    bounds: tuple[str, str] | None
    beyond: bool
    """Whether the upper bound lies outside."""


def bar_rows(picture: Bars) -> list[BarRow]:
    """All bars on one scale."""
    names = picture.parts or [segment.name for segment in picture.bars[0].segments]
    extent = picture.extent or 1.0
    return [_bar_row(bar, names, extent) for bar in picture.bars]


def _bar_row(bar: Bar, names: Sequence[str], extent: float) -> BarRow:
    parts, begin = [], 0.0
    for segment in bar.segments:
        parts.append(
            (f"p{names.index(segment.name)}", _percent(begin / extent), _percent(segment.value / extent))
        )
        begin += segment.value
    known = bar.low is not None and bar.high is not None
    bounds = (_percent((bar.low or 0) / extent), _percent((bar.high or 0) / extent)) if known else None
    return BarRow(bar=bar, parts=tuple(parts), bounds=bounds, beyond=(bar.high or 0.0) > extent)


def _percent(share: float) -> str:
    return f"{100 * min(1.0, max(0.0, share)):.2f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A measured point; its bounds are places down the drawing."""

    x: str
    y: str
    entry: int
    text: str
    bounds: tuple[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One curve: its class, its path in percent and pixels, and its points."""

    style: str
    whose: Whose
    path: str
    dots: tuple[Dot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Curves with their axes."""

    frame: Frame
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    levels: tuple[Tick, ...]
    curves: tuple[Drawn, ...]


def plot(picture: Curves) -> Plot:
    """The curves on axes that begin at 0."""
    points = [point for curve in picture.curves for point in curve.points]
    x = linear([point.x for point in points])
    y = linear([1.0 if picture.percent else picture.extent], about=5)
    frame = FRAME
    return Plot(
        frame=frame,
        x_ticks=tuple(_along(x, [f"{tick:g}" for tick in x.ticks])),
        y_ticks=tuple(
            Tick(at=frame.down(y.at(tick)), text=f"{tick:.0%}" if picture.percent else f"{tick:g}")
            for tick in y.ticks
        ),
        levels=tuple(Tick(at=frame.down(y.at(level)), text=f"{level:.0%}") for level in picture.levels),
        curves=tuple(
            _drawn(curve, "ref" if curve.reference else f"c{n}", x, y, frame)
            for n, curve in enumerate(picture.curves)
        ),
    )


def _along(axis: Linear, texts: Iterable[str]) -> list[Tick]:
    ticks = [Tick(at=across(axis.at(tick)), text=text) for tick, text in zip(axis.ticks, texts, strict=True)]
    first, last = ticks[0], ticks[-1]
    return [
        Tick(at=first.at, text=first.text, anchor="start"),
        *ticks[1:-1],
        Tick(at=last.at, text=last.text, anchor="end"),
    ]


def _drawn(curve: Curve, style: str, x: Linear, y: Linear, frame: Frame) -> Drawn:
    places = [(across(x.at(point.x)), frame.down(y.at(point.y))) for point in curve.points]
    dots = [
        Dot(
            x=place[0],
            y=place[1],
            entry=point.entry,
            text=f"{point.x:g}: {point.text}",
            bounds=(frame.down(y.at(point.low)), frame.down(y.at(point.high)))
            if point.low is not None and point.high is not None
            else None,
        )
        for point, place in zip(curve.points, places, strict=True)
    ]
    return Drawn(
        style=style, whose=curve.whose, path=path(places), dots=() if curve.reference else tuple(dots)
    )
