"""The timed loop, and the only reader of the clock.

Everything is recorded and cut afterwards (`figures.py`): the loop stores two integers a step, and
looks at the process tree a few times a second.
"""

import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count as numbers
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:  # whoever only reads results needs neither
    from pipebench.contract import Batch, Loader
    from pipebench.step import Step

LONGEST_SECONDS = 10.0
"""That a slow loader is measured for, even where it has not brought `min_batches`."""
SHORT_SECONDS = 2.0
"""A trial that is asked for less is content with fewer batches; its figures are labelled short."""
MIN_BATCHES, SHORT_BATCHES = 20, 8
LOOKS_A_SECOND = 4
"""At the process tree."""
LOOKS_AT_MEMORY = 40
"""Of so many looks one is at memory too, which takes up to 0.1 s of a core that is being measured."""


class Clock(Protocol):
    """What the harness asks of time; tests hand in one that never waits."""

    def now_ns(self) -> int:
        """A monotonic time, the same in every process of this host."""
        ...

    def sleep_ns(self, duration_ns: int) -> None: ...

    def burn_ns(self, duration_ns: int) -> None: ...


class SystemClock:
    """The host's monotonic clock."""

    now_ns = staticmethod(time.monotonic_ns)

    def sleep_ns(self, duration_ns: int) -> None:
        time.sleep(duration_ns / 1e9)

    def burn_ns(self, duration_ns: int) -> None:
        """Uses that much CPU time of the calling thread."""
        end = time.thread_time_ns() + duration_ns
        while time.thread_time_ns() < end:
            pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How long to measure, counted from the first batch."""

    seconds: float = 3.0
    min_batches: int = MIN_BATCHES
    max_seconds: float = LONGEST_SECONDS
    """Even where `min_batches` is not reached."""
    max_batches: int = 50_000
    epochs: int | None = None
    """Stop after that many whole epochs instead of wrapping on."""


class Look(NamedTuple):
    """The process tree and the host, seen at one moment of the loop."""

    batches: int
    """Arrived so far."""
    at_ns: int
    cpu_ns: int
    """CPU time of the trial's whole process tree, since each process began."""
    host_busy_ns: int
    """CPU time that all of this host's cores spent busy, since it booted."""


@dataclass(slots=True)
class Trace:
    """All that the loop saw; entry i of the arrays belongs to batch i."""

    asked_ns: "array[int]" = field(default_factory=lambda: array("q"))
    """When the batch was asked for."""
    got_ns: "array[int]" = field(default_factory=lambda: array("q"))
    """When it arrived."""
    sizes: "array[int]" = field(default_factory=lambda: array("q"))
    """Samples in it."""
    epochs: list[int] = field(default_factory=list)
    """The first batch's number of each epoch begun."""
    looks: list[Look] = field(default_factory=list)


Observe = Callable[[], tuple[int, int]]
"""Gives `Look.cpu_ns` and `Look.host_busy_ns` of now."""


def measure(loader: "Loader", step: "Step", budget: Budget, clock: Clock, observe: Observe) -> Trace:
    """Feeds the step from the loader, epoch after epoch, until the budget is spent.

    Raises `RuntimeError` if an epoch brings no batch.
    """
    trace = _preallocated(budget.max_batches)
    asked_ns, got_ns, sizes, now = trace.asked_ns, trace.got_ns, trace.sizes, clock.now_ns
    batches = _stream(loader, budget.epochs, trace.epochs)
    count, look_at, end = 0, 0, _End(budget)
    while True:
        asked = now()
        batch = next(batches, None)
        got = now()
        if batch is None:
            break
        asked_ns[count] = asked
        got_ns[count] = got
        sizes[count] = len(batch[2])
        count += 1
        if pause := step(batch, got):
            clock.sleep_ns(pause)
        if got >= look_at or count == budget.max_batches:
            trace.looks.append(Look(count, got, *observe()))
            look_at = got + 1_000_000_000 // LOOKS_A_SECOND
            if end.reached(count, got, trace.epochs):
                break
    for values in (asked_ns, got_ns, sizes):
        del values[count:]
    return trace


def _preallocated(batches: int) -> Trace:
    zeros = bytes(8 * batches)
    return Trace(array("q", zeros), array("q", zeros), array("q", zeros))


def _stream(loader: "Loader", limit: int | None, starts: list[int]) -> "Iterator[Batch]":
    """The batches of all epochs; notes in `starts` with which batch each epoch began."""
    arrived = 0
    for number in range(limit) if limit is not None else numbers():
        starts.append(arrived)
        for batch in loader.epoch(number):
            arrived += 1
            yield batch
        if arrived == starts[-1]:
            raise RuntimeError(f"epoch {number} brought no batch")


class _End:
    """Decides when the budget is spent; counts from the first batch."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._first: int | None = None

    def reached(self, batches: int, now_ns: int, epochs: Sequence[int]) -> bool:
        """Whether to stop after `batches`; `epochs` holds with which batch each epoch began.

        Where epochs are short a trial ends past the middle of one, so that whole ones are left when
        the transient is cut off.
        """
        budget = self._budget
        self._first = now_ns if self._first is None else self._first
        if batches >= budget.max_batches:
            return True
        if budget.epochs is not None:
            return False
        seconds = (now_ns - self._first) / 1e9
        enough = seconds >= budget.seconds and batches >= budget.min_batches and _past_middle(batches, epochs)
        return enough or seconds >= budget.max_seconds


def _past_middle(batches: int, epochs: Sequence[int]) -> bool:
    return len(epochs) < 2 or 2 * (batches - epochs[-1]) >= epochs[1] - epochs[0]
