"""Batch slots in memory that a parent and its forked workers share; only slot numbers travel.

The memory is an anonymous shared mapping, so that a small /dev/shm (64 MB in a container) is no limit.
Each worker owns some slots, and a pipe is the list of those that are free: the worker reads a number
from it before it fills a slot, and the parent writes the number back when nobody holds the batch.
"""

import math
import mmap
import os
import weakref
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

MOST_SLOTS = 256
"""Slots of one worker: a free slot is one byte in the pipe."""


class SharedNumber:
    """One whole number that the parent sets and forked workers see."""

    def __init__(self, value: int) -> None:
        self._cell = np.frombuffer(mmap.mmap(-1, mmap.PAGESIZE), np.int64, 1)
        self.value = value

    @property
    def value(self) -> int:
        return int(self._cell[0])

    @value.setter
    def value(self, value: int) -> None:
        self._cell[0] = value


class Ring:
    """`workers x each` slots of one shape. Made before the workers are forked."""

    def __init__(
        self, *, workers: int, each: int, lendable: int, shape: tuple[int, ...], dtype: DTypeLike
    ) -> None:
        """`lendable` of a worker's `each` slots may be out at once; the rest keep the worker going."""
        assert 1 <= lendable <= each <= MOST_SLOTS
        self._each, self._lendable = each, lendable
        count = workers * each
        self._memory = mmap.mmap(-1, max(1, count * math.prod(shape) * np.dtype(dtype).itemsize))
        self.slots: NDArray[Any] = np.frombuffer(self._memory, dtype, count * math.prod(shape)).reshape(
            count, *shape
        )
        pipes = [os.pipe() for _ in range(workers)]
        self._takers = [taker for taker, _ in pipes]
        self._givers = [giver for _, giver in pipes]
        self._lent = [0] * workers
        for slot in range(count):
            self.give_back(slot)

    def enter(self, worker: int) -> None:
        """Makes this process that worker: it keeps its own reading end alone.

        The parent's are then the only writing ends, so that its death or `close` ends a waiting `take`.
        """
        self._own = worker
        _close(self._givers)
        _close(taker for taker in self._takers if taker != self._takers[worker])

    def take(self) -> int | None:
        """In a worker: a free slot, waiting for one; None once the parent has closed the ring."""
        number = os.read(self._takers[self._own], 1)
        return self._own * self._each + number[0] if number else None

    def give_back(self, slot: int) -> None:
        """In the parent: the slot is free again."""
        worker, number = divmod(slot, self._each)
        if self._givers:
            os.write(self._givers[worker], bytes((number,)))

    def lend(self, slot: int, count: int) -> NDArray[Any]:
        """In the parent: the slot's first `count` samples, in its place until the array is collected.

        Wrapped by `torch.from_numpy`, the array lives as long as the tensor or any view of it. Where
        the consumer keeps so many batches that the worker would run dry, it gets a copy, and the
        slot is free at once.
        """
        batch = self.slots[slot, :count]
        worker = slot // self._each
        if self._lent[worker] >= self._lendable:
            copied = batch.copy()
            self.give_back(slot)
            return copied
        self._lent[worker] += 1
        weakref.finalize(batch, self._returned, slot).atexit = False
        return batch

    def _returned(self, slot: int) -> None:
        self._lent[slot // self._each] -= 1
        self.give_back(slot)

    def close(self) -> None:
        """In the parent: ends waiting workers. Batches that are lent stay valid. May be called twice."""
        _close(self._givers + self._takers)
        self._givers, self._takers = [], []


def _close(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
