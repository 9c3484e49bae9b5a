"""What takes long is begun before it is asked for, in background threads."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

S = TypeVar("S")
T = TypeVar("T")

SIDE_BY_SIDE = 4
"""Requests of some megabytes that a process has under way, of which one brings 85 to 90 MB/s at best.

"Performance design patterns for Amazon S3", on parallel requests, in the user guide of S3.
"""


def some_ahead(make: Callable[[S], T], items: Iterable[S]) -> Iterator[T]:
    """What `make` makes of each item, in order, of which the next `SIDE_BY_SIDE` are begun meanwhile."""
    running: deque[Future[T]] = deque()
    with ThreadPoolExecutor(SIDE_BY_SIDE, "pipebench-ahead") as threads:
        try:
            for item in items:
                running.append(threads.submit(make, item))
                if len(running) > SIDE_BY_SIDE:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def one_ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items, of which each next one is made while the one before it is in use."""
    end: Any = object()
    with ThreadPoolExecutor(1, "pipebench-ahead") as thread:
        following = thread.submit(next, items, end)
        while (item := following.result()) is not end:
            following = thread.submit(next, items, end)
            yield item


class Prepared(Generic[T]):
    """In a worker: a function of ids, whose next value is made while the one before it is in use."""

    def __init__(self, make: Callable[[NDArray[np.int64]], T]) -> None:
        self._make = make
        self._thread: ThreadPoolExecutor | None = None
        self._following: tuple[NDArray[np.int64], Future[T]] | None = None

    def __call__(self, ids: NDArray[np.int64], then: NDArray[np.int64] | None) -> T:
        """The value for `ids`; that for `then` is begun."""
        made = self._made(ids)
        self._following = None if then is None else (then, self._begin(then))
        return made

    def _made(self, ids: NDArray[np.int64]) -> T:
        if self._following is not None and np.array_equal(self._following[0], ids):
            return self._following[1].result()
        return self._make(ids)

    def _begin(self, ids: NDArray[np.int64]) -> Future[T]:
        if self._thread is None:  # not before the fork, which no thread survives
            self._thread = ThreadPoolExecutor(1, "pipebench-ahead")
        return self._thread.submit(self._make, ids)
