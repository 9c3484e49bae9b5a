"""Stretches of real batches and of one replayed batch by turns: what a perfect loader would make of a loop.

Turns are counted in steps, so that all ranks switch at the same one. What was fetched ahead during a replay
serves the first steps of the real stretch after it, and filling up again takes cores from the replay; so many
steps are left out at the beginning of each stretch.
"""

from math import log
from typing import Any

MEASURED = 20
"""Steps of a stretch that count."""
AHEAD = 2
"""Steps left out besides those that the loader keeps ready."""


class Headroom:
    """Decides for one loader which steps are replayed, and keeps each stretch's seconds."""

    def __init__(self, ahead: int) -> None:
        self._left_out = ahead + AHEAD
        self._length = self._left_out + MEASURED
        self._step = 0
        self._batch: Any = None
        self._begun_ns = 0
        self.seconds: list[float] = []
        """Of the measured steps of each stretch; those at even places are real."""

    @property
    def replays(self) -> bool:
        """Whether the next batch is the one that was kept."""
        return self._batch is not None and self._step // self._length % 2 == 1

    @property
    def has_replayed(self) -> bool:
        """Whether it was handed out again at all."""
        return self._step > self._length

    @property
    def batch(self) -> Any:
        """The one that was kept."""
        return self._batch

    def came(self, batch: Any, got_ns: int) -> None:
        """A batch was handed on, replayed or not."""
        place = self._step % self._length
        if place == self._left_out - 1:
            self._begun_ns = got_ns
        elif place == self._length - 1:
            self.seconds.append((got_ns - self._begun_ns) / 1e9)
        self._batch = batch
        self._step += 1


def gains(seconds: list[float]) -> list[float]:
    """Log of how much faster each replayed stretch was than the mean of the real ones on either side.

    Where the last has no neighbour after it, than the one before. The host's drift so cancels out.
    """
    found = []
    for place in range(1, len(seconds), 2):
        beside = seconds[place - 1 : place + 2 : 2]
        found.append(log(sum(beside) / len(beside) / seconds[place]))
    return found
