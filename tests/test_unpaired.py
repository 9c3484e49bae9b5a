"""Samples that share no block: against SciPy, and simulated sessions of a host that wanders between them."""

from collections.abc import Callable
from math import exp, inf, log

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats as scipy_stats

from pipebench.stats import Comparison, Outcome
from pipebench.unpaired import (
    DRIFT,
    Allowance,
    Moments,
    compare_moments,
    compare_samples,
    rank_sum_interval,
)

BARE = Allowance(0.0)
RUNS = 1000


def sample(seed: int, count: int, centre: float = 0.0, deviation: float = 0.04) -> list[float]:
    return list(np.random.default_rng(seed).normal(centre, deviation, count))


@pytest.mark.parametrize(("ours", "theirs"), [(4, 4), (6, 11), (10, 10), (40, 25)])
def test_the_interval_holds_exactly_the_shifts_that_scipy_does_not_reject(ours: int, theirs: int) -> None:
    left, right = sample(1, ours, 0.3), sample(2, theirs)
    interval = rank_sum_interval(left, right, 0.95)
    assert interval is not None
    for bound, inward in ((interval.low, 1e-9), (interval.high, -1e-9)):
        for shift, rejected in ((bound + inward, False), (bound - inward, True)):
            p = scipy_stats.mannwhitneyu(np.array(left) - shift, right, method="exact").pvalue
            assert bool(p <= 0.05) is rejected


def test_the_estimate_is_the_median_of_the_differences() -> None:
    interval = rank_sum_interval([1, 2, 3, 4, 9], [0, 0.5, 1, 1.5, 2], 0.9)
    assert interval is not None
    assert interval.estimate == 2.0


def test_an_interval_is_widened_by_the_allowance() -> None:
    ours, theirs = sample(1, 12, log(0.7)), sample(2, 12)
    bare, wide = compare_samples(ours, theirs, BARE), compare_samples(ours, theirs, Allowance(DRIFT))
    assert wide.ratio.estimate == bare.ratio.estimate
    assert wide.ratio.low == pytest.approx(bare.ratio.low / (1 + DRIFT))
    assert wide.ratio.high == pytest.approx(bare.ratio.high * (1 + DRIFT))
    assert wide.outcome is Outcome.DIFFERS
    assert wide.detectable > DRIFT


def test_a_difference_within_the_allowance_is_not_shown() -> None:
    ours, theirs = sample(1, 40, log(0.93), 0.005), sample(2, 40, 0, 0.005)
    assert compare_samples(ours, theirs, BARE).outcome is Outcome.DIFFERS
    assert compare_samples(ours, theirs, Allowance(DRIFT)).outcome is Outcome.UNDECIDED


def test_more_comparisons_ask_more_of_each() -> None:
    ours, theirs = sample(1, 12), sample(2, 12)
    one, many = (compare_samples(ours, theirs, Allowance(0.0, rivals)).ratio for rivals in (1, 20))
    assert many.low < one.low < one.high < many.high


@pytest.mark.parametrize(("ours", "theirs"), [(9, 30), (30, 9), (3, 3), (1, 50)])
def test_below_ten_trials_a_side_nothing_is_decided(ours: int, theirs: int) -> None:
    result = compare_samples(sample(1, ours, -3), sample(2, theirs), BARE)
    assert result.outcome is Outcome.INDICATIVE
    assert result.blocks == min(ours, theirs)


def test_three_against_three_have_students_interval() -> None:
    ours, theirs = sample(1, 3), sample(2, 3)
    low = scipy_stats.t.ppf(0.975, 2)
    error = (np.var(ours, ddof=1) / 3 + np.var(theirs, ddof=1) / 3) ** 0.5
    ratio = compare_samples(ours, theirs, BARE).ratio
    assert log(ratio.high / ratio.estimate) == pytest.approx(low * error)


@pytest.mark.parametrize(("ours", "theirs"), [([0.1], [0.0]), ([0.1], [0.0, 0.2, 0.1])])
def test_a_single_trial_has_no_interval(ours: list[float], theirs: list[float]) -> None:
    result = compare_samples(ours, theirs, BARE)
    assert (result.ratio.low, result.ratio.high, result.detectable) == (0, inf, inf)


def moments(mean: float = 2.0, deviation: float | None = 0.1, rounds: int = 16) -> Moments:
    return Moments(mean=mean, deviation=deviation, rounds=rounds)


def test_moments_are_compared_by_welch() -> None:
    result = compare_moments(moments(1.0, 0.05), moments(2.0, 0.1), BARE)
    half = scipy_stats.t.ppf(1 - 0.0025, 15) * (2 * 0.05**2 / 16) ** 0.5
    assert result.ratio.estimate == pytest.approx(2)
    assert log(result.ratio.high / 2) == pytest.approx(half)
    assert result.outcome is Outcome.DIFFERS


@pytest.mark.parametrize("less", [moments(rounds=1), moments(deviation=None)])
def test_moments_without_a_deviation_have_no_interval(less: Moments) -> None:
    for pair in ((less, moments()), (moments(), less)):
        result = compare_moments(*pair, BARE)
        assert (result.ratio.low, result.ratio.high) == (0, inf)
        assert result.outcome in (Outcome.INDICATIVE, Outcome.UNDECIDED)


def session(random: np.random.Generator, shift: float, drift: float) -> NDArray[np.float64]:
    """Ten trials of a CV of 4 %; `shift` is the deviation between sessions, `drift` the way within one."""
    way = np.linspace(0, drift, 10) * random.choice([-1, 1])
    walk = np.cumsum(random.normal(0, 0.005 if drift else 0, 10))
    host: NDArray[np.float64] = random.normal(0, shift) + way + walk + random.normal(0, 0.04, 10)
    return host


def share(
    judge: Callable[[Comparison], bool], shift: float, drift: float, effect: float, bare: bool
) -> float:
    """Of simulated pairs of sessions."""
    random = np.random.default_rng(3)
    allowance = BARE if bare else Allowance(DRIFT)
    pairs = ((session(random, shift, drift) + effect, session(random, shift, drift)) for _ in range(RUNS))
    return sum(judge(compare_samples(list(a), list(b), allowance)) for a, b in pairs) / RUNS


def differs(comparison: Comparison) -> bool:
    return comparison.outcome is Outcome.DIFFERS


SESSIONS = [
    # shift, drift, least false alarms without an allowance, most with it, least power for a fifth
    (0.0, 0.0, 0.0, 0.001, 0.99),
    (0.02, 0.0, 0.05, 0.005, 0.9),
    (0.03, 0.0, 0.15, 0.005, 0.85),
    (0.0, 0.1, 0.25, 0.02, 0.65),
    (0.05, 0.0, 0.35, 0.05, 0.75),
]


@pytest.mark.parametrize(("shift", "drift", "bare", "allowed", "power"), SESSIONS)
def test_false_alarms_and_power_as_the_method_page_tells_them(
    shift: float, drift: float, bare: float, allowed: float, power: float
) -> None:
    assert share(differs, shift, drift, 0.0, bare=True) >= bare
    assert share(differs, shift, drift, 0.0, bare=False) <= allowed
    assert share(differs, shift, drift, log(0.8), bare=False) >= power


def test_the_interval_holds_the_truth_where_sessions_shift_by_three_percent() -> None:
    def covers(comparison: Comparison) -> bool:
        return comparison.ratio.low <= exp(log(0.9)) <= comparison.ratio.high

    assert share(covers, 0.03, 0.0, log(0.9), bare=False) >= 0.99
    assert share(covers, 0.03, 0.0, log(0.9), bare=True) < 0.9
