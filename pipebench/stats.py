"""Pure statistics: intervals, paired comparisons, the end of a transient.

Sources: Hodges and Lehmann (1963) for the estimate; Hollander, Wolfe and Chicken, *Nonparametric
Statistical Methods* (3rd ed., section 3.3) for the exact signed-rank interval; Spratt (1998) and
White (1997) for MSER-5.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import accumulate
from math import exp, inf, log, sqrt
from operator import mul
from statistics import fmean, stdev
from typing import TypeVar

from pipebench.distributions import signed_rank_outside, signed_rank_p_below, student_quantile
from pipebench.pairs import walsh_averages

LOOKS = {10: 0.995, 20: 0.995, 40: 0.995, 80: 0.995}
"""Blocks at which a comparison may be looked at, and the confidence of each look."""
CONFIDENCE = 0.95
"""Of every interval that decides nothing."""
DIFFERS, EQUAL = 0.02, 0.03
"""`differs` is at least this far from 1; `equal` lies within this of it."""

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its bounds; they are equal to it where one value is all there is."""

    estimate: float
    low: float
    high: float


class Outcome(StrEnum):
    """What a comparison shows."""

    DIFFERS = "differs"
    EQUAL = "equal"
    UNDECIDED = "no difference shown"
    DISTURBED = "no difference shown (disturbed)"
    INDICATIVE = "indicative"
    NO_VERDICT = "no verdict"
    """Something else than the contestants may be what differs, such as the host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A ratio of two contestants, from blocks that held both."""

    ratio: Interval
    blocks: int
    outcome: Outcome
    detectable: float
    """The smallest relative difference that these blocks would have shown."""


def hodges_lehmann(values: Sequence[float]) -> float:
    """The median of the Walsh averages."""
    return walsh_averages(values).median


def signed_rank_interval(values: Sequence[float], confidence: float) -> Interval | None:
    """Hodges-Lehmann with the exact signed-rank interval, or None where n is too small for the confidence."""
    outside = signed_rank_outside(len(values), (1 - confidence) / 2)
    if outside == 0:
        return None
    averages = walsh_averages(values)
    return Interval(averages.median, averages.smallest(outside), averages.largest(outside))


def mean_interval(values: Sequence[float]) -> Interval:
    """A 95 % interval of the centre: signed-rank from 6 values on, below that Student's t, for one none."""
    if len(values) == 1:
        return Interval(values[0], values[0], values[0])
    ranked = signed_rank_interval(values, CONFIDENCE)
    if ranked is not None:
        return ranked
    centre = fmean(values)
    half = student_quantile((1 + CONFIDENCE) / 2, len(values) - 1) * stdev(values) / len(values) ** 0.5
    return Interval(centre, centre - half, centre + half)


def rate_interval(rates: Sequence[float]) -> Interval:
    """`mean_interval` of positive values on the log scale."""
    return _exp(mean_interval([log(rate) for rate in rates]))


def compare(logs: Sequence[float], confidence: float | None = None) -> Comparison:
    """What the blocks' log ratios show; below 10 of them, `indicative`.

    `confidence` replaces that of the planned look, as Holm's procedure asks. Where the blocks are
    too few for it nothing is decided, and the widest interval that they allow is given.
    """
    look = max((blocks for blocks in LOOKS if blocks <= len(logs)), default=None)
    if look is None:
        ratio = _exp(mean_interval(logs))
        detectable = width(ratio) if len(logs) > 1 else inf
        return Comparison(ratio=ratio, blocks=len(logs), outcome=Outcome.INDICATIVE, detectable=detectable)
    decisive = signed_rank_interval(logs, confidence or LOOKS[look])
    ratio = _exp(decisive or widest_interval(logs))
    outcome = outcome_of(ratio) if decisive else Outcome.UNDECIDED
    return Comparison(ratio=ratio, blocks=len(logs), outcome=outcome, detectable=width(ratio))


def compare_many(contestants: Mapping[K, Sequence[float]]) -> dict[K, Comparison]:
    """`compare` for the log ratios of each of several comparisons, by Holm's step-down procedure (1979).

    In order of their p-values the k-th smallest of m is tested at alpha / (m - k + 1), and none
    after the first that fails.
    """
    order = sorted(contestants, key=lambda name: signed_rank_p(contestants[name]))
    results: dict[K, Comparison] = {}
    holding = True
    for place, name in enumerate(order):
        logs = contestants[name]
        look = max((blocks for blocks in LOOKS if blocks <= len(logs)), default=10)
        result = compare(logs, 1 - (1 - LOOKS[look]) / (len(order) - place))
        if result.outcome is Outcome.DIFFERS and not holding:
            result = replace(result, outcome=Outcome.UNDECIDED)
        holding = holding and result.outcome is Outcome.DIFFERS
        results[name] = result
    return {name: results[name] for name in contestants}


def signed_rank_p(logs: Sequence[float]) -> float:
    """Two-sided exact p-value of the signed-rank test that the centre is 0.

    The statistic is the number of positive Walsh averages (Tukey), which needs no ranks.
    """
    averages = walsh_averages(logs)
    above = averages.count - averages.at_most(0)
    return min(1.0, 2 * signed_rank_p_below(len(logs), min(above, averages.count - above)))


def widest_interval(values: Sequence[float]) -> Interval:
    """Hodges-Lehmann between the smallest and the largest value."""
    return Interval(hodges_lehmann(values), min(values), max(values))


def outcome_of(ratio: Interval) -> Outcome:
    """What an interval at a decisive confidence shows."""
    if (ratio.low > 1 or ratio.high < 1) and abs(ratio.estimate - 1) >= DIFFERS:
        return Outcome.DIFFERS
    if ratio.low >= 1 - EQUAL and ratio.high <= 1 + EQUAL:
        return Outcome.EQUAL
    return Outcome.UNDECIDED


def width(ratio: Interval) -> float:
    """The smallest relative difference that an interval so wide would have shown."""
    return max(DIFFERS, ratio.high / ratio.estimate - 1, 1 - ratio.low / ratio.estimate)


def inverse(ratio: Interval) -> Interval:
    """The interval of 1 / ratio."""
    return Interval(1 / ratio.estimate, 1 / ratio.high, 1 / ratio.low)


def _exp(interval: Interval) -> Interval:
    return Interval(exp(interval.estimate), exp(interval.low), exp(interval.high))


def transient_end(gaps: Sequence[float]) -> int:
    """How many of the first gaps belong to the start-up, by MSER-5; at most half of them and of their time.

    Gaps are summed in fives, where there are 20 at least; the cut minimises the variance of what
    remains over the square of its length. Fewer gaps are taken one by one: batches that were
    prefetched while the first one was waited for would count as speed otherwise. So would a burst at
    the end, which varies least of all, if it could be what remains of a longer time.
    """
    size = 5 if len(gaps) >= 20 else 1
    groups = [sum(gaps[at : at + size]) for at in range(0, len(gaps) // size * size, size)]
    if len(groups) < 4:
        return 0
    # From the last group backwards and less the last one, so that what is equal has no variance at all.
    off = [group - groups[-1] for group in reversed(groups)]
    totals, squares = list(accumulate(off)), list(accumulate(map(mul, off, off)))
    best, kept, whole = inf, len(groups), sum(groups)
    for length in range((len(groups) + 1) // 2, len(groups) + 1):
        total = totals[length - 1]
        if 2 * (total + length * groups[-1]) < whole:
            continue
        score = max(0.0, length * squares[length - 1] - total * total) / length**3
        if score <= best:
            best, kept = score, length
    return size * (len(groups) - kept)


def is_steady(gaps: Sequence[float], limit: float = 0.02) -> bool:
    """Whether the mean gaps of the first and of the last third differ by at most `limit`, or by chance.

    Chance is twice the standard error of the difference. Without it, gaps that vary by 20 % about
    one mean would be called not steady in three of four trials of 60 batches, and perfectly regular
    bursts wherever one more of them falls into a third.
    """
    third = len(gaps) // 3
    if third < 2:
        return True
    (before, early), (after, late) = _moments(gaps[:third]), _moments(gaps[-third:])
    allowed = max(limit * min(before, after), 2 * sqrt((early + late) / third))
    return abs(before - after) <= allowed


def _moments(values: Sequence[float]) -> tuple[float, float]:
    """Mean and variance."""
    count, first = len(values), values[0]
    off = [value - first for value in values]
    total, squares = sum(off), sum(map(mul, off, off))
    return first + total / count, max(0.0, count * squares - total * total) / (count * (count - 1))
