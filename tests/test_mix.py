"""Samples mixed among open pieces."""

from collections.abc import Iterator

import numpy as np
import pytest

from pipebench.loaders._mix import in_order, mixed
from pipebench.loaders._parquet import Opened


class Pieces:
    """Pieces of some sizes; it counts those that were opened."""

    def __init__(self, sizes: list[int]) -> None:
        self.sizes, self.opened = sizes, 0

    def __iter__(self) -> Iterator[Opened]:
        begin = 0
        for size in self.sizes:
            self.opened += 1
            yield Opened(np.arange(begin, begin + size), lambda position: bytes([position]))
            begin += size


def _ids(sizes: list[int], buffer: int, seed: int = 0) -> list[int]:
    return [sample.id for sample in mixed(iter(Pieces(sizes)), buffer, np.random.default_rng(seed))]


@pytest.mark.parametrize("sizes", [[], [1], [5, 5, 5], [1, 20, 1, 3], [100]])
@pytest.mark.parametrize("buffer", [1, 7, 1000])
def test_each_sample_comes_once(sizes: list[int], buffer: int) -> None:
    assert sorted(_ids(sizes, buffer)) == list(range(sum(sizes)))


def test_the_order_follows_from_the_seed() -> None:
    sizes = [10] * 10
    assert _ids(sizes, 30, seed=1) == _ids(sizes, 30, seed=1) != _ids(sizes, 30, seed=2)


def test_a_buffer_of_one_mixes_single_pieces() -> None:
    pieces = np.array(_ids([10] * 5, 1)).reshape(5, 10)
    assert (np.sort(pieces) == np.arange(50).reshape(5, 10)).all()
    assert (pieces != np.arange(50).reshape(5, 10)).any(axis=1).all()


def test_no_more_pieces_are_open_than_hold_the_buffer() -> None:
    """Those that were drawn from are not replaced before they are used up."""
    pieces, left = Pieces([10] * 20), dict.fromkeys(range(20), 10)
    for sample in mixed(iter(pieces), 35, np.random.default_rng(0)):
        left[sample.id // 10] -= 1
        unfinished = [number for number in range(pieces.opened) if left[number]]
        assert len(unfinished) <= 4


def test_open_pieces_are_drawn_from_alike() -> None:
    first = np.array(_ids([100] * 10, 1000)[:200]) // 100
    assert np.bincount(first, minlength=10).min() > 8


def test_in_order() -> None:
    drawn = list(in_order(iter(Pieces([2, 3]))))
    assert [sample.id for sample in drawn] == [0, 1, 2, 3, 4]
    assert drawn[4].payload() == b"\2"
