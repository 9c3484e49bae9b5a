"""From what a sweep showed to predictions: how busy a device of any rate is kept, and where that ends.

The prediction interpolates the measured utilisations, and its interval comes from the blocks. The replay of
the null-step arrivals stands beside it; where the two differ by more than 3 points, the interval widens to
hold both. Intervals hold for this session on this host only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from pipebench.monotone import Falling
from pipebench.replay import Pace, bounds
from pipebench.seen import Seen, points
from pipebench.stats import LOOKS, Interval, mean_interval, rate_interval

AGREE = 0.03
"""By which interpolation and replay may differ."""
SHARES = (0.95, 0.90)
"""Utilisations whose rates are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The utilisation of a device of one rate."""

    rate: float
    share: Interval
    replayed: tuple[float, float] | None
    """Without and with work ahead."""
    widened: bool
    """Whether the interval was widened to hold the replay."""
    inside: bool
    """Whether the rate lies within the sweep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """The step rate at which so large a share of the device is used."""

    share: float
    rate: Interval | None
    """None where less is used even at the slowest rate of the sweep."""
    widened: bool = False


class Predictor:
    """Predicts for one loader."""

    def __init__(self, seen: Seen) -> None:
        self.seen = seen

    @cached_property
    def curve(self) -> Falling:
        """Through the medians over blocks."""
        rates = sorted({rate for block in self.seen.shares.values() for rate in block})
        blocks = self.seen.shares.values()
        return Falling(
            points({rate: median(block[rate] for block in blocks if rate in block) for rate in rates})
        )

    @cached_property
    def _curves(self) -> list[Falling]:
        """One for each whole block."""
        most = max(len(block) for block in self.seen.shares.values())
        whole = [block for block in self.seen.shares.values() if len(block) == most]
        return [Falling(points(block)) for block in whole]

    @property
    def blocks(self) -> int:
        return len(self._curves)

    @property
    def indicative(self) -> bool:
        """Whether the blocks are too few to decide anything."""
        return self.blocks < min(LOOKS)

    def at(self, rate: float) -> Prediction:
        """How busy a device of that many samples per second is kept."""
        estimate = min(1.0, self.curve.at(rate))
        found = mean_interval([curve.at(rate) for curve in self._curves])
        share = Interval(estimate, max(0.0, min(estimate, found.low)), min(1.0, max(estimate, found.high)))
        replayed = bounds(self.seen.pace, rate) if self.seen.pace else None
        wider = _widened(share, replayed)
        low, high = self.curve.span
        inside = low <= rate <= high
        return Prediction(rate=rate, share=wider, replayed=replayed, widened=wider != share, inside=inside)

    def crossing(self, share: float) -> Crossing:
        """The rate up to which at least that share is used."""
        estimate = self.curve.where(share)
        if estimate is None:
            return Crossing(share=share, rate=None)
        known = [rate for curve in self._curves if (rate := curve.where(share)) is not None]
        found = rate_interval(known) if known else Interval(estimate, estimate, estimate)
        low = (
            min(estimate, found.low) if len(known) == len(self._curves) else min(estimate, self.curve.span[0])
        )
        interval = Interval(estimate, low, max(estimate, found.high))
        if not self.at(estimate).widened or self.seen.pace is None:
            return Crossing(share=share, rate=interval)
        return Crossing(share=share, rate=_holding(interval, self.seen.pace, share), widened=True)


def _widened(share: Interval, replayed: tuple[float, float] | None) -> Interval:
    """The interval, holding also the nearer end of the replay where that is more than 3 points away."""
    if replayed is None or replayed[0] - AGREE <= share.estimate <= replayed[1] + AGREE:
        return share
    nearer = min(replayed, key=lambda value: abs(value - share.estimate))
    return Interval(share.estimate, min(share.low, nearer), max(share.high, nearer))


def _holding(rate: Interval, pace: Pace, share: float) -> Interval:
    """The interval of a rate, holding also those at which the replays have that share."""
    found = [
        solved(lambda r, end=end: bounds(pace, r)[end], share, rate.estimate / 4, rate.estimate * 4)  # type: ignore[misc] # mypy takes the default for a second argument
        for end in (0, 1)
    ]
    nearer = min(found, key=lambda value: abs(value - rate.estimate))
    return Interval(rate.estimate, min(rate.low, nearer), max(rate.high, nearer))


def solved(share_at: Callable[[float], float], share: float, low: float, high: float) -> float:
    """Where a falling function has that value, between two rates; one of them where it has it outside."""
    for _ in range(40):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if share_at(middle) >= share else (low, middle)
    return low


def unmeasured_rate(predictor: Predictor, candidates: Sequence[float]) -> float:
    """One to try a prediction at: the candidate nearest to where 90 % are used that was not measured.

    Where none lies within the sweep: between the two measured rates about that point.
    """
    measured = sorted({rate for block in predictor.seen.shares.values() for rate in block})
    goal = predictor.curve.where(SHARES[-1]) or predictor.seen.own_rate
    low, high = measured[1], measured[-1]
    fresh = [
        rate
        for rate in candidates
        if low <= rate <= high and all(abs(rate / known - 1) > AGREE for known in measured)
    ]
    if fresh:
        return min(fresh, key=lambda rate: max(rate / goal, goal / rate))
    above = next((place for place, rate in enumerate(measured) if rate > goal), len(measured) - 1)
    place = max(1, above)
    return float((measured[place - 1] * measured[place]) ** 0.5)
