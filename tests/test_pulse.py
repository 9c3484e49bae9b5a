"""Signs of life: what is said, how often, and that it ends."""

import sys
import threading
from collections.abc import Iterator
from unittest.mock import Mock

import pytest

from pipebench.datasets_prep._pulse import SECONDS, THREAD, Speed, pulse


class Stop(threading.Event):
    """An event for which nobody really waits: so many times nothing happens, then the block may end."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.waited: list[float | None] = []
        self.done = threading.Event()
        self._times = times

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout)
        if len(self.waited) <= self._times:
            return False
        self.done.set()
        return super().wait()


def thread_names() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


def texts() -> Iterator[str]:
    number = 0
    while True:
        yield f"[{number}] done"
        number += 1


def test_a_log_gets_a_line_before_two_seconds_are_over(capsys: pytest.CaptureFixture[str]) -> None:
    stop, said = Stop(3), texts()
    with pulse(lambda: next(said), stop):
        stop.done.wait()
    captured = capsys.readouterr()
    assert captured.err.splitlines() == ["[0] done", "[1] done", "[2] done"]
    assert captured.out == ""
    assert set(stop.waited) == {SECONDS}
    assert SECONDS < 2


def test_a_terminal_shows_it_in_place(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    stop, said = Stop(3), texts()
    with pulse(lambda: next(said), stop):
        stop.done.wait()
    assert "[3] done" in capsys.readouterr().err


def test_it_ends_with_the_block_however_that_ends() -> None:
    with pytest.raises(KeyError), pulse(str):
        assert THREAD in thread_names()
        raise KeyError
    assert THREAD not in thread_names()


@pytest.mark.parametrize(
    ("done", "seconds", "text"),
    [
        (0, 0, "0 bytes of 8 GB"),
        (0, 5, "0 bytes of 8 GB"),
        (2_000_000_000, 10, "2 GB of 8 GB, 200 MB/s, 30 s left"),
        (9_000_000_000, 10, "8 GB of 8 GB, 800 MB/s, 0 s left"),
    ],
)
def test_speed(done: int, seconds: float, text: str) -> None:
    clock = iter([100.0, 100.0 + seconds])
    assert str(Speed(Mock(total=done), 8_000_000_000, lambda: next(clock))) == text
