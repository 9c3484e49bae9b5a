"""How three statistics are distributed: signed-rank, rank-sum and Student's t.

Sources: Mann and Whitney (1947) for the rank sum, whose counts are the coefficients of a Gaussian
binomial; Abramowitz and Stegun (1964), 26.7.3 and 26.7.4, for t with a whole number of degrees of
freedom; the normal approximations with continuity correction of Hollander, Wolfe and Chicken,
*Nonparametric Statistical Methods* (3rd ed., sections 3.1 and 4.1), at sizes where they are as good.
"""

from functools import cache, lru_cache
from math import atan, comb, cos, floor, pi, sin, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

EXACT = 200
"""Values, or the root of the number of pairs, up to which ranks are counted and not approximated."""
FEW = 10
"""A group so small is counted whatever the size of the other: no normal distribution describes it."""
_ROUNDING = 1 + 1e-12


def signed_rank_p_below(count: int, statistic: int) -> float:
    """P(W <= statistic) of the signed-rank statistic of `count` values."""
    if count <= EXACT:
        return float(_signed_rank_cdf(count)[statistic])
    return _normal(statistic + 0.5, *_signed_rank_moments(count))


def signed_rank_outside(count: int, tail: float) -> int:
    """How many of the statistic's smallest values have a probability of at most `tail` together."""
    if count <= EXACT:
        return _outside(_signed_rank_cdf(count), tail)
    return _normal_outside(*_signed_rank_moments(count), tail)


def rank_sum_outside(ours: int, theirs: int, tail: float) -> int:
    """The same of the Mann-Whitney statistic of two groups of these sizes."""
    if ours * theirs <= EXACT**2 or min(ours, theirs) < FEW:
        return _outside(_rank_sum_cdf(*sorted((ours, theirs))), tail)
    pairs = ours * theirs
    return _normal_outside(pairs / 2, sqrt(pairs * (ours + theirs + 1) / 12), tail)


def _outside(cdf: NDArray[np.float64], tail: float) -> int:
    return int(np.searchsorted(cdf, tail * _ROUNDING, side="right"))


def _normal_outside(mean: float, deviation: float, tail: float) -> int:
    return max(0, floor(mean + deviation * NormalDist().inv_cdf(tail) - 0.5) + 1)


def _normal(value: float, mean: float, deviation: float) -> float:
    return NormalDist(mean, deviation).cdf(value)


def _signed_rank_moments(count: int) -> tuple[float, float]:
    return count * (count + 1) / 4, sqrt(count * (count + 1) * (2 * count + 1) / 24)


@cache
def _signed_rank_cdf(count: int) -> NDArray[np.float64]:
    """P(W <= w) for w = 0 .. n(n+1)/2, exactly."""
    ways = np.zeros(count * (count + 1) // 2 + 1)
    ways[0] = 1
    for rank in range(1, count + 1):
        ways[rank:] = ways[rank:] + ways[:-rank]
        ways /= 2
    return np.cumsum(ways)


@lru_cache(maxsize=64)
def _rank_sum_cdf(few: int, many: int) -> NDArray[np.float64]:
    """P(U <= u) for u = 0 .. half of the pairs, exactly.

    The Gaussian binomial grows from 1 by a factor (1 - q^(many + k)) / (1 - q^k) at a time. Low
    coefficients follow from lower ones alone, so that the tail is exact whatever happens above it.
    """
    ways = np.zeros(few * many // 2 + 1)
    ways[0] = 1
    for k in range(1, few + 1):
        ways[many + k :] -= ways[: -(many + k)].copy()
        ways = _summed_by_stride(ways, k)
    return np.cumsum(ways) / float(comb(few + many, few))


def _summed_by_stride(values: NDArray[np.float64], stride: int) -> NDArray[np.float64]:
    """Each value plus all that lie whole strides before it: the division by 1 - q^stride."""
    padded = np.append(values, np.zeros(-len(values) % stride))
    return padded.reshape(-1, stride).cumsum(axis=0).reshape(-1)[: len(values)]


def student_quantile(probability: float, freedom: int) -> float:
    """Student's t at a probability above one half; of many degrees of freedom the normal's."""
    if freedom > EXACT:
        return _expanded(NormalDist().inv_cdf(probability), freedom)
    low, high = 0.0, 1.0
    while _student_cdf(high, freedom) < probability:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _student_cdf(middle, freedom) < probability else (low, middle)
    return high


def _expanded(normal: float, freedom: int) -> float:
    """The first terms of Abramowitz and Stegun 26.7.5."""
    return normal + (normal**3 + normal) / (4 * freedom)


def _student_cdf(value: float, freedom: int) -> float:
    """P(T <= value) of a value of at least 0, in closed form."""
    angle = atan(value / sqrt(freedom))
    odd = freedom % 2
    term = cos(angle) if odd else 1.0
    total = 0.0
    for k in range(1 + odd, freedom, 2):
        total += term
        term *= cos(angle) ** 2 * k / (k + 1)
    within = 2 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total
    return 0.5 + within / 2
