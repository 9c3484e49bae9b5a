"""What a picture shows. Whoever draws it derives nothing any more."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pipebench.chokepoint_map import Panel
from pipebench.report.alike import loader_name
from pipebench.report.gathered import Entry

FARTHEST = 2.0
"""Bounds beyond so many times the largest value are cut there: wide ones would leave no room for values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """To whom a bar or a curve belongs."""

    entry: int
    """Its number, under which the page keeps the records."""
    name: str
    """The contestant's, as it stands in the results: whoever shows it makes it harmless."""
    note: str = ""
    """What tells it from others of the name: the result, the cores, the cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A part of a bar."""

    name: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One value, which may have parts and bounds."""

    whose: Whose
    segments: tuple[Segment, ...]
    text: str
    """The value in words."""
    detail: str = ""
    low: float | None = None
    high: float | None = None

    @property
    def length(self) -> float:
        return sum(segment.value for segment in self.segments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Bars under each other, from 0 on."""

    kind: ClassVar = "bars"
    key: str
    title: str
    axis: str
    """What is measured, with its unit."""
    bars: tuple[Bar, ...]
    left_out: int = 0
    """Bars for which there was no place."""

    @property
    def parts(self) -> list[str]:
        """Names of the segments, in order, where bars have several."""
        names = list(dict.fromkeys(segment.name for bar in self.bars for segment in bar.segments))
        return names if len(names) > 1 else []

    @property
    def entries(self) -> list[int]:
        """Numbers of those that are drawn."""
        return [bar.whose.entry for bar in self.bars]

    @property
    def extent(self) -> float:
        """The longest bar or bound; of bounds beyond `FARTHEST` no more is drawn."""
        return _extent([bar.length for bar in self.bars], [bar.high or 0.0 for bar in self.bars])


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One measured point of a curve."""

    entry: int
    x: float
    y: float
    text: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Points in the order of x."""

    whose: Whose
    points: tuple[Point, ...]
    reference: bool = False
    """Reckoned for orientation, not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """Curves over one x axis; both axes begin at 0."""

    kind: ClassVar = "curves"
    key: str
    title: str
    x_axis: str
    y_axis: str
    curves: tuple[Curve, ...]
    percent: bool = False
    """Whether y is a share."""
    levels: tuple[float, ...] = ()
    """Values of y that are marked for orientation."""
    left_out: int = 0

    @property
    def extent(self) -> float:
        """The highest point or bound, as of bars."""
        points = [point for curve in self.curves for point in curve.points]
        return _extent([p.y for p in points], [p.high or 0.0 for p in points])

    @property
    def entries(self) -> list[int]:
        """As of bars."""
        points = [point.entry for curve in self.curves for point in curve.points]
        return [*points, *(curve.whose.entry for curve in self.curves)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """The data wait of one trial, batch by batch."""

    whose: Whose
    trial: int
    """Its number on the page."""
    place: str
    times: tuple[float, ...]
    """Seconds since the first batch: of each bin the moment of its longest wait."""
    longest: tuple[float, ...]
    """Seconds: of each bin the longest wait, and so of each batch where a bin holds one."""
    middle: tuple[float, ...]
    """Seconds: of each bin the median."""
    a_bin: int
    """Batches in a bin."""
    counted: tuple[float, float]
    """Between which times batches count, after the transient."""
    boundaries: tuple[float, ...]
    """When epochs after the first began."""
    shares: tuple[float, ...]
    quantiles: tuple[float, ...]
    """Seconds: the wait that so large a share of the counted batches does not exceed."""
    percentiles: tuple[float, float, float]
    """Seconds: 50th, 95th and 99th, as the results' table has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strips:
    """Data waits, one strip each, on axes that all share."""

    kind: ClassVar = "strips"
    key: str
    title: str
    strips: tuple[Strip, ...]
    left_out: int = 0

    @property
    def entries(self) -> list[int]:
        """As of bars."""
        return [strip.whose.entry for strip in self.strips]


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """How much one loader lets each accelerator be used."""

    kind: ClassVar = "map"
    key: str
    whose: Whose
    panel: Panel

    @property
    def entries(self) -> list[int]:
        """As of bars."""
        return [self.whose.entry]


Picture = Bars | Curves | Strips | Map


def _extent(values: Sequence[float], bounds: Sequence[float]) -> float:
    """The largest of all, but that bounds reach no farther than `FARTHEST`."""
    largest = max(values, default=0.0)
    return max(largest, min(FARTHEST * largest, max(bounds, default=0.0)))


def owners(entries: Sequence[Entry]) -> dict[int, Whose]:
    """By entry: what it is called among these, with what it does not share with all of them."""
    steps = len({entry.row.step for entry in entries}) > 1
    results = len({entry.result for entry in entries}) > 1
    cores = len({entry.row.cores for entry in entries}) > 1
    notes = {
        entry.number: [
            *([f"step {entry.row.step}"] if steps else ()),
            *_of_loader(entry, entries),
            *([_cores(entry.row.cores)] if cores else ()),
            *([entry.result] if results else ()),
        ]
        for entry in entries
    }
    return {
        entry.number: Whose(
            entry=entry.number, name=entry.row.contestant, note=", ".join(notes[entry.number])
        )
        for entry in entries
    }


def owner(entry: Entry, entries: Sequence[Entry]) -> Whose:
    """As `owners`, of something that joins several results, core counts or cuts of one loader."""
    name = loader_name(entry.trials[0].record)
    return Whose(entry=entry.number, name=name, note=", ".join(_of_loader(entry, entries)))


def _of_loader(entry: Entry, entries: Sequence[Entry]) -> list[str]:
    """The format, where the contestant reads several, and the cut."""
    formats = {other.row.format for other in entries if other.row.contestant == entry.row.contestant}
    found = [entry.row.format] if len(formats) > 1 else []
    return found if entry.until == "batch" else [*found, f"until {entry.until}"]


def _cores(count: int) -> str:
    return "1 core" if count == 1 else f"{count} cores"
