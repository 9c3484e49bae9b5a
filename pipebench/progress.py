"""Progress of long work, on stderr: a bar on a terminal, a line at each tenth elsewhere."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

LINES = 10
"""Lines that a log gets at most."""


def track(iterable: Iterable[T], total: int, description: str) -> Iterator[T]:
    """Passes on the items of `iterable`, of which there are `total`, and shows how far it is."""
    if sys.stderr.isatty():
        return _bar(iterable, total, description)
    return _lines(iterable, total, description)


def _bar(iterable: Iterable[T], total: int, description: str) -> Iterator[T]:
    from rich.console import Console
    from rich.progress import track as rich_track

    console = Console(stderr=True)
    yield from rich_track(iterable, description, total, console=console, transient=True)


def _lines(iterable: Iterable[T], total: int, description: str) -> Iterator[T]:
    for done, item in enumerate(iterable, start=1):
        yield item
        if done * LINES // total > (done - 1) * LINES // total:
            print(f"{description}: {done} of {total}", file=sys.stderr, flush=True)
