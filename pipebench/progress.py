"""Signs of life of long work, on stderr: a bar or a changing line on a terminal, plain lines elsewhere.

Nobody should wonder for 2 s whether anything happens. Whoever wants none of it says `--quiet`.
"""

import argparse
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

SECONDS = 1.2
"""Between the lines of a log while nothing else is told."""
REFRESHES = 2
"""Of what a terminal shows, a second: drawing it must not disturb what is being measured."""
THREAD = "pipebench-progress"
RECENT, APART = 16, 0.5
"""Marks from which the time left is reckoned, and seconds between them: items may come in bursts."""

_QUIET: ContextVar[bool] = ContextVar("pipebench_quiet", default=False)


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """Adds `--quiet`, which the command line itself obeys."""
    parser.add_argument("--quiet", action="store_true", help="show no progress on standard error")


@contextmanager
def quiet(asked: bool = True) -> Iterator[None]:
    """Within the block no progress is shown, if that is asked for."""
    token = _QUIET.set(asked or _QUIET.get())
    try:
        yield
    finally:
        _QUIET.reset(token)


def is_quiet() -> bool:
    """Whether no progress is to be shown."""
    return _QUIET.get()


@contextmanager
def pulse(text: Callable[[], str], stop: threading.Event | None = None) -> Iterator[None]:
    """Shows what `text` says while the block runs. It is called in a thread, and first after a while."""
    if is_quiet():
        yield
        return
    stop = stop or threading.Event()
    show = _on_terminal if sys.stderr.isatty() else _in_log
    thread = threading.Thread(target=show, args=(text, stop), name=THREAD, daemon=True)
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
    if stop.wait(1 / REFRESHES):
        return  # what is done at once needs no line, nor rich
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status(escape(text()), refresh_per_second=REFRESHES) as status:
        while not stop.wait(1 / REFRESHES):
            status.update(escape(text()))


def waited_for(iterable: Iterable[T], what: str) -> Iterator[T]:
    """Passes on the items of a slow `iterable`; while one is waited for, a line says so."""
    items, done = iter(iterable), 0
    while True:
        with pulse(lambda: f"{what}: {done} done"):  # noqa: B023 - called only within the block
            found = list(islice(items, 1))
        if not found:
            return
        done += 1
        yield found[0]


def track(
    iterable: Iterable[T], total: int, description: str, line: Callable[[T], str] | None = None
) -> Iterator[T]:
    """Passes on the items of `iterable` and shows how far it is; there may come more than `total`.

    `line` says what became of an item, for items that are worth a line each in a log; those for which it
    says nothing get none.
    """
    if is_quiet():
        return iter(iterable)
    if sys.stderr.isatty():
        return _bar(iterable, total, description, line)
    return _lines(iterable, total, description) if line is None else _each(iterable, total, description, line)


def _bar(iterable: Iterable[T], total: int, description: str, line: Callable[[T], str] | None) -> Iterator[T]:
    from rich import progress as rich
    from rich.console import Console
    from rich.markup import escape

    texts = rich.SpinnerColumn(), rich.TextColumn("{task.description}")
    columns = *texts, rich.BarColumn(), rich.MofNCompleteColumn(), rich.TimeRemainingColumn()
    console = Console(stderr=True)
    with rich.Progress(*columns, console=console, transient=True, refresh_per_second=REFRESHES) as shown:
        task = shown.add_task(description, total=total)
        for done, item in enumerate(iterable, start=1):
            shown.update(task, completed=done, total=max(total, done))
            if line is not None and (text := line(item)):
                shown.console.print(escape(text), highlight=False)
            yield item


def _each(iterable: Iterable[T], total: int, description: str, line: Callable[[T], str]) -> Iterator[T]:
    count = Count(total, description)
    with pulse(lambda: str(count)):
        for item in iterable:
            count.step()
            if text := line(item):
                print(f"[{count.done}/{count.total}] {text}", file=sys.stderr, flush=True)
            yield item


def _lines(iterable: Iterable[T], total: int, description: str) -> Iterator[T]:
    count = Count(total, description)
    with pulse(lambda: str(count)):
        for item in iterable:
            count.step()
            yield item
    if count.done:
        print(count, file=sys.stderr, flush=True)


class Count:
    """How many of some items are done, as a text: `trials: 3 of 12, about 41 s left`."""

    def __init__(self, total: int, what: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.done, self.total = 0, total
        self._what, self._clock = what, clock
        self._marks = deque([(clock(), 0)], maxlen=RECENT + 1)
        """When how many were done; what was done at once, as in a run that goes on, begins the first."""

    def step(self) -> None:
        """One more is done."""
        self.done += 1
        self.total = max(self.total, self.done)
        now = self._clock()
        if now - self._marks[-1][0] >= APART:
            self._marks.append((now, self.done))
        else:
            self._marks[-1] = (now if len(self._marks) == 1 else self._marks[-1][0]), self.done

    def __str__(self) -> str:
        text = f"{self._what}: {self.done} of {self.total}"
        (begun, before), (last, after) = self._marks[0], self._marks[-1]
        if before == after or self.done == self.total:
            return text
        left = (self.total - after) * (last - begun) / (after - before) - (self._clock() - last)
        return f"{text}, about {left:.0f} s left" if left >= 1 else text
