"""The shuffled order: a permutation at every size, the same for ever, and one that mixes."""

import numpy as np
import pytest

from pipebench.datasets_prep.catalogue.permutation import GAMMA, WORD, Permutation, _mixed

SIZES = (1, 2, 3, 5, 16, 17, 255, 256, 257, 4095, 4097, 65_537)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("seed", [0, 7, 2**64 - 1])
def test_every_number_goes_somewhere_else_and_comes_back(size: int, seed: int) -> None:
    numbers = np.arange(size)
    permutation = Permutation(size, seed)
    places = permutation.places(numbers)
    assert sorted(places.tolist()) == numbers.tolist()
    assert permutation.ids(places).tolist() == numbers.tolist()


def test_a_seed_means_the_same_order_for_ever() -> None:
    """Whoever changes these breaks what users have written with a seed."""
    numbers = np.arange(10)
    assert Permutation(10, 0).places(numbers).tolist() == [0, 6, 2, 1, 8, 3, 9, 5, 4, 7]
    assert Permutation(10, 1).places(numbers).tolist() == [7, 3, 9, 4, 5, 1, 0, 6, 2, 8]
    assert Permutation(10**12, 5).places(np.arange(3)).tolist() == [
        817975715159,
        491254377040,
        296375746795,
    ]


def test_rounds_are_splitmix64() -> None:
    """The first outputs for the seed 1234567, as in Rosetta Code's task and many implementations."""
    states = np.array([(1234567 + GAMMA * number) & WORD for number in (1, 2)], np.uint64)
    assert _mixed(states).tolist() == [6457827717110365317, 3203168211198807973]


def test_seeds_give_orders_that_have_nothing_in_common() -> None:
    numbers = np.arange(10_000)
    one, other = (Permutation(10_000, seed).places(numbers) for seed in (0, 1))
    assert (one == other).sum() < 10  # 1 is to be expected
    for places in (one, other):
        assert abs(np.corrcoef(numbers, places)[0, 1]) < 0.04  # 4 standard deviations
        assert abs(np.corrcoef(places[1:], places[:-1])[0, 1]) < 0.04


def test_a_split_by_places_is_fair_to_every_stretch_of_ids() -> None:
    chosen = Permutation(100_000, 3).places(np.arange(100_000)) < 10_000
    shares = chosen.reshape(100, 1000).sum(axis=1)
    assert 60 < shares.min() < shares.max() < 140  # 100 expected, standard deviation 9.5
