"""A curve that never rises, through points that were measured: interpolated, and solved for a value.

Sources: Ayer et al. 1955 (pool adjacent violators) for the points; Fritsch and Carlson 1980, with the
slopes of Fritsch and Butland 1984, for the cubic between them. Both axes are logarithmic, where a rate
that one bottleneck limits is a straight line.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from math import exp, log


class Falling:
    """The curve: x > 0 and y > 0, y falling or level in x."""

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        """Points of any order and with noise; raises `ValueError` for fewer than two."""
        ordered = sorted(points)
        if len(ordered) < 2 or any(after[0] == before[0] for before, after in pairwise(ordered)):
            raise ValueError("a curve needs at least two points, each at another x")
        self._x = [log(x) for x, _ in ordered]
        self._y = pooled([log(y) for _, y in ordered])
        self._slopes = _slopes(self._x, self._y)

    @property
    def span(self) -> tuple[float, float]:
        """The smallest and the largest x."""
        return exp(self._x[0]), exp(self._x[-1])

    def at(self, x: float) -> float:
        """y at x: level before the first point, and falling as 1/x after the last."""
        at = log(x)
        if at <= self._x[0]:
            return exp(self._y[0])
        if at >= self._x[-1]:
            return exp(self._y[-1] + self._x[-1] - at)
        left = bisect_right(self._x, at) - 1
        return exp(self._between(left, at))

    def where(self, y: float) -> float | None:
        """The largest x at which the curve is still at y, or None where it lies below y everywhere."""
        if y > exp(self._y[0]):
            return None
        low, high = self._x[0], self._x[-1] + max(0.0, self._y[-1] - log(y)) + 1e-9
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (middle, high) if self.at(exp(middle)) >= y else (low, middle)
        return exp(low)

    def _between(self, left: int, at: float) -> float:
        """Hermite's cubic."""
        width = self._x[left + 1] - self._x[left]
        t = (at - self._x[left]) / width
        y0, y1 = self._y[left], self._y[left + 1]
        d0, d1 = self._slopes[left] * width, self._slopes[left + 1] * width
        bend = 2 * (y0 - y1) + d0 + d1
        return y0 + t * (d0 + t * (3 * (y1 - y0) - 2 * d0 - d1 + t * bend))


def pooled(values: Sequence[float]) -> list[float]:
    """The nearest sequence, in squares, that never rises."""
    groups: list[tuple[float, int]] = []
    for value in values:
        mean, count = value, 1
        while groups and groups[-1][0] < mean:
            before, many = groups.pop()
            mean, count = (before * many + mean * count) / (many + count), many + count
        groups.append((mean, count))
    return [mean for mean, count in groups for _ in range(count)]


def _slopes(x: Sequence[float], y: Sequence[float]) -> list[float]:
    """At each point, such that the cubic stays monotone: zero where the curve turns level, else harmonic."""
    widths = [after - before for before, after in pairwise(x)]
    secants = [(y[i + 1] - y[i]) / width for i, width in enumerate(widths)]
    inner = [_harmonic(secants[i - 1], secants[i], widths[i - 1], widths[i]) for i in range(1, len(secants))]
    return [secants[0], *inner, secants[-1]]


def _harmonic(before: float, after: float, width_before: float, width_after: float) -> float:
    if before * after <= 0:
        return 0.0
    ours, theirs = 2 * width_after + width_before, width_after + 2 * width_before
    return (ours + theirs) / (ours / before + theirs / after)
