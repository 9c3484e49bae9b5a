"""For how long a request is waited for and tried again, and the trying again."""

import errno
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pipebench.remote.contract import Again

T = TypeVar("T")

PATIENCE, TIMEOUT = "PIPEBENCH_STORAGE_PATIENCE", "PIPEBENCH_STORAGE_TIMEOUT"
"""Environment variables, in seconds."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0
"""Seconds. Each pause is twice the one before, less a random part of up to a half, so that clients part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to bear with storage that fails, in seconds."""

    seconds: float = 60.0
    """From the first failure of an operation on, nothing is begun anew after that."""
    timeout: float = 20.0
    """For which a request may make no progress."""


def patience(environment: Mapping[str, str] = os.environ) -> Patience:
    """As the environment says; raises `OSError` for what is no number of seconds."""
    default = Patience()
    return Patience(
        seconds=_seconds(environment, PATIENCE, default.seconds),
        timeout=_seconds(environment, TIMEOUT, default.timeout),
    )


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name) or str(default)
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise OSError(errno.EINVAL, f"{name} must be a number of seconds, not {text!r}")
    return seconds


def persist(
    attempt: Callable[[], T],
    seconds: float,
    pause: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> T:
    """What `attempt` returns. While it raises `Again` it is repeated, for `seconds` after the first failure.

    The `OSError` in the end tells the last reason and how often it was tried.
    """
    tries, failed = 0, 0.0
    while True:
        try:
            return attempt()
        except Again as error:
            tries, failed = tries + 1, failed or clock()
            wait, spent = _pause(tries), clock() - failed
            if spent + wait > seconds:
                often = "once" if tries == 1 else f"{tries} times in {spent:.0f} s"
                raise OSError(errno.EIO, f"{error.strerror} (tried {often})") from None
            pause(wait)


def _pause(tries: int) -> float:
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (tries - 1))
    return longest * (0.5 + random.random() / 2)  # noqa: S311 - spreads clients, hides nothing
