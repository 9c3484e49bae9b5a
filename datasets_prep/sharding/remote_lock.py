"""One writer at a time for a folder on an object store, which has no locks of its own.

Whoever wants to write announces that with an object of its own, and only then looks: if nobody else's
is there that was renewed of late, the folder is its own; else it withdraws. Since listings show all
that was written before, of two that announce at least one sees the other. That needs nothing of the
storage but listings without delay, which S3 has since 2020, and its clock, by which it stamps what is
written; conditional writes would do it too, but not every store that speaks S3 heeds them.

The owner renews its announcement. One that was not renewed for STALE_SECONDS is removed by the next
that wants to write; the owner sees that when it comes round, and gives up.
"""

import errno
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from uuid import uuid4

from pipebench.errors import BadInput
from pipebench.files import clear_uploads, join, remove, shown, times, why, write_whole
from pipebench.report.prose import complain

RENEW_SECONDS = 15.0
STALE_SECONDS = 60.0
SLACK_SECONDS = 5.0
"""By which an owner that was kept from renewing takes itself for stale before others do."""
TOGETHER_SECONDS = 2.0
"""Two whose announcements are no farther apart may have begun together: both withdraw, and try again."""
ROUNDS = 3


@contextmanager
def locked_remotely(folder: str, target: str) -> Iterator[Callable[[], None]]:
    """Holds the folder of announcements; yields what raises `BadInput` once it is no longer held.

    `BadInput` naming `target` where another process holds it. While it is held, uploads below the
    target that a killed process left unfinished are ended, at the beginning and at the end.
    """
    claim = Claim(folder, target)
    claim.take()
    try:
        with _kept(claim):
            _clear(target)
            yield claim.check
            claim.check()
            _clear(target)
    finally:
        with suppress(OSError):
            claim.withdraw()


@contextmanager
def _kept(claim: "Claim") -> Iterator[None]:
    """Renews the claim in a thread."""
    stop = threading.Event()
    thread = threading.Thread(target=_keep, args=(claim, stop), name="lock", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _clear(target: str) -> None:
    """Does no harm where it fails: the next to write there tries again."""
    try:
        clear_uploads(target)
    except OSError as error:
        complain(
            f"note: uploads to {shown(target)} that were begun and never ended, if there are any, could not "
            f"be removed: {why(error)}"
        )


def _keep(claim: "Claim", stop: threading.Event) -> None:
    while not (stop.wait(RENEW_SECONDS) or claim.lost):
        with suppress(OSError):  # the next time, unless it is too late by then
            claim.renew()


def _running_seconds() -> float:
    """Also passes while the host is suspended, and is nobody's to set."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Claim:
    """This process's announcement."""

    def __init__(self, folder: str, target: str, clock: Callable[[], float] = _running_seconds) -> None:
        self.lost = False
        self._folder, self._target, self._clock = folder, target, clock
        self._name = uuid4().hex
        self._renewed = 0.0

    def take(self, pause: Callable[[float], object] = time.sleep) -> None:
        """Announces, looks, and stays if nobody else is there; else withdraws and raises `BadInput`."""
        try:
            rivals = self._rivals_after(pause)
        except OSError as error:
            raise BadInput(f"{shown(self._target)} cannot be written: {why(error)}") from None
        if rivals:
            raise BadInput(
                f"{shown(self._target)} is being written by another process, which showed itself "
                f"{min(rivals):.0f} s ago; wait for it, or, if it was killed, for {STALE_SECONDS:.0f} s"
            )

    def _rivals_after(self, pause: Callable[[float], object]) -> list[float]:
        """The ages of other claims for which this one was withdrawn; none where it stays."""
        for _ in range(ROUNDS):
            self._announce()
            ages = self._ages()
            rivals = [age for name, age in ages.items() if name != self._name and age <= STALE_SECONDS]
            if not rivals:
                self._remove_others(ages)
                break
            self.withdraw()
            if max(rivals) > TOGETHER_SECONDS:
                break
            pause(TOGETHER_SECONDS * random.random())  # noqa: S311 - so that two part ways
        return rivals

    def renew(self) -> None:
        """Shows that this process still runs, or finds that it was given up for dead."""
        late = self._late()
        found = times(self._folder)
        self.lost = self._name not in found or (late and len(found) > 1)
        if not self.lost:
            self._announce()
            self.lost = late and len(times(self._folder)) > 1  # one that came before it was written
        if self.lost:
            self.withdraw()

    def check(self) -> None:
        """Raises `BadInput` where the claim is lost, or may be."""
        if self.lost or self._late():
            raise BadInput(
                f"{shown(self._target)} could not be kept locked: the storage was out of reach, or this "
                f"process asleep, for {STALE_SECONDS:.0f} s, and another process may write there now"
            )

    def withdraw(self) -> None:
        remove(join(self._folder, self._name))

    def _late(self) -> bool:
        return self._clock() - self._renewed > STALE_SECONDS - SLACK_SECONDS

    def _announce(self) -> None:
        now = self._clock()
        write_whole(join(self._folder, self._name), b"")
        self._renewed = now

    def _ages(self) -> dict[str, float]:
        """Seconds since each announcement was renewed, by the storage's clock: ours is the newest."""
        found = times(self._folder)
        if self._name not in found:
            raise OSError(errno.EIO, "its listing does not show what was just written")
        return {name: found[self._name] - then for name, then in found.items()}

    def _remove_others(self, ages: dict[str, float]) -> None:
        for name in ages:
            if name != self._name:
                remove(join(self._folder, name))
