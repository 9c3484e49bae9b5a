"""Which samples are written when, without an array of them all."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from pipebench.datasets_prep import _order
from pipebench.datasets_prep._order import Order, pieces
from pipebench.datasets_prep._splits import Split, divide, parse_shares

SAMPLES = 1000


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_order, "CHUNK", 64)
    monkeypatch.setattr(_order, "BUCKET", 100)


def ids(split: Split, *, shuffle: bool = False, seed: int = 0) -> list[int]:
    order = Order(samples=SAMPLES, shuffle=shuffle, seed=seed)
    return [int(number) for chunk in order.ids(split) for number in chunk]


def test_unasked_it_is_that_of_the_ids() -> None:
    assert ids(Split("", 0, SAMPLES)) == list(range(SAMPLES))


def test_shuffled_it_is_another_for_each_seed() -> None:
    one, again, other = (ids(Split("", 0, SAMPLES), shuffle=True, seed=seed) for seed in (1, 1, 2))
    assert one == again
    assert sorted(one) == sorted(other) == list(range(SAMPLES))
    assert one != other


@pytest.mark.parametrize("shuffle", [False, True])
def test_splits_share_nothing_and_miss_nothing(shuffle: bool) -> None:
    train, val = (ids(split, shuffle=shuffle) for split in divide(SAMPLES, parse_shares("train=0.9,val=0.1")))
    assert (len(train), len(val)) == (900, 100)
    assert sorted(train + val) == list(range(SAMPLES))
    assert (train == sorted(train)) is not shuffle


def test_the_members_of_a_split_are_the_same_shuffled_or_not() -> None:
    split = divide(SAMPLES, parse_shares("train=0.9,val=0.1"))[1]
    assert ids(split) == sorted(ids(split, shuffle=True))


def values() -> Iterator[NDArray[np.int64]]:
    """The squares of all ids."""
    for start in range(0, SAMPLES, 77):
        yield np.arange(start, min(start + 77, SAMPLES)) ** 2


@pytest.mark.parametrize("shuffle", [False, True])
def test_values_are_arranged_as_the_samples_are(shuffle: bool) -> None:
    order = Order(samples=SAMPLES, shuffle=shuffle, seed=4)
    for split in divide(SAMPLES, parse_shares("a=0.35,b=0.65")):
        arranged = np.concatenate(list(order.arranged(split, values())))
        assert arranged.tolist() == [number**2 for number in ids(split, shuffle=shuffle, seed=4)]


def test_pieces() -> None:
    chunks = [np.arange(5), np.arange(0), np.arange(5, 6), np.arange(6, 10)]
    assert [piece.tolist() for piece in pieces(chunks, [1, 6, 2, 1])] == [
        [0],
        [1, 2, 3, 4, 5, 6],
        [7, 8],
        [9],
    ]
