"""The idle time of a device, by events of one that is only played."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

import pipebench
from pipebench.watching import device, hook, waits, watch
from pipebench.watching.device import DeviceIdle


class Device:
    """Does in order what it is given, from when it is given; events are reached as it comes to them."""

    def __init__(self) -> None:
        self.now = self.free = 0.0
        self.made = 0

    def event(self, *, enable_timing: bool = False) -> "Event":
        assert enable_timing
        self.made += 1
        return Event(self)

    def step(self, milliseconds: float) -> None:
        self.free = max(self.free, self.now) + milliseconds


class Event:
    def __init__(self, own: Device) -> None:
        self.own, self.at = own, -1.0

    def record(self, stream: str) -> None:
        assert stream == "stream 3"
        self.at = max(self.own.now, self.own.free)

    def query(self) -> bool:
        return self.at <= self.own.now

    def elapsed_time(self, later: "Event") -> float:
        assert self.query()
        assert later.query()
        return later.at - self.at


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Device:
    """A CUDA device that PyTorch seems to have at work."""
    watch._forget()
    own = Device()
    cuda = SimpleNamespace(
        is_initialized=lambda: True,
        current_device=lambda: 3,
        current_stream=lambda number: f"stream {number}",
        Event=own.event,
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    for module in (watch, hook, waits):
        monkeypatch.setattr(module, "now_ns", lambda: int(own.now * 1e6))
    return own


class Loader:
    """Each batch takes so long to come."""

    def __init__(self, own: Device, milliseconds: float, batches: int) -> None:
        self.own, self.milliseconds, self.batches = own, milliseconds, batches

    def __iter__(self) -> Any:
        for batch in range(self.batches):
            self.own.now += self.milliseconds
            yield batch


def trained(own: Device, *, loading: float, launching: float, step: float, epochs: int = 1) -> Any:
    loader = Loader(own, loading, 50)
    for _ in range(epochs):
        for _batch in pipebench.watch(loader, tell=False):
            own.now += launching
            own.step(step)
        own.now += 1000  # what is between epochs
    return pipebench.watch(loader, tell=False).facts()


def test_a_loader_in_time_leaves_no_idle_time_however_long_the_loop_waits(played: Device) -> None:
    found = trained(played, loading=4, launching=1, step=10)
    assert found.data_wait == pytest.approx(0.8, abs=0.01)
    assert found.device_idle == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("epochs", [1, 3])
def test_a_slow_loader_leaves_the_device_idle_for_what_the_step_does_not_cover(
    played: Device, epochs: int
) -> None:
    found = trained(played, loading=19, launching=1, step=10, epochs=epochs)
    assert found.device_idle == pytest.approx(9 / 20, abs=0.03)


def test_events_are_used_again_and_read_only_once_they_lie_behind_the_device(played: Device) -> None:
    trained(played, loading=19, launching=1, step=10)
    assert played.made < 10
    idle = DeviceIdle(lambda: played.event(enable_timing=True), lambda: "stream 3")
    idle.came()
    played.step(500)
    idle.asked()
    idle.came()
    assert idle.share is None  # the device has not come so far
    played.now = played.free
    assert idle.share == 0


def test_without_a_device_there_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert device.find() is None
    cuda = SimpleNamespace(is_initialized=lambda: False)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert device.find() is None
