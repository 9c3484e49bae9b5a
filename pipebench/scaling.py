"""How many cores a loader needs for a rate, from the rates at the core counts that were measured.

With fewer than four counts there is no fit, only two bounds: linear from the largest count, and Amdahl's
law (1967) through the smallest and the largest; nothing is said beyond twice the measured cores. With four
or more, the Universal Scalability Law (Gunther 2007) is fitted: P(c) = l c / (1 + s (c - 1) + k c (c - 1)).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from pipebench.stats import Interval, mean_interval

SPARE = 0.95
"""Cores suffice if the loader's rate is at least the demand over this."""
FIT_COUNTS = 4
MOST_FITTED = 1024
"""Cores up to which a fit is asked."""

How = Literal["measured", "extrapolated", "beyond", "unreachable"]


def core_counts(cores: int) -> list[int]:
    """1, 2, 4, ... and all."""
    return sorted({1 << power for power in range(cores.bit_length()) if 1 << power < cores} | {cores})


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """The cores for one rate."""

    how: How
    least: int | None = None
    """By the more hopeful bound."""
    most: int | None = None
    """By the other one; None where that bound never gets there, or not within what may be said."""
    limit: int | None = None
    """Of `beyond`: more than so many."""

    def __str__(self) -> str:
        if self.how == "unreachable":
            return "unreachable"
        if self.how == "beyond":
            return f"> {self.limit}"
        more = f"-{self.most}" if self.most else " or more"
        text = f"{self.least}{'' if self.least == self.most else more}"
        return text if self.how == "measured" else f"{text} (extrapolated)"


Curves = Sequence[Mapping[int, float]]
"""Samples per second by core count, one mapping for each block."""


def need(demand: float, measured: Mapping[int, float], blocks: Curves = ()) -> Need:
    """The least cores with P(c) >= demand / 0.95.

    `measured` holds the samples per second by core count; `blocks` the same block by block, for a fit's
    interval.
    """
    wanted = demand / SPARE
    for cores in sorted(measured):
        if measured[cores] >= wanted:
            return Need(how="measured", least=cores, most=cores)
    if len(measured) < FIT_COUNTS:
        return _bounded(wanted, measured)
    return _fitted(wanted, measured, blocks)


def _bounded(wanted: float, measured: Mapping[int, float]) -> Need:
    limit = 2 * max(measured)
    hopeful = _first(wanted, lambda cores: linear(measured, cores), limit)
    if hopeful is None:
        return Need(how="beyond", limit=limit)
    other = _first(wanted, lambda cores: amdahl(measured, cores), limit)
    return Need(how="extrapolated", least=hopeful, most=other)


def linear(measured: Mapping[int, float], cores: int) -> float:
    """Each further core is worth as much as those measured."""
    return measured[max(measured)] * cores / max(measured)


def amdahl(measured: Mapping[int, float], cores: int) -> float:
    """1/P(c) = a + b/c through the smallest and the largest count; with one count alone, no gain at all."""
    few, many = min(measured), max(measured)
    if few == many:
        return measured[many]
    slope = (1 / measured[few] - 1 / measured[many]) / (1 / few - 1 / many)
    serial = max(0.0, 1 / measured[many] - slope / many)
    return 1 / (serial + max(0.0, slope) / cores)


def _first(wanted: float, rate: Callable[[int], float], limit: int) -> int | None:
    return next((cores for cores in range(1, limit + 1) if rate(cores) >= wanted), None)


def _fitted(wanted: float, measured: Mapping[int, float], blocks: Curves) -> Need:
    whole = [block for block in blocks if block.keys() == measured.keys()]
    fits = [usl(curve) for curve in (measured, *whole)]
    found = [_first(wanted, fit, MOST_FITTED) for fit in fits]
    if found[0] is None:
        return Need(how="unreachable")
    known = [float(cores) for cores in found[1:] if cores is not None]
    if len(known) < 2:
        return Need(how="extrapolated", least=found[0], most=found[0])
    spread = mean_interval(known)
    least = max(1, min(found[0], int(spread.low)))
    most = max(found[0], int(np.ceil(spread.high))) if len(known) == len(whole) else None
    return Need(how="extrapolated", least=least, most=most)


def usl(measured: Mapping[int, float]) -> Callable[[int], float]:
    """The law's fit, with no coefficient below 0.

    In c/P(c) = a (1 + s (c - 1) + k c (c - 1)) it is linear, so that the best of all fits is found that
    leave out s, k or both. Rows are weighted so that errors of P count relatively.
    """
    cores = np.array(sorted(measured), dtype=float)
    cost = cores / np.array([measured[int(c)] for c in cores])
    columns = np.stack([np.ones_like(cores), cores - 1, cores * (cores - 1)], axis=1)
    best, error = np.array([cost.mean(), 0.0, 0.0]), np.inf
    for kept in ((0, *more) for size in range(3) for more in combinations((1, 2), size)):
        found = np.zeros(3)
        weighted = columns[:, kept] / cost[:, None]
        found[list(kept)] = np.linalg.lstsq(weighted, np.ones_like(cost), rcond=None)[0]
        off = float(np.sum((columns @ found / cost - 1) ** 2))
        if (found >= 0).all() and found[0] > 0 and off < error:
            best, error = found, off
    return lambda count: count / float(best @ [1, count - 1, count * (count - 1)])


def scaled(measured: Mapping[int, float], cores: int) -> Interval | None:
    """P(cores) between its bounds, or None where nothing may be said."""
    if cores in measured:
        return Interval(measured[cores], measured[cores], measured[cores])
    if len(measured) >= FIT_COUNTS:
        found = usl(measured)(cores)
        return Interval(found, found, found)
    if cores > 2 * max(measured):
        return None
    low, high = sorted((amdahl(measured, cores), linear(measured, cores)))
    return Interval((low + high) / 2, low, high)
