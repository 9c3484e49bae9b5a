"""Trying again, by a clock and with pauses that are made up."""

import pytest

from pipebench.remote.contract import Again
from pipebench.remote.patience import LONGEST_PAUSE, PATIENCE, TIMEOUT, Patience, patience, persist


class Clock:
    """Passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


class Failing:
    """Fails so many times, each after so many seconds."""

    def __init__(self, clock: Clock, times: int, seconds: float = 0.0) -> None:
        self._clock, self._left, self._seconds = clock, times, seconds

    def __call__(self) -> str:
        self._clock.now += self._seconds
        if self._left:
            self._left -= 1
            raise Again("busy")
        return "done"


def test_what_fails_is_tried_again_after_growing_pauses() -> None:
    clock = Clock()
    assert persist(Failing(clock, 10), 60, clock.pause, clock) == "done"
    full = [min(LONGEST_PAUSE, 0.1 * 2**number) for number in range(10)]
    assert all(whole / 2 <= pause <= whole for pause, whole in zip(clock.pauses, full, strict=True))


def test_it_ends() -> None:
    clock = Clock()
    with pytest.raises(OSError, match=r"^\[Errno 5\] busy \(tried \d+ times in \d+ s\)$") as caught:
        persist(Failing(clock, 10**6), 60, clock.pause, clock)
    assert not isinstance(caught.value, Again)
    assert 40 < clock.now - 100 <= 60


def test_a_first_try_may_take_as_long_as_it_likes() -> None:
    clock = Clock()
    assert persist(Failing(clock, 1, seconds=1000), 60, clock.pause, clock) == "done"
    clock = Clock()
    with pytest.raises(OSError, match="tried 4 times in 60 s"):
        persist(Failing(clock, 10, seconds=19.8), 60, clock.pause, clock)


def test_without_patience_it_is_tried_once() -> None:
    clock = Clock()
    with pytest.raises(OSError, match=r"busy \(tried once\)"):
        persist(Failing(clock, 1), 0.01, clock.pause, clock)
    assert clock.pauses == []


def test_what_cannot_be_mended_is_not_tried_again() -> None:
    clock = Clock()

    def attempt() -> str:
        raise FileNotFoundError("gone")

    with pytest.raises(FileNotFoundError):
        persist(attempt, 60, clock.pause, clock)
    assert clock.pauses == []


def test_the_environment_has_a_say() -> None:
    assert patience({}) == Patience(seconds=60, timeout=20)
    assert patience({PATIENCE: "3.5", TIMEOUT: "2"}) == Patience(seconds=3.5, timeout=2)
    for text in ("soon", "-1", "0", "nan", "inf"):
        with pytest.raises(OSError, match=f"{PATIENCE} must be a number of seconds, not '{text}'"):
            patience({PATIENCE: text})
