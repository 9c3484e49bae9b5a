"""Processes that stand ready, and what becomes of their tasks."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from pipebench.datasets_prep._tally import HERE
from pipebench.datasets_prep.sharding import crew as _crew
from pipebench.datasets_prep.sharding.crew import Crew, crew
from pipebench.errors import BadInput

MILLION = 1_000_000


@pytest.fixture
def forking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever threads other tests have left: only a fork knows this module's functions."""
    monkeypatch.setattr(_crew, "_is_alone", lambda: True)


def work(number: int) -> tuple[int, int]:
    HERE.advance(MILLION)
    if number < 0:
        raise BadInput(f"no {number}")
    return number, os.getpid()


def die(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def pids(processes: Crew) -> list[int]:
    assert processes.pool is not None
    return [process.pid for process in processes.pool._processes.values()]


@pytest.mark.usefixtures("forking")
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_all_tasks_are_done_and_counted(workers: int) -> None:
    with crew(workers, may_fork=True) as processes:
        done = list(processes.run(work, range(7)))
        assert processes.tally.total == 7 * MILLION
    assert sorted(number for number, _ in done) == list(range(7))
    assert (os.getpid() in {pid for _, pid in done}) == (workers == 1)


def test_where_nothing_is_forked() -> None:
    with crew(2, may_fork=False) as processes:
        assert sorted(processes.run(abs, range(-4, 1))) == [0, 1, 2, 3, 4]


@pytest.mark.usefixtures("forking")
def test_few_tasks_are_out_at_a_time() -> None:
    asked = 0

    def tasks() -> Iterator[int]:
        nonlocal asked
        for number in range(20):
            asked += 1
            yield number

    with crew(2, may_fork=True) as processes:
        results = processes.run(work, tasks())
        for done, _ in enumerate(results, start=1):
            assert asked <= done + 5  # three are out, and two may be ready beside this one
        assert asked == 20


@pytest.mark.usefixtures("forking")
@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_ends_it(workers: int) -> None:
    with pytest.raises(BadInput, match="no -1"), crew(workers, may_fork=True) as processes:
        list(processes.run(work, [1, -1, 2]))


@pytest.mark.usefixtures("forking")
def test_a_process_that_is_killed_is_one_sentence() -> None:
    with pytest.raises(BadInput, match="a worker process was killed"), crew(2, may_fork=True) as processes:
        list(processes.run(die, range(3)))


@pytest.mark.usefixtures("forking")
def test_idle_processes_that_are_killed_are_one_sentence() -> None:
    with crew(2, may_fork=True) as processes:
        list(processes.run(work, range(2)))
        for pid in pids(processes):
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(BadInput, match="a worker process was killed"):
            list(processes.run(work, range(50)))


@pytest.mark.usefixtures("forking")
def test_no_process_is_left() -> None:
    with crew(2, may_fork=True) as processes:
        started = pids(processes)
    for pid in started:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_beside_threads_nothing_is_forked() -> None:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    with crew(2, may_fork=True) as processes:
        assert processes.pool is not None
        assert processes.pool._mp_context.get_start_method() != "fork"
    stop.set()
    thread.join()
