"""Signs of life of long work, on stderr: a line that changes on a terminal, lines elsewhere."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ._sizes import spell_size
from ._tally import Tally

SECONDS = 1.5
"""Between lines of a log: nobody should wonder for 2 s whether anything happens."""
REFRESHES = 2
"""A second, on a terminal."""
THREAD = "pipebench-pulse"


@contextmanager
def pulse(text: Callable[[], str], stop: threading.Event | None = None) -> Iterator[None]:
    """Shows what `text` says while the block runs. It is called in a thread."""
    stop = stop or threading.Event()
    show = _on_terminal if sys.stderr.isatty() else _in_log
    thread = threading.Thread(target=show, args=(text, stop), name=THREAD)
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
    """How much of some bytes is done since it was made, as a text: `1.2 GB of 8 GB, 210 MB/s, 32 s left`."""

    def __init__(self, tally: Tally, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._tally, self._total, self._clock, self._begun = tally, total, clock, clock()

    def __str__(self) -> str:
        done, seconds = min(self._tally.total, self._total), self._clock() - self._begun
        text = f"{spell_size(done)} of {spell_size(self._total)}"
        if not done or seconds <= 0:
            return text
        left = (self._total - done) * seconds / done
        return f"{text}, {spell_size(round(done / seconds))}/s, {left:.0f} s left"
