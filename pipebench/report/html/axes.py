"""Where values lie on an axis, and which of them are written beside it."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, log10

SHORTEST = 1e-6
"""Seconds: a logarithmic axis of waits begins no lower; what is shorter is drawn there."""
SMALLEST = 1e-30
"""Of the values that an axis is made for; the largest is its inverse."""


@dataclass(frozen=True, slots=True)
class Linear:
    """From 0 to a round number."""

    high: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """From 0 at the beginning of the axis to 1 at its end; what lies beyond is at the nearer end."""
        return min(1.0, max(0.0, value / self.high))


def linear(values: Iterable[float], about: int = 4) -> Linear:
    """An axis that holds them, with some `about` ticks at 1, 2 or 5 times a power of ten."""
    most = max(values, default=0.0)
    rough = most / about
    if not SMALLEST < rough < 1 / SMALLEST:  # nothing, or what nobody measures
        return Linear(1.0, (0.0, 1.0))
    size = 10.0 ** floor(log10(rough))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough * (1 - 1e-9))
    count = ceil(most / step - 1e-9)
    return Linear(step * count, tuple(step * n for n in range(count + 1)))


@dataclass(frozen=True, slots=True)
class Decades:
    """From one power of ten to another."""

    low: int
    high: int

    @property
    def ticks(self) -> tuple[float, ...]:
        return tuple(10.0**power for power in range(self.low, self.high + 1))

    def at(self, value: float) -> float:
        """As `Linear.at`."""
        power = log10(max(value, SHORTEST))
        return min(1.0, max(0.0, (power - self.low) / (self.high - self.low)))


def decades(values: Iterable[float]) -> Decades:
    """An axis that holds all that is not shorter than `SHORTEST`."""
    held = [max(value, SHORTEST) for value in values] or [SHORTEST]
    low = floor(log10(min(held)) + 1e-9)
    return Decades(low, max(low + 1, ceil(log10(max(held)) - 1e-9)))
