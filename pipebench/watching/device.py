"""How long a CUDA device had nothing to do while a loop waited for data, on the device's own clock.

Two events a step go into the current stream: one when a batch is asked for, one when it has come. The device
reaches the first when it has done all steps before. If it is still busy when the batch comes it reaches both
at once; the time between them is what it idled for want of data. Nothing waits for the device: events are
read once they lie behind it.
"""

import sys
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

Event = Any
"""A `torch.cuda.Event` with timing."""


class DeviceClock(NamedTuple):
    """Moments on the device's clock."""

    make: Callable[[], Event]
    stream: Callable[[], Any]

    def mark(self, _: int) -> Event:
        """When the device has done all that it was given."""
        event = self.make()
        event.record(self.stream())
        return event

    def seconds(self, begin: Event, end: Event) -> float | None:
        """Between two of them; None where the device has not got there."""
        if not (begin.query() and end.query()):
            return None
        return float(begin.elapsed_time(end)) / 1e3


class _Wait(NamedTuple):
    """One wait for a batch; at an epoch's end no batch came, and at its beginning none was there before."""

    before: Event | None
    """When the batch before had come."""
    asked: Event
    came: Event | None


class DeviceIdle:
    """The idle time of a loop's device, added up as events lie behind it."""

    def __init__(self, make: Callable[[], Event], stream: Callable[[], Any]) -> None:
        self._make, self._stream = make, stream
        self._idle_ms = self._busy_ms = 0.0
        self._before: Event | None = None
        self._asked: Event | None = None
        self._pending: deque[_Wait] = deque()
        self._free: list[Event] = []

    @property
    def share(self) -> float | None:
        """Of the loop's time, of the waits that lie behind the device; None before the second."""
        self._add_up()
        total = self._idle_ms + self._busy_ms
        return self._idle_ms / total if self._busy_ms > 0 else None

    def begun(self) -> None:
        """An epoch begins, whether the one before was ended or left."""
        self._before = self._asked = None

    def asked(self) -> None:
        """The loop asks for a batch."""
        self._asked = self._now()

    def came(self) -> None:
        """It has come; of the very first one the wait is the start-up's."""
        came = self._now()
        if self._asked is not None:
            self._pending.append(_Wait(self._before, self._asked, came))
        self._before, self._asked = came, None
        self._add_up()

    def ended(self) -> None:
        """An epoch's last step has ended: what is between epochs is neither idle nor busy."""
        if self._before is not None and self._asked is not None:
            self._pending.append(_Wait(self._before, self._asked, None))
        self._before = self._asked = None

    def _now(self) -> Event:
        event = self._free.pop() if self._free else self._make()
        event.record(self._stream())
        return event

    def _add_up(self) -> None:
        while self._pending and (self._pending[0].came or self._pending[0].asked).query():
            before, asked, came = self._pending.popleft()
            if before is not None:
                self._busy_ms += before.elapsed_time(asked)
                self._free.append(before)
            if came is not None:
                self._idle_ms += asked.elapsed_time(came)
            self._free.append(asked)


def uses_cuda() -> bool:
    """Whether this process has a CUDA device at work; never imports PyTorch for it."""
    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.cuda.is_initialized())


def find() -> DeviceIdle | None:
    """For the current device, if there is one."""
    if not uses_cuda():
        return None
    return DeviceIdle(*_events())


def clock() -> DeviceClock | None:
    """That of the current device, if there is one."""
    return DeviceClock(*_events()) if uses_cuda() else None


def _events() -> tuple[Callable[[], Event], Callable[[], Any]]:
    cuda = sys.modules["torch"].cuda
    number = cuda.current_device()  # the loop may choose another one later
    return lambda: cuda.Event(enable_timing=True), lambda: cuda.current_stream(number)
