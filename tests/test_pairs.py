"""Order statistics of pairs: those that are held and those that are counted agree."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from pipebench.pairs import FEW, Pairs, differences, walsh_averages

RANDOM = np.random.default_rng(0)


def drawn(count: int, centre: float = 0.0) -> list[float]:
    found: list[float] = RANDOM.normal(centre, 1, count).tolist()
    return found


def test_walsh_averages_are_all_pairs_and_singles() -> None:
    held = walsh_averages([4, 1, 2]).held
    assert held is not None
    assert held.tolist() == [1, 1.5, 2, 2.5, 3, 4]


def test_differences_are_all_of_them() -> None:
    held = differences([3, 1], [1, 10]).held
    assert held is not None
    assert held.tolist() == [-9, -7, 0, 2]


@pytest.mark.parametrize("count", [1, 2, 7, 50])
@pytest.mark.parametrize(
    "make",
    [
        lambda count: walsh_averages(drawn(count)),
        lambda count: differences(drawn(count), drawn(count + 3, 1.0)),
        lambda count: walsh_averages([0.25] * count),
        lambda count: differences([1.0, 2.0] * count, [2.0] * count),
    ],
)
def test_counting_finds_what_sorting_holds(count: int, make: Callable[[int], Pairs]) -> None:
    pairs = make(count)
    counted = replace(pairs, held=None)
    for place in {1, 2, pairs.count // 3 + 1, pairs.count} - {0}:
        place = min(place, pairs.count)
        assert counted.smallest(place) == pytest.approx(pairs.smallest(place), abs=1e-12)
        assert counted.largest(place) == pytest.approx(pairs.largest(place), abs=1e-12)
    assert counted.median == pytest.approx(pairs.median, abs=1e-12)


def test_many_pairs_are_not_held() -> None:
    values = drawn(2000, 3.0)
    assert walsh_averages(values[:250]).held is not None
    assert walsh_averages(values).held is None
    assert walsh_averages(values).median == pytest.approx(3, abs=0.1)
    assert differences(values, values[: FEW // 2000 + 1]).held is None
    assert differences(values, values).median == pytest.approx(0, abs=1e-12)
