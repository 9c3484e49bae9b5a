"""Processes that stand ready before there is work for them, for tasks that take long and much memory."""

import multiprocessing
import os
import sys
import threading
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing.context import BaseContext
from typing import TypeVar

from .._processes import context, pool, whole
from .._tally import HERE, Tally

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """Some processes or, alone, this one."""

    workers: int
    tally: Tally
    """What tasks `advance` by adds up here."""
    pool: ProcessPoolExecutor | None

    def run(self, function: Callable[[Task], Result], tasks: Iterable[Task]) -> Generator[Result, None, None]:
        """`function` of each task, as they are ready. One task more than there are workers is out at a time.

        When the caller stops early or an error is raised, tasks that run are finished, and the rest dropped.
        """
        if self.pool is None:
            HERE.report_to(self.tally)
            yield from map(function, tasks)
            return
        todo = iter(tasks)
        with whole():
            running = {self.pool.submit(function, task) for task in islice(todo, self.workers + 1)}
            while running:
                ready, running = wait(running, return_when=FIRST_COMPLETED)
                results = [future.result() for future in ready]
                running |= {self.pool.submit(function, task) for task in islice(todo, len(ready))}
                yield from results


@contextmanager
def crew(workers: int, *, may_fork: bool) -> Iterator[Crew]:
    """Starts the processes at once. To fork is fastest, where the caller allows it and has no threads."""
    how = _forking() if may_fork and _is_alone() else context()
    tally = Tally(how)
    if workers == 1:
        yield Crew(workers=1, tally=tally, pool=None)
        return
    with pool(workers, how, tally) as executor:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which only libraries have here
            for _ in range(workers):
                executor.submit(os.getpid)
        yield Crew(workers=workers, tally=tally, pool=executor)


def _is_alone() -> bool:
    return sys.platform == "linux" and threading.active_count() == 1


def _forking() -> BaseContext:
    """Imports first what all workers need, for them to share."""
    import pyarrow.compute
    import pyarrow.parquet  # noqa: F401

    return multiprocessing.get_context("fork")
