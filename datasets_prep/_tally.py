"""How far tasks are, which any process can tell."""

from multiprocessing.context import BaseContext

TOGETHER = 200_000
"""What a process counts before it tells the others: their lock takes time."""


class Tally:
    """A number that several processes add to; it reaches them when they are started."""

    def __init__(self, context: BaseContext) -> None:
        self._value = context.Value("q", 0)

    def add(self, number: int) -> None:
        with self._value.get_lock():
            self._value.value += number

    @property
    def total(self) -> int:
        return int(self._value.value)


class Counter:
    """This process's own count, which it passes on now and then."""

    def __init__(self) -> None:
        self._tally: Tally | None = None
        self._pending = 0

    def report_to(self, tally: Tally) -> None:
        self._tally, self._pending = tally, 0

    def advance(self, number: int) -> None:
        """Tells that the task which runs in this process is further by so much."""
        self._pending += number
        if self._pending >= TOGETHER and self._tally is not None:
            self._tally.add(self._pending)
            self._pending = 0


HERE = Counter()
