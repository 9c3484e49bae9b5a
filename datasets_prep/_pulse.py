"""Signs of life of long work, on stderr: a line that changes on a terminal, lines elsewhere."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ._tally import Tally

SECONDS = 1.5
"""Between lines of a log: nobody should wonder for 2 s whether anything happens."""
REFRESHES = 2
"""A second, on a terminal."""


@contextmanager
def pulse(text: Callable[[], str], stop: threading.Event | None = None) -> Iterator[None]:
    """Shows what `text` says while the block runs. It is called in a thread."""
    stop = stop or threading.Event()
    thread = threading.Thread(target=_on_terminal if sys.stderr.isatty() else _in_log, args=(text, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _in_log(text: Callable[[], str], stop: threading.Event) -> None:
    while not stop.wait(SECONDS):
        print(text(), file=sys.stderr, flush=True)


def _on_terminal(text: Callable[[], str], stop: threading.Event) -> None:
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status(escape(text()), refresh_per_second=REFRESHES) as status:
        while not stop.wait(1 / REFRESHES):
            status.update(escape(text()))


class Speed:
    """Bytes since it was made, as a text that tells how many and how fast."""

    def __init__(self, tally: Tally, clock: Callable[[], float] = time.monotonic) -> None:
        self._tally, self._clock, self._begun = tally, clock, clock()

    def __str__(self) -> str:
        done, seconds = self._tally.total, self._clock() - self._begun
        return f"{done / 1e6:.0f} MB at {done / 1e6 / max(seconds, 1e-3):.0f} MB/s"
