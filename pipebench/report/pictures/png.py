"""The main figures as PNG, by matplotlib: it brings its own font, so that text is drawn on any host.

The page's drawings are made of the same pictures; only their look is another.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from pipebench.errors import BadInput, one_line
from pipebench.report import cells, map_png
from pipebench.report.gathered import Gathered
from pipebench.report.pictures.bars import cpu, first_batch, throughput
from pipebench.report.pictures.curves import device, scaling
from pipebench.report.pictures.maps import maps
from pipebench.report.pictures.model import Bars, Curves, Map, Picture, Strips, Whose
from pipebench.report.pictures.stages import stages
from pipebench.report.pictures.waits import waits
from pipebench.report.written import MARK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000")
"""M. Okabe and K. Ito, "Color Universal Design" (2008): those of their eight that show on white."""
DASHES: Sequence[Any] = ("-", (0, (6, 3)), (0, (1, 2)), (0, (8, 2, 1, 2)), "-.")
MARKERS = "os^Dv"
SHORTEST = 1e-6
"""Seconds: what is shorter is drawn there, since the axis is logarithmic."""
LONGEST = 60
"""Characters of a name."""
MAIN: Sequence[Callable[[Gathered], Iterator[Picture]]] = (
    throughput,
    first_batch,
    cpu,
    stages,
    waits,
    scaling,
    device,
    maps,
)


def draw(gathered: Gathered) -> Iterator[tuple[str, bytes]]:
    """Name and PNG of each main figure; raises `BadInput` where matplotlib is not installed."""
    try:
        import matplotlib as mpl
    except ImportError:
        raise BadInput("pictures need matplotlib: pip install 'pipebench[report]'") from None
    for picture in chain.from_iterable(make(gathered) for make in MAIN):
        with mpl.rc_context():
            mpl.rcdefaults()  # whatever the user has configured: TeX would run what a name holds
            mpl.rcParams.update({"text.parse_math": False, "axes.spines.top": False})
            mpl.rcParams.update({"axes.spines.right": False})
            drawn = map_png.draw([picture.panel]) if isinstance(picture, Map) else _png(picture)
        yield picture.key, drawn


def _png(picture: Bars | Curves | Strips) -> bytes:
    """Without the state that `pyplot` keeps, and in the one font that is always there."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, _inches(picture)), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    if isinstance(picture, Bars):
        _bars(figure, picture)
    elif isinstance(picture, Curves):
        _curves(figure, picture)
    else:
        _strips(figure, picture)
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": MARK})
    return out.getvalue()


def _inches(picture: Bars | Curves | Strips) -> float:
    if isinstance(picture, Bars):
        return 1.4 + 0.42 * len(picture.bars)
    return 4.5 if isinstance(picture, Curves) else 0.6 + 1.7 * len(picture.strips)


def _text(text: str) -> str:
    """What matplotlib's own font holds; the rest as its code, so that two names stay two."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    known = get_font(findfont(FontProperties(family="DejaVu Sans"))).get_charmap()
    return "".join(c if ord(c) in known else f"\\u{ord(c):04x}" for c in one_line(text, LONGEST))


def _label(whose: Whose) -> str:
    return "\n".join(_text(part) for part in (whose.name, whose.note) if part)


def _bars(figure: "Figure", picture: Bars) -> None:
    axes = figure.subplots()
    begins = [0.0] * len(picture.bars)
    names = list(dict.fromkeys(segment.name for bar in picture.bars for segment in bar.segments))
    for number, name in enumerate(names):
        values = [sum(s.value for s in bar.segments if s.name == name) for bar in picture.bars]
        axes.barh(range(len(begins)), values, 0.7, begins, color=PALETTE[number % len(PALETTE)], label=name)
        begins = [begin + value for begin, value in zip(begins, values, strict=True)]
    for place, bar in enumerate(picture.bars):
        if bar.low is not None and bar.high is not None:
            beyond = bar.high > picture.extent
            ends, marks = [bar.low, min(bar.high, picture.extent)], [0] if beyond else [0, 1]
            axes.plot(ends, [place] * 2, color="#1b1d22", linewidth=2, marker="|", markevery=marks)
            if beyond:
                axes.plot(ends[1:], [place], color="#1b1d22", marker=">")
        end = min(picture.extent, max(bar.length, bar.high or 0.0))
        axes.annotate(f"  {bar.text}", (end, place), va="center")
    axes.set_yticks(range(len(picture.bars)), [_label(bar.whose) for bar in picture.bars])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.18 * (picture.extent or 1.0))
    _finish(axes, picture.title, picture.axis, "")
    if picture.parts:
        figure.legend(frameon=False, loc="outside upper right", ncols=len(picture.parts))


def _finish(axes: "Axes", title: str, x_axis: str, y_axis: str) -> None:
    axes.set_title(_text(title), loc="left", fontsize=11)
    axes.set_xlabel(x_axis)
    axes.set_ylabel(y_axis)


def _curves(figure: "Figure", picture: Curves) -> None:
    axes = figure.subplots()
    for number, curve in enumerate(picture.curves):
        x, y = [p.x for p in curve.points], [p.y for p in curve.points]
        if curve.reference:
            axes.plot(x, y, color="#888888", linewidth=1, label=_label(curve.whose))
            continue
        place = number % len(PALETTE)
        look = {"color": PALETTE[place], "linestyle": DASHES[place], "marker": MARKERS[place]}
        axes.plot(x, y, label=_label(curve.whose), **look)
        for p in curve.points:
            if p.low is not None and p.high is not None:
                axes.plot([p.x, p.x], [p.low, p.high], color=PALETTE[place])
    for level in picture.levels:
        axes.axhline(level, color="#888888", linewidth=0.8, linestyle=(0, (2, 4)))
    axes.set_xlim(left=0)
    axes.set_ylim(0, 1.02 if picture.percent else 1.05 * (picture.extent or 1.0))
    _finish(axes, picture.title, picture.x_axis, picture.y_axis)
    axes.legend(frameon=False)


def _strips(figure: "Figure", picture: Strips) -> None:
    from matplotlib.ticker import FuncFormatter

    grid = figure.subplots(len(picture.strips), 2, sharey=True, squeeze=False, width_ratios=[2, 1])
    for (left, right), strip in zip(grid, picture.strips, strict=True):
        left.axvspan(*strip.counted, color=PALETTE[0], alpha=0.07)
        if strip.a_bin > 1:
            left.vlines(strip.times, _drawable(strip.middle), _drawable(strip.longest), PALETTE[0])
        left.plot(strip.times, _drawable(strip.longest), ".", color=PALETTE[0], markersize=4)
        left.set_yscale("log")
        left.yaxis.set_major_formatter(FuncFormatter(lambda wait, _: cells.duration(wait)))
        left.set_title(_label(strip.whose).replace("\n", ", "), loc="left", fontsize=10)
        right.plot([100 * share for share in strip.shares], _drawable(strip.quantiles), color=PALETTE[0])
        for percent, wait, marker in zip((50, 95, 99), strip.percentiles, MARKERS, strict=False):
            right.plot([percent], _drawable([wait]), color=PALETTE[1], marker=marker)
    figure.suptitle("Data wait; what is shaded counts", x=0.01, ha="left", fontsize=11)
    grid[-1][0].set_xlabel("seconds since the first batch")
    grid[-1][1].set_xlabel("% of batches, at most so long")


def _drawable(waits: Sequence[float]) -> list[float]:
    return [max(wait, SHORTEST) for wait in waits]
