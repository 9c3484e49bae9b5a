"""Contestants that take turns, for benchmarks that pytest-benchmark would run one after the other."""

import random
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Interleaved(Generic[T]):
    """Rounds that hold each contestant once, in random order; one is run as soon as it is asked for.

    What goes wrong with a contestant is raised when that contestant's result is asked for.
    """

    def __init__(self, names: Sequence[str], run: Callable[[str, int], T], seed: int = 0) -> None:
        self._names, self._run = names, run
        self._random = random.Random(seed)
        self.orders: list[list[str]] = []
        """Of each round."""
        self._found: list[dict[str, T | Exception]] = []

    def result(self, name: str, number: int) -> T:
        """What `run(name, number)` gave."""
        while len(self._found) <= number:
            self._round(len(self._found))
        found = self._found[number][name]
        if isinstance(found, Exception):
            raise found
        return found

    def _round(self, number: int) -> None:
        order = self._random.sample(self._names, len(self._names))
        self.orders.append(order)
        self._found.append({name: self._try(name, number) for name in order})

    def _try(self, name: str, number: int) -> T | Exception:
        try:
            return self._run(name, number)
        except Exception as error:
            return error
