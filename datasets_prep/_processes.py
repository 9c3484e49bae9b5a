"""Independent tasks, run in this process or in a few."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
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


def run_tasks(
    function: Callable[[Task], Result], tasks: Iterable[Task], workers: int, tally: Tally | None = None
) -> Iterator[Result]:
    """`function` of each task, in order. With one worker it runs here, else in that many processes.

    `function` and tasks must be picklable. When the caller stops early or an error is raised, tasks
    that run are finished, the rest is dropped, and no process is left. What tasks `advance` by adds up
    in the tally.
    """
    if workers > 1:
        return _in_order(function, tasks, workers, tally)
    if tally is not None:
        HERE.report_to(tally)
    return map(function, tasks)


def default_workers() -> int:
    """As many as there are cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_order(
    function: Callable[[Task], Result], tasks: Iterable[Task], workers: int, tally: Tally | None
) -> Iterator[Result]:
    todo = iter(tasks)
    running: deque[Future[Result]] = deque()
    with _pool(workers, tally) as pool:
        running.extend(pool.submit(function, task) for task in islice(todo, workers * AHEAD))
        while running:
            result = running.popleft().result()
            running.extend(pool.submit(function, task) for task in islice(todo, 1))
            yield result


@contextmanager
def _pool(workers: int, tally: Tally | None) -> Iterator[ProcessPoolExecutor]:
    with pool(workers, context(), tally) as executor, whole():
        yield executor


@contextmanager
def pool(workers: int, how: BaseContext, tally: Tally | None) -> Iterator[ProcessPoolExecutor]:
    """Processes that end with this one, however that goes. When the block is left no process is."""
    executor = ProcessPoolExecutor(workers, how, initializer=_begin, initargs=(tally, dict(os.environ)))
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


@contextmanager
def whole() -> Iterator[None]:
    """Turns the loss of a process into `BadInput`."""
    try:
        yield
    except BrokenProcessPool:
        raise BadInput("a worker process was killed, perhaps for want of memory; use fewer workers") from None


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
