"""Independent tasks, run in this process or in a few."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor
from concurrent.futures import wait as wait_for
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from typing import TypeVar

from pipebench.errors import BadInput

from ._tally import HERE, Tally

Task = TypeVar("Task")
Result = TypeVar("Result")

AHEAD = 4
"""Tasks that are handed out per worker before the oldest result is taken."""


def run_tasks(function: Callable[[Task], Result], tasks: Iterable[Task], workers: int) -> Iterator[Result]:
    """`function` of each task, in order. With one worker it runs here, else in that many processes.

    `function` and tasks must be picklable. When the caller stops early or an error is raised, tasks
    that run are finished, the rest is dropped, and no process is left.
    """
    return map(function, tasks) if workers == 1 else _in_order(function, tasks, workers)


def run_large(
    function: Callable[[Task], Result], tasks: Iterable[Task], workers: int, tally: Tally
) -> Generator[Result, None, None]:
    """As `run_tasks`, for tasks that take memory: few are out at a time, and results come as they are ready.

    What the tasks `advance` by adds up in the tally.
    """
    if workers == 1:
        HERE.report_to(tally)
        yield from map(function, tasks)
    else:
        yield from _as_ready(function, tasks, workers, tally)


def default_workers() -> int:
    """As many as there are cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_order(function: Callable[[Task], Result], tasks: Iterable[Task], workers: int) -> Iterator[Result]:
    todo = iter(tasks)
    running: deque[Future[Result]] = deque()
    with _pool(workers, None) as pool:
        running.extend(pool.submit(function, task) for task in islice(todo, workers * AHEAD))
        while running:
            result = running.popleft().result()
            running.extend(pool.submit(function, task) for task in islice(todo, 1))
            yield result


def _as_ready(
    function: Callable[[Task], Result], tasks: Iterable[Task], workers: int, tally: Tally
) -> Iterator[Result]:
    todo = iter(tasks)
    with _pool(workers, tally) as pool:
        running = {pool.submit(function, task) for task in islice(todo, workers + 1)}
        while running:
            ready, running = wait_for(running, return_when=FIRST_COMPLETED)
            results = [future.result() for future in ready]
            running |= {pool.submit(function, task) for task in islice(todo, len(ready))}
            yield from results


@contextmanager
def _pool(workers: int, tally: Tally | None) -> Iterator[ProcessPoolExecutor]:
    executor = ProcessPoolExecutor(workers, context(), initializer=_begin, initargs=(tally, dict(os.environ)))
    try:
        yield executor
    except BrokenProcessPool:
        raise BadInput("a worker process was killed, perhaps for want of memory; use fewer workers") from None
    finally:
        executor.shutdown(cancel_futures=True)


def context() -> BaseContext:
    """Not fork: the caller may have threads, such as a progress bar's."""
    forkserver = "forkserver" in multiprocessing.get_all_start_methods()
    return multiprocessing.get_context("forkserver" if forkserver else "spawn")


def _begin(tally: Tally | None, environment: Mapping[str, str]) -> None:
    """Leaves Ctrl-C to the parent, and ends when the parent is gone, however it went.

    The server that forks has the environment of when it was started, perhaps without the storage's keys.
    """
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if tally is not None:
        HERE.report_to(tally)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
