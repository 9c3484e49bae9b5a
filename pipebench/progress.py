"""Progress of long work, on stderr: a bar on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

LINES = 10
"""Lines that a log gets at most, where the items themselves are not worth one each."""
REFRESHES = 2
"""Of the bar, a second: drawing it must not disturb what is being measured."""


def track(
    iterable: Iterable[T], total: int, description: str, line: Callable[[T], str] | None = None
) -> Iterator[T]:
    """Passes on the items of `iterable` and shows how far it is; there may come more than `total`.

    `line` says what became of an item, for items that are worth a line each in a log.
    """
    if sys.stderr.isatty():
        return _bar(iterable, total, description, line)
    return _lines(iterable, total, description) if line is None else _each(iterable, total, line)


def _bar(iterable: Iterable[T], total: int, description: str, line: Callable[[T], str] | None) -> Iterator[T]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, refresh_per_second=REFRESHES) as progress:
        task = progress.add_task(description, total=total)
        for done, item in enumerate(iterable, start=1):
            progress.update(task, completed=done, total=max(total, done))
            if line is not None:
                progress.console.print(escape(line(item)), highlight=False)
            yield item


def _each(iterable: Iterable[T], total: int, line: Callable[[T], str]) -> Iterator[T]:
    for done, item in enumerate(iterable, start=1):
        print(f"[{done}/{max(total, done)}] {line(item)}", file=sys.stderr, flush=True)
        yield item


def _lines(iterable: Iterable[T], total: int, description: str) -> Iterator[T]:
    for done, item in enumerate(iterable, start=1):
        yield item
        if done * LINES // total > (done - 1) * LINES // total:
            print(f"{description}: {done} of {total}", file=sys.stderr, flush=True)
