"""What the cells of a comparison say."""

from collections.abc import Mapping
from math import inf
from typing import Any

from pipebench.contest import Line
from pipebench.series import Series
from pipebench.stats import Interval, Outcome
from pipebench.unpaired import ENOUGH


def verdict(line: Line) -> str:
    """What a line shows, in words."""
    if line.comparison is None:
        return line.method if line.method == "baseline" else line.remark.partition(":")[0]
    outcome = line.comparison.outcome
    if outcome is Outcome.DIFFERS:
        return "differs: slower" if line.direction < 0 else "differs: faster"
    return "equal within 3 %" if outcome is Outcome.EQUAL else str(outcome)


def would_show(line: Line) -> str:
    """The smallest difference that would have been shown, where none was and enough trials could have."""
    found = line.comparison
    if found is None or found.blocks < ENOUGH or found.outcome not in (Outcome.UNDECIDED, Outcome.DISTURBED):
        return ""
    return share(found.detectable)


def share(value: float) -> str:
    """A relative difference, such as `5.1 %`."""
    return f"{100 * value:.1f} %" if value < 1 else "> 100 %"


def ratio(line: Line) -> str:
    """Of the speeds: above 1 is faster than the baseline."""
    if line.comparison is None:
        return "1" if line.method == "baseline" else ""
    return f"{line.comparison.ratio.estimate:.2f}x"


def interval(line: Line) -> str:
    """`[0.92, 1.14]`, or nothing where there is none."""
    found = known_interval(line)
    return f"[{found.low:.2f}, {found.high:.2f}]" if found else ""


def known_interval(line: Line) -> Interval | None:
    """None where the data gives no bounds."""
    if line.comparison is None:
        return None
    found = line.comparison.ratio
    return found if 0 < found.low < found.high < inf else None


def basis(line: Line) -> str:
    """How many blocks hold both; `10+12` where so many trials on either side share none."""
    if line.comparison is None or line.baseline is None:
        return ""
    if line.method == "paired":
        return str(line.comparison.blocks)
    return f"{line.series.trials}+{line.baseline.trials}"


def rate(series: Series | None) -> str:
    """Samples a second, or the time of a round."""
    if series is None or series.speed is None:
        return ""
    if series.unit == "rounds/s":
        return duration(1 / series.speed)
    return f"{series.speed:.0f}" if series.speed >= 100 else f"{series.speed:.3g}"


def condition(series: Series, aspect: str) -> str:
    """One of a series' conditions, or nothing where it is not told."""
    text: str = getattr(series.conditions, aspect, None) or ""
    return text[:_OF_AN_ID] if aspect == "data" else text


_OF_AN_ID = 12
"""Characters that are shown of a `content_id`."""


def duration(seconds: float) -> str:
    """With three digits and the unit that they fit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def pairs(values: Mapping[str, Any]) -> str:
    """`a=1, b=2`."""
    return ", ".join(f"{key}={value}" for key, value in values.items())
