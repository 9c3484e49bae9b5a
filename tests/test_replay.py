"""The replay, against closed forms and against the step that trials run, fed by a simulated loader."""

from collections.abc import Callable

import numpy as np
import pytest

from pipebench.contract import Batch
from pipebench.figures import Window
from pipebench.measure import Trace
from pipebench.replay import Pace, bounds, pace, utilisation
from pipebench.step import EmulatedStep, StepSpec

MS = 1_000_000


def steady(gap_ms: float, count: int = 60) -> Pace:
    return Pace(gaps_ns=[int(gap_ms * MS)] * count, sizes=[10] * count, starts=frozenset())


@pytest.mark.parametrize("ahead", [True, False])
@pytest.mark.parametrize("rate", [100, 500, 990, 1010, 2000, 50_000])
def test_an_even_loader_is_the_bottleneck_or_is_not(rate: float, ahead: bool) -> None:
    assert utilisation(steady(10), rate, ahead=ahead) == pytest.approx(min(1, 1000 / rate), abs=2e-3)


def test_an_epochs_end_idles_the_device_by_what_it_had_not_in_flight() -> None:
    """30 batches of 10 ms and an end of 200 ms; the step takes 20 ms a batch.

    When the last batch is taken, the step has that one and the two before it to do at most: 3 x 20 ms.
    """
    own = Pace(gaps_ns=[200 * MS, *[10 * MS] * 29], sizes=[10] * 30, starts=frozenset({0}))
    share = utilisation(own, 500, ahead=True, rounds=20)
    assert share == pytest.approx(600 / (600 + 200 - 60), abs=0.03)
    assert share <= 1


def test_work_ahead_evens_out_bursts_and_without_it_they_idle_the_device() -> None:
    """Every tenth batch takes 110 ms and the others 10: 20 ms on average, as the step takes."""
    bursts = Pace(gaps_ns=[110 * MS, *[10 * MS] * 9] * 20, sizes=[10] * 200, starts=frozenset())
    without, ahead = bounds(bursts, 500)
    assert ahead == pytest.approx(1, abs=0.01)
    assert 0.7 < without < 0.85


class Simulated:
    """A loader with a buffer of so many batches ahead, played against the step that trials run."""

    def __init__(self, own: Pace, ahead: int) -> None:
        self.own, self.ahead = own, ahead

    def share(self, rate: float, rounds: int = 6) -> float:
        step = EmulatedStep(StepSpec(kind="emulate", rate=rate), lambda _: None)
        count = len(self.own.gaps_ns)
        taken: list[int] = []
        made, asked = 0, 0
        times: list[int] = []
        free = 0
        for number in range(count * rounds):
            begun = max(made, taken[number - self.ahead] if number >= self.ahead else 0)
            if number % count in self.own.starts:
                begun = max(begun, asked)
            made = begun + self.own.gaps_ns[number % count]
            got = max(made, asked)
            taken.append(got)
            size = self.own.sizes[number % count]
            asked = got + step(Batch(None, None, np.arange(size)), got)
            free = max(free, got) + int(size * 1e9 / rate)
            times.append(free)
        busy = sum(int(size * 1e9 / rate) for size in self.own.sizes) * (rounds - 1)
        return busy / (times[-1] - times[count - 1])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("rate", [300, 600, 900, 1100, 2000])
def test_the_replays_bound_a_loader_with_any_buffer(seed: int, rate: float) -> None:
    random = np.random.default_rng(seed)
    gaps = (random.exponential(5, 100) + 5) * MS
    gaps[random.random(100) < 0.05] += 150 * MS
    own = Pace(gaps_ns=gaps.astype(int).tolist(), sizes=[10] * 100, starts=frozenset({0, 50}))
    low, high = bounds(own, rate)
    for buffer in (1, 2, 4, 8, 1000):
        assert low - 0.02 <= Simulated(own, buffer).share(rate) <= high + 0.02


def test_the_pace_of_a_window(make_trace: Callable[..., Trace]) -> None:
    trace = make_trace([10, 20, 30, 40, 50], sizes=[1, 2, 3, 4, 5, 6], epochs=[0, 3])
    assert pace(trace, Window(1, 4)) == Pace(
        gaps_ns=[20 * MS, 30 * MS, 40 * MS], sizes=[3, 4, 5], starts=frozenset({1})
    )
