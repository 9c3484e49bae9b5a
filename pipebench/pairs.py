"""Numbers made of pairs: their order statistics, without holding more of them than is cheap.

n values have n(n+1)/2 Walsh averages and two groups n x m differences: sorted where they are few, and
where they are many found by counting how many lie below a guess, which the sorted groups tell.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEW = 40_000
"""Pairs that are simply sorted."""

HALVINGS = 60
"""Of the range in which the number is looked for: 2^-60 of it is below what a float tells."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Many numbers in order."""

    count: int
    at_most: Callable[[float], int]
    """How many of them are not above a number."""
    bounds: tuple[float, float]
    held: Values | None
    """All of them, where they are few."""

    def smallest(self, place: int) -> float:
        """The number at that place of the order, which begins at 1."""
        if self.held is not None:
            return float(self.held[place - 1])
        low, high = self.bounds
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (low, middle) if self.at_most(middle) >= place else (middle, high)
        return high

    def largest(self, place: int) -> float:
        """Counted from the largest, which is at place 1."""
        return self.smallest(self.count + 1 - place)

    @property
    def median(self) -> float:
        """The middle one, or the mean of the two in the middle."""
        below, above = (self.count + 1) // 2, self.count // 2 + 1
        return (self.smallest(below) + self.smallest(above)) / 2


def walsh_averages(values: Sequence[float]) -> Pairs:
    """The means of every pair of values, each with itself too."""
    ordered = np.sort(np.asarray(values, np.float64))
    count = len(ordered) * (len(ordered) + 1) // 2

    def at_most(bound: float) -> int:
        both = int(np.searchsorted(ordered, 2 * bound - ordered, side="right").sum())
        return (both + int(np.searchsorted(ordered, bound, side="right"))) // 2

    return Pairs(count, at_most, _ends(ordered), _averages(ordered) if count <= FEW else None)


def _averages(ordered: Values) -> Values:
    rows, columns = np.triu_indices(len(ordered))
    return np.sort((ordered[rows] + ordered[columns]) / 2)


def differences(ours: Sequence[float], theirs: Sequence[float]) -> Pairs:
    """Every one of ours less every one of theirs."""
    left, right = (np.sort(np.asarray(values, np.float64)) for values in (ours, theirs))
    count = len(left) * len(right)

    def at_most(bound: float) -> int:
        return int(np.searchsorted(left, right + bound, side="right").sum())

    bounds = float(left[0] - right[-1]), float(left[-1] - right[0])
    held = np.sort(np.subtract.outer(left, right), axis=None) if count <= FEW else None
    return Pairs(count, at_most, bounds, held)


def _ends(ordered: Values) -> tuple[float, float]:
    return float(ordered[0]), float(ordered[-1])
