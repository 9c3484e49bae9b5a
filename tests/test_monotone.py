"""The falling curve, against closed forms and against another implementation."""

from itertools import pairwise
from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipebench.monotone import Falling, pooled


def test_it_goes_through_its_points() -> None:
    points = [(1.0, 1.0), (2.0, 0.9), (4.0, 0.5), (8.0, 0.25)]
    curve = Falling(points)
    assert [curve.at(x) for x, _ in points] == pytest.approx([y for _, y in points])
    assert curve.span == pytest.approx((1, 8))


def test_what_one_bottleneck_limits_is_exact_everywhere() -> None:
    curve = Falling([(x, 100 / x) for x in (120, 200, 350, 800)])
    assert [curve.at(x) for x in (150, 300, 799, 5000)] == pytest.approx(
        [100 / x for x in (150, 300, 799, 5000)]
    )
    assert curve.where(0.5) == pytest.approx(200)
    assert curve.where(0.01) == pytest.approx(10_000)
    assert curve.where(0.9) is None


def test_it_is_the_monotone_cubic_of_scipy() -> None:
    from scipy.interpolate import PchipInterpolator

    x, y = [1.0, 1.5, 2.0, 4.0, 5.0], [1.0, 0.99, 0.8, 0.4, 0.33]
    theirs = PchipInterpolator(np.log(x), np.log(y))
    inner = np.linspace(1.5, 4.0, 40)  # at the ends scipy takes other slopes
    assert [Falling(list(zip(x, y, strict=True))).at(v) for v in inner] == pytest.approx(
        list(np.exp(theirs(np.log(inner)))), rel=1e-6
    )


def test_level_pieces_stay_level() -> None:
    curve = Falling([(1, 1.0), (2, 1.0), (3, 1.0), (6, 0.5), (12, 0.25)])
    assert curve.at(2.5) == pytest.approx(1)
    assert curve.at(0.1) == pytest.approx(1)
    assert curve.where(1.0) == pytest.approx(3, rel=1e-3)


@given(st.lists(st.floats(0.01, 1.0), min_size=2, max_size=8))
def test_it_never_rises(shares: list[float]) -> None:
    curve = Falling([(float(x + 1), y) for x, y in enumerate(shares)])
    found = [curve.at(exp(at)) for at in np.linspace(log(0.5), log(20), 100)]
    assert all(after <= before * (1 + 1e-9) for before, after in pairwise(found))


@given(st.lists(st.floats(0.01, 1.0), min_size=2, max_size=8), st.floats(0.005, 1.0))
def test_where_is_the_inverse_of_at(shares: list[float], share: float) -> None:
    curve = Falling([(float(x + 1), y) for x, y in enumerate(shares)])
    found = curve.where(share)
    if found is None:
        assert share > curve.at(0.1)
    else:
        assert curve.at(found * 1.0001) <= share * 1.001
        assert curve.at(found * 0.9999) >= share * 0.999


def test_noise_is_pooled() -> None:
    assert pooled([5, 3, 4, 1]) == [5, 3.5, 3.5, 1]
    assert pooled([1, 2, 3]) == [2, 2, 2]
    assert pooled([3, 2, 1]) == [3, 2, 1]


@pytest.mark.parametrize("points", [[], [(1.0, 1.0)], [(1.0, 1.0), (1.0, 0.5)]])
def test_too_few_points(points: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match="at least two points"):
        Falling(points)
