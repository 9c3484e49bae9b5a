"""What is begun ahead comes in order, and ends when nobody wants it any more."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from pipebench.loaders._ahead import SIDE_BY_SIDE, Prepared, one_ahead, some_ahead


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("pipebench-ahead")]


def test_items_come_in_order() -> None:
    assert list(one_ahead(iter(range(5)))) == list(range(5))
    assert list(one_ahead(iter(()))) == []
    assert list(some_ahead(lambda item: item * item, range(20))) == [item * item for item in range(20)]
    assert list(some_ahead(str, ())) == []
    assert _threads() == []


def test_the_next_is_made_while_one_is_in_use() -> None:
    begun = threading.Semaphore(0)

    def items() -> Iterator[int]:
        for item in range(3):
            begun.release()
            yield item

    with_next = one_ahead(items())
    assert next(with_next) == 0
    assert begun.acquire(timeout=60)
    assert begun.acquire(timeout=60)
    with_next.close()
    assert _threads() == []


def test_so_many_are_made_at_once() -> None:
    together = threading.Barrier(SIDE_BY_SIDE)
    assert list(some_ahead(lambda _: together.wait(60) >= 0, range(2 * SIDE_BY_SIDE))) == [True] * 8


def test_a_failure_comes_in_its_place() -> None:
    def make(item: int) -> int:
        if item == 3:
            raise OSError("gone")
        return item

    for made in (some_ahead(make, range(9)), one_ahead(map(make, range(9)))):
        assert [next(made) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(OSError, match="gone"):
            next(made)
        assert _threads() == []


def test_an_epoch_that_is_abandoned_leaves_no_thread() -> None:
    made = some_ahead(str, range(1000))
    next(made)
    made.close()
    assert _threads() == []


def test_what_was_announced_is_not_made_twice() -> None:
    made: list[list[int]] = []

    def make(ids: NDArray[np.int64]) -> int:
        made.append(ids.tolist())
        return int(ids.sum())

    prepared, ids = Prepared(make), [np.array([number]) for number in range(5)]
    assert [prepared(ids[0], ids[2]), prepared(ids[1], ids[3])] == [0, 1]
    assert [prepared(ids[3], None), prepared(ids[2], ids[4]), prepared(ids[4], None)] == [3, 2, 4]
    assert sorted(made) == [[0], [1], [2], [2], [3], [4]]
