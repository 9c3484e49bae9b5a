"""What can be said of two contestants that met in no block: of two sessions, or of foreign benchmarks.

The estimate is Hodges and Lehmann's for two samples and the interval the exact rank-sum one (Hollander,
Wolfe and Chicken, section 4.3). Both know only the noise within each sample. That a host is faster in
one session than in another shows in no sample, so every interval is widened by an allowance for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, log, log1p, sqrt
from statistics import fmean, variance

from pipebench.distributions import rank_sum_outside, student_quantile
from pipebench.pairs import differences
from pipebench.stats import CONFIDENCE, LOOKS, Comparison, Interval, Outcome, outcome_of, width

DRIFT = 0.10
"""By how much a host's speed is allowed to differ between two sessions, unless its owner knows better."""
ENOUGH = min(LOOKS)
"""Trials that each side needs before anything is decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """All that some files keep of a benchmark's rounds."""

    mean: float
    """Seconds a round."""
    deviation: float | None
    rounds: int


@dataclass(frozen=True, slots=True)
class Allowance:
    """What widens an interval: the host's drift, and how many comparisons are made at once."""

    drift: float = DRIFT
    rivals: int = 1


def compare_samples(ours: Sequence[float], theirs: Sequence[float], allowance: Allowance) -> Comparison:
    """The ratio of two samples of speeds, each given as logarithms."""
    trials = min(len(ours), len(theirs))
    confidence = _confidence(trials, allowance.rivals)
    shift = rank_sum_interval(ours, theirs, confidence) or _students(ours, theirs)
    return _comparison(shift, trials, allowance.drift)


def compare_moments(ours: Moments, theirs: Moments, allowance: Allowance) -> Comparison:
    """The ratio of two speeds, from means and standard deviations of times (Welch; delta method)."""
    shift = log(theirs.mean / ours.mean)
    trials = min(ours.rounds, theirs.rounds)
    if trials < 2 or ours.deviation is None or theirs.deviation is None:
        return _comparison(_unbounded(shift), trials, allowance.drift)
    error = sqrt(sum((m.deviation or 0) ** 2 / m.mean**2 / m.rounds for m in (ours, theirs)))
    half = student_quantile((1 + _confidence(trials, allowance.rivals)) / 2, trials - 1) * error
    return _comparison(Interval(shift, shift - half, shift + half), trials, allowance.drift)


def rank_sum_interval(ours: Sequence[float], theirs: Sequence[float], confidence: float) -> Interval | None:
    """Hodges-Lehmann's shift with the rank-sum interval, or None where the samples are too small for it."""
    outside = rank_sum_outside(len(ours), len(theirs), (1 - confidence) / 2)
    if outside == 0:
        return None
    pairs = differences(ours, theirs)
    return Interval(pairs.median, pairs.smallest(outside), pairs.largest(outside))


def _confidence(trials: int, rivals: int) -> float:
    """That of a planned look, shared out by Bonferroni; of too few trials that of what decides nothing."""
    return CONFIDENCE if trials < ENOUGH else 1 - (1 - LOOKS[ENOUGH]) / rivals


def _students(ours: Sequence[float], theirs: Sequence[float]) -> Interval:
    """Welch's interval at 95 %, with the fewer degrees of freedom of the two; of single values none."""
    shift = fmean(ours) - fmean(theirs)
    trials = min(len(ours), len(theirs))
    if trials < 2:
        return _unbounded(shift)
    error = sqrt(variance(ours) / len(ours) + variance(theirs) / len(theirs))
    half = student_quantile((1 + CONFIDENCE) / 2, trials - 1) * error
    return Interval(shift, shift - half, shift + half)


def _unbounded(shift: float) -> Interval:
    return Interval(shift, -inf, inf)


def _comparison(shift: Interval, trials: int, drift: float) -> Comparison:
    allowed = log1p(drift)
    ratio = Interval(exp(shift.estimate), exp(shift.low - allowed), exp(shift.high + allowed))
    outcome = Outcome.INDICATIVE if trials < ENOUGH else outcome_of(ratio)
    return Comparison(ratio=ratio, blocks=trials, outcome=outcome, detectable=width(ratio))
