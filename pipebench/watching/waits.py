"""How long a loop waited for its batches: added up as they come, at two readings of the clock a step."""

import os
import time
from array import array

from pipebench import resources
from pipebench.watching import device

KEPT = 1 << 20
"""The latest waits, of which percentiles are told."""
LOOKED_FOR = 3
"""Steps until which a device is looked for: the first one may be what brings it to work."""

LOOK_NS = 1_000_000_000
"""Between looks at the CPU time of the process tree, at least."""

now_ns = time.monotonic_ns


class Waits:
    """Those of all epochs of one loader."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.steps = 0
        self.wait_ns = 0
        """All but the very first wait, which is the start-up's."""
        self.busy_ns = 0
        """From a batch's arrival until the next one was asked for."""
        self.firsts_ns = array("q")
        """The wait for each epoch's first batch, the loader's own start in it."""
        self.latest_ns = array("q")
        self.device: device.DeviceIdle | None = None
        self._latest: Epoch | None = None
        self._pending_ns: int | None = None
        """From the only batch of an epoch that was left to the next epoch: a step, if epochs go on so."""
        self._begun: tuple[int, int] | None = None
        self._seen: tuple[int, int] | None = None

    @property
    def cores(self) -> float | None:
        """How many cores this process and those that it started kept busy, from the first epoch on."""
        if self._begun is None or self._seen is None or self._seen[0] == self._begun[0]:
            return None
        return (self._seen[1] - self._begun[1]) / (self._seen[0] - self._begun[0])

    def begin(self) -> "Epoch":
        """Another epoch begins now."""
        if self._begun is None:
            self._begun = _look()
        if self.device is not None:
            self.device.begun()
        self._close_latest()
        self._latest = Epoch(self)
        return self._latest

    def _close_latest(self) -> None:
        """A loop over `next(iter(loader))` leaves each epoch after a batch, and its step follows."""
        latest = self._latest
        if latest is None or not latest.was_left_after_one:
            self._pending_ns = None
            return
        if self._pending_ns is not None:
            self.busy_ns += self._pending_ns
        self._pending_ns = now_ns() - latest.got_ns

    def look(self) -> None:
        """Notes what CPU time was used up to now."""
        self._seen = _look()

    def look_now_and_then(self) -> None:
        """The same, unless that was done just before."""
        if self._seen is None or now_ns() - self._seen[0] > LOOK_NS:
            self.look()


class Epoch:
    """One pass over a loader."""

    def __init__(self, waits: Waits) -> None:
        self._waits = waits
        self.got_ns = 0
        """When the latest batch came."""
        self._steps = 0
        self._ended = False

    @property
    def was_left_after_one(self) -> bool:
        """Whether there was one batch, and nobody asked for another."""
        return self._steps == 1 and not self._ended

    def ask(self) -> int:
        """A batch is asked for now, which is returned."""
        waits = self._waits
        if waits.device is None and waits.steps < LOOKED_FOR:
            waits.device = device.find()
        if waits.device is not None and waits.steps:
            waits.device.asked()
        return now_ns()

    def step(self, asked_ns: int, got_ns: int) -> None:
        """A batch was asked for and came."""
        waits, wait = self._waits, got_ns - asked_ns
        if waits.device is not None:
            waits.device.came()
        if self.got_ns:
            waits.busy_ns += asked_ns - self.got_ns
        else:
            waits.firsts_ns.append(wait)
        self.got_ns = got_ns
        self._steps += 1
        if waits.steps:
            waits.wait_ns += wait
            if len(waits.latest_ns) < KEPT:
                waits.latest_ns.append(wait)
            else:
                waits.latest_ns[waits.steps % KEPT] = wait
        waits.steps += 1

    def end(self, asked_ns: int) -> None:
        """The last step ended then."""
        self._ended = True
        if self.got_ns:
            self._waits.busy_ns += asked_ns - self.got_ns
        if self._waits.device is not None:
            self._waits.device.ended()
        self._waits.look_now_and_then()

    def left(self) -> None:
        """Nobody asks for another batch."""
        if not self.was_left_after_one:
            self.end(self.ask())


def _look() -> tuple[int, int] | None:
    """The time and the CPU time of the process tree, where the system tells it."""
    if not os.path.isdir("/proc/self/task"):  # noqa: PTH112 - pathlib would be imported for this alone
        return None
    return now_ns(), resources.tree_cpu_ns()
