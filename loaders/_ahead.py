"""What takes long is begun before it is asked for, in background threads."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

S = TypeVar("S")
T = TypeVar("T")

SIDE_BY_SIDE = 4
"""Requests of some megabytes that a process has under way, of which one brings 85 to 90 MB/s at best.

"Performance design patterns for Amazon S3", on parallel requests, in the user guide of S3.
"""


BATCHES = 2
"""Whole batches that a worker has fetched or under way beside the one that it is decoding."""


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
    """In a worker: a function of ids, some of whose next values are made while one is in use."""

    def __init__(self, make: Callable[[NDArray[np.int64]], T]) -> None:
        self._make = make
        self._threads: ThreadPoolExecutor | None = None
        self._begun: deque[tuple[NDArray[np.int64], Future[T]]] = deque()

    def __call__(self, ids: NDArray[np.int64], then: NDArray[np.int64] | None) -> T:
        """The value for `ids`; that for `then`, which will be asked for some calls later, is begun."""
        future = self._announced(ids)
        made = self._make(ids) if future is None else None
        if then is not None:
            self._begun.append((then, self._begin(then)))
        return future.result() if future is not None else cast(T, made)

    def _announced(self, ids: NDArray[np.int64]) -> Future[T] | None:
        """The value that was begun for these ids; what was begun before it is forgotten."""
        for number, (announced, future) in enumerate(self._begun):
            if np.array_equal(announced, ids):
                for _ in range(number + 1):
                    self._begun.popleft()
                return future
        return None

    def _begin(self, ids: NDArray[np.int64]) -> Future[T]:
        if self._threads is None:  # not before the fork, which no thread survives
            self._threads = ThreadPoolExecutor(BATCHES, "pipebench-ahead")
        return self._threads.submit(self._make, ids)
