"""The rules of a run, simulated with fixed seeds: false alarms, power, coverage."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from pipebench.stats import LOOKS, Interval, Outcome, compare, mean_interval

RUNS = 2000
PRECISION = 0.02
SLOWDOWN = np.log(0.95)

Noise = Callable[[np.random.Generator, int], NDArray[np.float64]]
"""Log ratios of two equal contestants over a number of blocks."""


def pairs(random: np.random.Generator, blocks: int, cv: float) -> NDArray[np.float64]:
    ours, theirs = random.normal(0, cv, (2, blocks))
    difference: NDArray[np.float64] = ours - theirs
    return difference


def drifting(random: np.random.Generator, blocks: int) -> NDArray[np.float64]:
    """The host slows by 10 % over the run and walks; within a block the later trial feels it."""
    host = np.linspace(0, -0.1, 2 * blocks) + np.cumsum(random.normal(0, 0.005, 2 * blocks))
    order = random.integers(0, 2, blocks)
    places = 2 * np.arange(blocks)
    felt: NDArray[np.float64] = host[places + order] - host[places + 1 - order]
    return pairs(random, blocks, 0.04) + felt


def outlying(random: np.random.Generator, blocks: int) -> NDArray[np.float64]:
    """One trial in twenty is slower by a fifth."""
    slow = np.log(0.8) * (random.random((2, blocks)) < 0.05)
    felt: NDArray[np.float64] = slow[0] - slow[1]
    return pairs(random, blocks, 0.04) + felt


SCENARIOS: dict[str, Noise] = {
    "cv 2 %": lambda random, blocks: pairs(random, blocks, 0.02),
    "cv 4 %": lambda random, blocks: pairs(random, blocks, 0.04),
    "cv 6 %": lambda random, blocks: pairs(random, blocks, 0.06),
    "drift": drifting,
    "outliers": outlying,
}


def final_look(logs: NDArray[np.float64]) -> tuple[Outcome, Interval]:
    """What a run with `--precision 2%` prints: it looks as planned and stops on width."""
    for blocks in LOOKS:
        result = compare(list(logs[:blocks]))
        if (result.ratio.high - result.ratio.low) / 2 / result.ratio.estimate <= PRECISION:
            break
    return result.outcome, result.ratio


def simulate(noise: Noise, effect: float, seed: int) -> tuple[float, float]:
    """Share of runs that end `differs`, and share whose interval holds the truth."""
    random = np.random.default_rng(seed)
    ended = [final_look(effect + noise(random, max(LOOKS))) for _ in range(RUNS)]
    differs = np.mean([outcome is Outcome.DIFFERS for outcome, _ in ended])
    covers = np.mean([ratio.low <= np.exp(effect) <= ratio.high for _, ratio in ended])
    return float(differs), float(covers)


@pytest.mark.parametrize("name", SCENARIOS)
def test_equal_contestants_are_called_different_in_at_most_two_percent(name: str) -> None:
    differs, covers = simulate(SCENARIOS[name], 0.0, seed=1)
    assert differs <= 0.02
    assert covers >= 0.98  # four looks at 99.5 % each


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_slowdown_of_five_percent_is_found_in_at_least_98_percent(name: str) -> None:
    differs, covers = simulate(SCENARIOS[name], SLOWDOWN, seed=2)
    assert differs >= 0.98
    assert covers >= 0.98


@pytest.mark.parametrize("blocks", [2, 5, 6, 10, 20])
def test_the_interval_of_one_loaders_rate_covers_at_its_nominal_rate(blocks: int) -> None:
    random = np.random.default_rng(blocks)
    intervals = (mean_interval(list(random.normal(0, 0.04, blocks))) for _ in range(RUNS))
    covers = np.mean([interval.low <= 0 <= interval.high for interval in intervals])
    assert 0.935 <= covers <= 0.99
