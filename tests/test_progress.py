"""Progress passes everything on, says how far it is, and ends with its work."""

import sys
import threading
from collections.abc import Iterable, Iterator

import pytest

from pipebench.progress import SECONDS, THREAD, Count, pulse, quiet, track, waited_for

Capture = pytest.CaptureFixture[str]


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


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("line", [None, str])
def test_every_item_comes_through(terminal: bool, line: type[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    assert list(track(iter(range(25)), 25, "Counting", line)) == list(range(25))
    assert THREAD not in thread_names()


def test_a_log_is_told_when_quick_work_is_done_and_no_more(capsys: Capture) -> None:
    for _ in track(range(1234), 1234, "Counting"):
        pass
    assert capsys.readouterr() == ("", "Counting: 1234 of 1234\n")


def test_a_log_gets_a_line_for_items_that_are_worth_one(capsys: Capture) -> None:
    assert list(track("abc", 2, "Letters", str.upper)) == list("abc")
    assert capsys.readouterr() == ("", "[1/2] A\n[2/2] B\n[3/3] C\n")


def test_nothing_to_do(capsys: Capture) -> None:
    assert list(track([], 0, "Counting")) == []
    assert capsys.readouterr().err == ""


def test_a_log_gets_a_line_before_two_seconds_are_over(capsys: Capture) -> None:
    stop, said = Stop(3), texts()
    with pulse(lambda: next(said), stop):
        stop.done.wait()
    assert capsys.readouterr() == ("", "[0] done\n[1] done\n[2] done\n")
    assert set(stop.waited) == {SECONDS}
    assert SECONDS < 2


def test_a_terminal_shows_it_in_place(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    stop, said = Stop(4), texts()
    with pulse(lambda: next(said), stop):
        stop.done.wait()
    assert "[3] done" in capsys.readouterr().err


def test_it_ends_with_the_block_however_that_ends() -> None:
    with pytest.raises(KeyError), pulse(str):
        assert THREAD in thread_names()
        raise KeyError
    assert THREAD not in thread_names()


def test_quiet_says_nothing_starts_nothing_and_ends_with_its_block(capsys: Capture) -> None:
    with quiet():
        with quiet(asked=False), pulse(lambda: "a line", Stop(3)):
            assert THREAD not in thread_names()
        assert list(track("abc", 3, "Letters", str.upper)) == list("abc")
    assert capsys.readouterr() == ("", "")
    assert list(track("a", 1, "Letters", str.upper)) == ["a"]
    assert capsys.readouterr().err == "[1/1] A\n"


def counted(total: int, ends: Iterable[float], now: float) -> str:
    """What is said at `now` of items that ended at these times."""
    times = iter([0.0, *ends, now])
    count = Count(total, "trials", lambda: next(times))
    for _ in ends:
        count.step()
    return str(count)


@pytest.mark.parametrize(
    ("ends", "now", "says"),
    [
        ([], 0, "trials: 0 of 60"),
        ([0.01] * 40, 5, "trials: 40 of 60"),  # kept from before, at once
        ([0.01] * 40 + [10.01, 20.01], 25.01, "trials: 42 of 60, about 175 s left"),
        ([10.0, 20, 30], 30, "trials: 3 of 60, about 570 s left"),
        ([5.0] * 20 + [10.0] * 20, 10, "trials: 40 of 60, about 5 s left"),  # in bursts
        ([10.0 * n for n in range(1, 60)], 595, "trials: 59 of 60, about 5 s left"),
        ([10.0 * n for n in range(1, 60)], 650, "trials: 59 of 60"),  # it takes longer than it should
    ],
)
def test_the_time_left(ends: list[float], now: float, says: str) -> None:
    assert counted(60, ends, now) == says


def test_it_is_reckoned_from_the_last_ones() -> None:
    slow, fast = [100.0 * n for n in range(1, 10)], [900.0 + n for n in range(1, 21)]
    assert counted(60, slow + fast, 920) == "trials: 29 of 60, about 31 s left"


def test_more_than_were_announced_and_all() -> None:
    count = Count(1, "trials")
    count.step()
    count.step()
    assert str(count) == "trials: 2 of 2"


def test_what_is_slow_to_come_is_waited_for_and_printed_alone() -> None:
    seen = []
    for item in waited_for((thread_names() for _ in range(2)), "looking"):
        assert THREAD not in thread_names()
        seen.append(THREAD in item)
    assert seen == [True, True]
