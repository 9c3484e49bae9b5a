"""Stretches of real batches and of one replayed batch by turns: what a perfect loader would make of a loop.

Turns are counted in steps, so that all ranks switch at the same one. The loader must meet each stretch as it
would be without the other: before a replay is measured it gets the time to fill up, since it would take cores
from it, and what it has filled up by then is thrown away when real batches begin again, since they would live
on that. The first steps of each stretch are left out. What passes between epochs counts for nothing.
"""

import time
from math import log
from typing import Any, Protocol

from pipebench.kept import Kept
from pipebench.watching import device

MEASURED = 20
"""Steps of a stretch that count."""
AHEAD = 2
"""Steps left out besides those that the loader keeps ready."""
WAITING = 0.01
"""Share of the time that a loop waits for a loader which is not ahead of it."""


class Clock(Protocol):
    """Of whatever does the steps."""

    def mark(self, now_ns: int) -> Any:
        """A moment: now, or when the device has done all that it was given."""

    def seconds(self, begin: Any, end: Any) -> float | None:
        """Between two of them; None where the later one has not come."""


class HostClock:
    """For steps that are done when the loop asks for the next batch."""

    @staticmethod
    def mark(now_ns: int) -> int:
        return now_ns

    @staticmethod
    def seconds(begin: int, end: int) -> float | None:
        return (end - begin) / 1e9


class Stretch:
    """The measured steps of one stretch: in pieces, where epochs end in it."""

    def __init__(self) -> None:
        self._pieces: list[list[Any]] = []
        self._steps = 0

    def begin(self, mark: Any) -> None:
        """A batch came after which steps are measured."""
        self._pieces.append([mark, mark])

    def step(self, mark: Any) -> None:
        """The next one came after it."""
        self._pieces[-1][1] = mark
        self._steps += 1

    def seconds(self, clock: Clock) -> float | None:
        """Of `MEASURED` steps; None where fewer than half of them were in one epoch with the one before."""
        told = [clock.seconds(begin, end) for begin, end in self._pieces]
        known = [seconds for seconds in told if seconds is not None]
        if len(known) < len(told) or self._steps < MEASURED / 2:
            return None
        return sum(known) / self._steps * MEASURED


class Headroom:
    """Decides for one loader which steps are replayed, and keeps each stretch's time."""

    def __init__(self, ahead: int) -> None:
        self.ahead = ahead
        """Batches that the loader keeps ready."""
        self._left_out = ahead + AHEAD
        self._length = self._left_out + MEASURED
        self._step = 0
        self._kept: Kept | None = None
        self._kept_at = -1
        self._clock: Clock | None = None
        self._stretches: list[Stretch] = []
        self._real_steps = self._waited_ns = self._passed_ns = 0
        """Over the measured steps of real stretches."""
        self._got_ns = 0
        """When the latest batch came."""

    @property
    def replays(self) -> bool:
        """Whether the next batch is the one that was kept."""
        return self._kept is not None and self._turn % 2 == 1

    @property
    def has_replayed(self) -> bool:
        """Whether it was handed out again at all."""
        return self._kept is not None and self._step > self._length

    @property
    def seconds(self) -> list[float | None]:
        """Of the measured steps of each whole stretch; those at even places are real."""
        whole = self._stretches[: self._turn] if self.has_replayed else []
        return [stretch.seconds(self._clock) if self._clock else None for stretch in whole]

    def again(self) -> Any:
        """The batch that was kept. Before the first of a stretch the loader fills up."""
        assert self._kept is not None
        if self._place == 0 and self._waited_ns > WAITING * self._passed_ns:
            time.sleep(self.ahead * self._passed_ns / 1e9 / self._real_steps)
        return self._kept.again()

    def came(self, batch: Any, asked_ns: int, got_ns: int, *, first: bool, last: bool) -> None:
        """A batch was handed on, replayed or not; the first of an epoch, or its last, as far as is known."""
        place, real = self._place, self._turn % 2 == 0
        if place == 0:
            self._stretches.append(Stretch())
        if real and not last and self._kept_at != self._turn and place < self._left_out - 1:
            self._kept, self._kept_at = Kept(batch), self._turn
        if place >= self._left_out - 1:
            self._measure(asked_ns, got_ns, starts=first or place == self._left_out - 1, real=real)
        self._got_ns = got_ns
        self._step += 1

    def _measure(self, asked_ns: int, got_ns: int, *, starts: bool, real: bool) -> None:
        if self._clock is None:
            self._clock = device.clock() or HostClock()
        stretch, mark = self._stretches[-1], self._clock.mark(got_ns)
        if starts:
            stretch.begin(mark)
            return
        stretch.step(mark)
        if real:
            self._real_steps += 1
            self._waited_ns += got_ns - asked_ns
            self._passed_ns += got_ns - self._got_ns

    @property
    def _place(self) -> int:
        return self._step % self._length

    @property
    def _turn(self) -> int:
        return self._step // self._length


def gains(seconds: list[float | None]) -> list[float | None]:
    """Log of how much faster each replayed stretch was than the mean of the real ones on either side.

    Where the last has no neighbour after it, than the one before. The host's drift so cancels out. None where
    one of them is not known.
    """
    found: list[float | None] = []
    for place in range(1, len(seconds), 2):
        known = [one for one in seconds[place - 1 : place + 2] if one is not None]
        beside = seconds[place - 1 : place + 2 : 2]
        own = seconds[place]
        if own is None or len(known) < 1 + len(beside):
            found.append(None)
        else:
            found.append(log((sum(known) - own) / len(beside) / own))
    return found
