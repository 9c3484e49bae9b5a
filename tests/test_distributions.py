"""The distributions against SciPy's and against each other where they change over."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from pipebench.distributions import (
    EXACT,
    rank_sum_outside,
    signed_rank_outside,
    signed_rank_p_below,
    student_quantile,
)

TAILS = (0.05, 0.025, 0.0025, 0.0001)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 8, 9, 19, 30, 199, 200, 201, 5000])
@pytest.mark.parametrize("probability", [0.9, 0.975, 0.9975, 0.99999])
def test_students_quantile(freedom: int, probability: float) -> None:
    expected = scipy_stats.t.ppf(probability, freedom)
    assert student_quantile(probability, freedom) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(("ours", "theirs"), [(1, 1), (1, 40), (4, 4), (3, 9), (10, 10), (7, 30), (60, 60)])
@pytest.mark.parametrize("tail", TAILS)
def test_the_rank_sums_tail(ours: int, theirs: int, tail: float) -> None:
    """A statistic is outside if and only if its exact one-sided p-value is at most the tail."""
    outside = rank_sum_outside(ours, theirs, tail)
    assert outside == rank_sum_outside(theirs, ours, tail)
    assert outside == 0 or p_of_rank_sum(ours, theirs, outside - 1) <= tail
    assert p_of_rank_sum(ours, theirs, outside) > tail


def p_of_rank_sum(ours: int, theirs: int, statistic: int) -> float:
    """SciPy's, of groups made so that so many pairs are in favour of ours."""
    whole, rest = divmod(statistic, theirs)
    values = [-1.0] * (ours - whole - (rest > 0)) + [rest - 0.5] * (rest > 0) + [theirs + 1.0] * whole
    spread = np.array(values) + np.linspace(0, 0.01, ours)
    found = scipy_stats.mannwhitneyu(spread, np.arange(theirs), alternative="less", method="exact")
    assert found.statistic == statistic
    return float(found.pvalue)


def test_where_ranks_are_no_longer_counted_the_normal_is_as_good() -> None:
    for tail in TAILS:
        counted, approximated = (signed_rank_outside(n, tail) for n in (EXACT, EXACT + 1))
        assert approximated == pytest.approx(counted, rel=0.02)
        counted, approximated = (rank_sum_outside(n, n, tail) for n in (EXACT, EXACT + 1))
        assert approximated == pytest.approx(counted, rel=0.02)
    middle = EXACT * EXACT // 5
    assert signed_rank_p_below(EXACT + 1, middle) == pytest.approx(
        scipy_stats.norm.cdf(middle + 0.5, 201 * 202 / 4, (201 * 202 * 403 / 24) ** 0.5)
    )


def test_a_small_group_is_counted_against_any_other() -> None:
    """Two values against ten thousand: both are the largest with a probability of 1 in 50 million."""
    assert rank_sum_outside(2, 10_000, 1.9e-8) == 0
    assert rank_sum_outside(2, 10_000, 2.1e-8) == 1


def test_too_few_values_have_nothing_outside() -> None:
    assert signed_rank_outside(5, 0.025) == 0
    assert rank_sum_outside(3, 3, 0.025) == 0
