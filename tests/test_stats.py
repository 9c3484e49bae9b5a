"""Statistics against SciPy and printed tables."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from pipebench.stats import (
    Outcome,
    compare,
    compare_many,
    hodges_lehmann,
    is_steady,
    mean_interval,
    rate_interval,
    signed_rank_interval,
    signed_rank_p,
    transient_end,
)


def test_hodges_lehmann_on_the_hamilton_depression_scale() -> None:
    """Hollander & Wolfe, example 3.1: the estimate is -0.46 and the 96 % interval [-0.786, -0.010]."""
    before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    differences = [b - a for b, a in zip(after, before, strict=True)]
    assert hodges_lehmann(differences) == pytest.approx(-0.46, abs=0.001)
    interval = signed_rank_interval(differences, 0.96)
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((-0.786, -0.010), abs=0.001)


@pytest.mark.parametrize("count", [6, 10, 20, 40, 80])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.995])
def test_interval_holds_exactly_the_shifts_that_scipy_does_not_reject(count: int, confidence: float) -> None:
    values = np.random.default_rng(count).normal(0.3, 1, count)
    interval = signed_rank_interval(list(values), confidence)
    if interval is None:
        assert 2 * 0.5**count > 1 - confidence
        return
    for bound, inward in ((interval.low, 1e-6), (interval.high, -1e-6)):
        assert scipy_stats.wilcoxon(values - bound - inward, method="exact").pvalue > 1 - confidence
        assert scipy_stats.wilcoxon(values - bound + inward, method="exact").pvalue <= 1 - confidence


def test_too_few_values_have_no_signed_rank_interval() -> None:
    assert signed_rank_interval([1, 2, 3, 4, 5], 0.95) is None


def test_mean_interval_of_few_values_is_students() -> None:
    values = [10.0, 11.0, 9.5, 10.5]
    low, high = scipy_stats.t.interval(0.95, 3, loc=np.mean(values), scale=scipy_stats.sem(values))
    interval = mean_interval(values)
    assert (interval.low, interval.high) == pytest.approx((low, high), rel=1e-3)


def test_one_value_is_its_own_interval() -> None:
    assert rate_interval([3.0]).low == rate_interval([3.0]).high == pytest.approx(3.0)


def logs_of(seed: int, blocks: int, deviation: float, effect: float = 0.0) -> list[float]:
    return list(np.random.default_rng(seed).normal(effect, deviation, blocks))


def test_a_slowdown_of_a_tenth_differs() -> None:
    result = compare(logs_of(1, 10, 0.03, effect=-0.105))
    assert result.outcome is Outcome.DIFFERS
    assert result.ratio.low < 0.9 < result.ratio.high


def test_a_difference_below_two_percent_is_none_however_sure() -> None:
    assert compare(logs_of(1, 80, 0.001, effect=0.01)).outcome is Outcome.EQUAL


def test_the_same_within_a_narrow_interval_is_equal() -> None:
    assert compare(logs_of(2, 20, 0.01)).outcome is Outcome.EQUAL


def test_the_same_within_a_wide_interval_shows_no_difference_and_says_what_would_have_shown() -> None:
    result = compare(logs_of(3, 10, 0.1))
    assert result.outcome is Outcome.UNDECIDED
    assert result.detectable > 0.05


def test_fewer_than_ten_blocks_are_indicative_however_clear() -> None:
    assert compare([0.7] * 9).outcome is Outcome.INDICATIVE


@pytest.mark.parametrize("count", [6, 10, 25])
def test_p_is_scipys(count: int) -> None:
    values = logs_of(count, count, 1.0, effect=0.4)
    assert signed_rank_p(values) == pytest.approx(scipy_stats.wilcoxon(values, method="exact").pvalue)


def test_holm_asks_more_of_each_when_there_are_many() -> None:
    """Ten blocks reach p = 2/1024 at best: enough at 0.005, not at 0.005 / 3."""
    clear = logs_of(4, 10, 0.01, effect=0.2)
    assert compare_many({"a": clear})["a"].outcome is Outcome.DIFFERS
    many = compare_many({"a": clear, "b": logs_of(5, 10, 0.05), "c": logs_of(6, 10, 0.05)})
    assert [many[name].outcome for name in "abc"] == [Outcome.UNDECIDED] * 3
    assert compare_many({n: logs_of(7, 20, 0.01, effect=0.2) for n in "abc"})["c"].outcome is Outcome.DIFFERS


def test_transient_is_found_and_no_more() -> None:
    steady = np.random.default_rng(4).normal(10, 0.5, 80)
    gaps = np.concatenate([np.linspace(60, 15, 20), steady])
    assert 15 <= transient_end(list(gaps)) <= 25
    assert transient_end(list(steady[:3])) == 0


def test_prefetched_batches_are_transient_even_in_a_short_trace() -> None:
    assert transient_end([0.01] * 4 + [1.0] * 15) == 4


def test_a_burst_at_the_end_of_a_longer_time_is_not_all_that_counts() -> None:
    """As threads deliver that take turns for Python's lock: what varies least is a burst."""
    assert transient_end([647, 12, 0, 0, 0, 0, 0, 343]) == 0
    assert transient_end([30] * 5 + [500] + [0] * 6) < 6


def test_at_most_half_is_called_transient() -> None:
    gaps = list(np.linspace(100, 1, 100))
    assert transient_end(gaps) <= 50


@pytest.mark.parametrize(("last", "steady"), [(1.01, True), (1.03, False), (0.97, False)])
def test_steady_allows_two_percent_between_the_thirds(last: float, steady: bool) -> None:
    assert is_steady([1.0] * 10 + [1.0] * 10 + [last] * 10) is steady


def test_noise_and_bursts_are_steady() -> None:
    noise = np.random.default_rng(1)
    assert np.mean([is_steady(list(noise.normal(10, 2, 60))) for _ in range(200)]) > 0.9
    for workers in (2, 4, 8, 16):
        for batches in range(60, 101):
            assert is_steady([workers if i % workers == 0 else 0.001 for i in range(batches)])


def test_drift_beyond_the_noise_is_not_steady() -> None:
    noise = np.random.default_rng(2)
    drift = np.linspace(10, 12, 300)
    assert np.mean([is_steady(list(drift + noise.normal(0, 2, 300))) for _ in range(100)]) < 0.02
