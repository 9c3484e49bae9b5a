"""Independent tasks, run in this process or in a few, with their results in order."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing.connection import wait
from typing import TypeVar

from pipebench.errors import BadInput

Task = TypeVar("Task")
Result = TypeVar("Result")

AHEAD = 4
"""Tasks that are handed out per worker before the oldest result is taken."""


def run_tasks(function: Callable[[Task], Result], tasks: Iterable[Task], workers: int) -> Iterator[Result]:
    """`function` of each task, in order. With one worker it runs here, else in that many processes.

    `function` and tasks must be picklable. When the caller stops early or an error is raised, tasks
    that run are finished, the rest is dropped, and no process is left.
    """
    return map(function, tasks) if workers == 1 else _in_processes(function, tasks, workers)


def default_workers() -> int:
    """As many as there are cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_processes(
    function: Callable[[Task], Result], tasks: Iterable[Task], workers: int
) -> Iterator[Result]:
    executor = ProcessPoolExecutor(workers, _context(), initializer=_begin)
    todo = iter(tasks)
    running: deque[Future[Result]] = deque()
    try:
        running.extend(executor.submit(function, task) for task in islice(todo, workers * AHEAD))
        while running:
            result = running.popleft().result()
            running.extend(executor.submit(function, task) for task in islice(todo, 1))
            yield result
    except BrokenProcessPool:
        raise BadInput("a worker process was killed, perhaps for want of memory; use fewer workers") from None
    finally:
        executor.shutdown(cancel_futures=True)


def _context() -> multiprocessing.context.BaseContext:
    """Not fork: the caller may have threads, such as a progress bar's."""
    forkserver = "forkserver" in multiprocessing.get_all_start_methods()
    return multiprocessing.get_context("forkserver" if forkserver else "spawn")


def _begin() -> None:
    """Leaves Ctrl-C to the parent, and ends when the parent is gone, however it went."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
