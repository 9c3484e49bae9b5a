"""The timed loop, with a clock that never waits."""

from collections.abc import Iterator
from itertools import repeat

import numpy as np
import pytest

from pipebench.contract import Batch
from pipebench.measure import Budget, SystemClock, Trace, measure
from pipebench.step import NullStep, Step

MS = 1_000_000


class FakeClock:
    """Time passes only when someone sleeps, burns, or calls `pass_ns`."""

    def __init__(self) -> None:
        self.at = 0

    def now_ns(self) -> int:
        return self.at

    def sleep_ns(self, duration_ns: int) -> None:
        self.at += duration_ns

    burn_ns = pass_ns = sleep_ns


class Slow:
    """Takes `cost_ns` of the fake clock's time for each of `batches` batches an epoch."""

    def __init__(self, clock: FakeClock, cost_ns: int, batches: int = 5) -> None:
        self.clock, self.cost_ns, self.batches = clock, cost_ns, batches

    def epoch(self, number: int) -> Iterator[Batch]:
        for batch in range(self.batches):
            self.clock.pass_ns(self.cost_ns)
            yield Batch(None, None, np.arange(4 if batch < self.batches - 1 else 3))

    def close(self) -> None:
        pass


def run(budget: Budget, cost_ns: int = 100 * MS, batches: int = 5, step: Step | None = None) -> Trace:
    clock = FakeClock()
    looks = iter(range(1, 10_000))
    slow = Slow(clock, cost_ns, batches)
    return measure(slow, step or NullStep(), budget, clock, lambda: (next(looks), 0))


def test_every_arrival_is_kept_with_its_size_and_epoch() -> None:
    trace = run(Budget(epochs=2))
    assert list(trace.got_ns) == [100 * MS * (i + 1) for i in range(10)]
    assert list(trace.asked_ns) == [100 * MS * i for i in range(10)]
    assert list(trace.sizes) == [4, 4, 4, 4, 3] * 2
    assert trace.epochs == [0, 5]


def test_it_stops_after_the_seconds_and_the_least_batches() -> None:
    assert 11 <= len(run(Budget(seconds=1, min_batches=3)).got_ns) <= 14
    assert len(run(Budget(seconds=1, min_batches=30)).got_ns) >= 30


def test_it_stops_at_the_most_seconds_even_with_few_batches() -> None:
    assert len(run(Budget(seconds=1, min_batches=20, max_seconds=10), cost_ns=3000 * MS).got_ns) == 5


def test_it_never_outgrows_its_arrays() -> None:
    assert len(run(Budget(seconds=100, max_batches=7), cost_ns=1).got_ns) == 7


def test_a_pause_that_the_step_asks_for_is_slept() -> None:
    class Pausing(NullStep):
        def __call__(self, batch: Batch, arrived_ns: int) -> int:
            return 50 * MS

    trace = run(Budget(epochs=1), step=Pausing())
    assert trace.asked_ns[1] - trace.got_ns[0] == 50 * MS


def test_it_looks_at_the_tree_four_times_a_second() -> None:
    trace = run(Budget(seconds=2, min_batches=1))
    assert [look.batches for look in trace.looks][:3] == [1, 4, 7]
    assert trace.looks[-1].batches == len(trace.got_ns)


def test_an_empty_epoch_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="epoch 0 brought no batch"):
        run(Budget(), batches=0)


def test_a_loader_that_ends_early_in_a_later_epoch_is_an_error() -> None:
    clock = FakeClock()

    class Dry(Slow):
        def epoch(self, number: int) -> Iterator[Batch]:
            return super().epoch(number) if number == 0 else iter(())

    with pytest.raises(RuntimeError, match="epoch 1 brought no batch"):
        measure(Dry(clock, MS), NullStep(), Budget(), clock, lambda: (0, 0))


def test_the_system_clock_is_shared_by_processes_and_burns_cpu() -> None:
    import time

    clock = SystemClock()
    before, cpu = clock.now_ns(), time.thread_time_ns()
    clock.burn_ns(2 * MS)
    assert time.thread_time_ns() - cpu >= 2 * MS
    assert clock.now_ns() > before


def test_the_loop_allocates_nothing_that_grows() -> None:
    """Half a million steps keep 24 bytes each, and no more."""
    import tracemalloc

    class Repeat:
        def epoch(self, number: int) -> Iterator[Batch]:
            return repeat(Batch(None, None, np.arange(8)), 31)

        def close(self) -> None:
            pass

    tracemalloc.start()
    trace = measure(Repeat(), NullStep(), Budget(max_batches=20_000), SystemClock(), lambda: (0, 0))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 3 * len(trace.got_ns) * 1.5 + 100_000
