"""Figures from traces whose answers are known."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipebench.figures import Figures, burst, figures, stall, window
from pipebench.measure import Look, Trace
from pipebench.rederive import rederive
from pipebench.results import Record, TrialSpec

Trail = Callable[..., Trace]


@pytest.fixture
def measured(make_record: Callable[..., Record], spec: TrialSpec) -> Callable[..., Figures]:
    """`measured(trace, step="null", cores=1, **fields)`: the figures of an `ok` trial."""

    def make(trace: Trace, step: str = "null", cores: int = 1, **fields: Any) -> Figures:
        own = replace(spec, step=step, cpus=list(range(cores)))
        found = figures(make_record(trace=trace, spec=own, **fields))
        assert found is not None
        return found

    return make


def epochs(length: int, count: int) -> list[int]:
    return [length * number for number in range(count)]


@pytest.mark.parametrize("status", ["failed", "timeout", "unsupported"])
def test_only_a_trial_that_ended_ok_has_figures(make_record: Callable[..., Record], status: str) -> None:
    assert figures(make_record(status=status)) is None


@pytest.mark.parametrize("gaps", [[], [10]])
def test_fewer_than_three_batches_say_nothing(
    make_record: Callable[..., Record], make_trace: Trail, gaps: list[float]
) -> None:
    assert figures(make_record(trace=make_trace(gaps))) is None


def test_an_even_trace(measured: Callable[..., Figures], make_trace: Trail) -> None:
    found = measured(make_trace([100] * 30))
    assert found.samples_per_second == pytest.approx(100)
    assert found.steady_samples_per_second == pytest.approx(100)
    assert found.batch_seconds == pytest.approx(0.1)
    assert found.window_seconds == pytest.approx(3)
    assert found.first_batch_seconds == pytest.approx(0.5)
    assert found.startup_seconds == pytest.approx(3)
    assert found.boundary_seconds is None
    assert found.stall is None
    assert found.steady
    assert not found.short


@pytest.mark.parametrize("gaps", [[100, 100], [100] * 5, [100] * 18])
def test_tiny_traces_are_used_whole(
    measured: Callable[..., Figures], make_trace: Trail, gaps: list[float]
) -> None:
    found = measured(make_trace(gaps))
    assert found.samples_per_second == pytest.approx(100)
    assert found.short is (sum(gaps) < 2000)


def test_a_slow_start_is_cut(measured: Callable[..., Figures], make_trace: Trail) -> None:
    assert measured(make_trace([400] * 10 + [100] * 60)).samples_per_second == pytest.approx(100)


@pytest.mark.parametrize("rest", [15, 60, 300])
def test_batches_prefetched_before_the_first_are_cut(
    measured: Callable[..., Figures], make_trace: Trail, rest: int
) -> None:
    found = measured(make_trace([0.1] * 4 + [100] * rest))
    assert found.samples_per_second == pytest.approx(100, rel=0.02)


def test_whole_epochs_hold_their_boundaries(measured: Callable[..., Figures], make_trace: Trail) -> None:
    """Epochs of 10 batches: 9 gaps of 100 ms, and one of 300 ms before the first batch."""
    found = measured(make_trace(([100] * 9 + [300]) * 4, epochs=epochs(10, 5)))
    assert found.samples_per_second == pytest.approx(100 / 1.2)
    assert found.steady_samples_per_second == pytest.approx(100)
    assert found.boundary_seconds == pytest.approx(0.3)
    assert found.steady


@pytest.mark.parametrize("offset", range(10))
def test_a_window_over_epochs_holds_each_batch_as_often(
    make_record: Callable[..., Record], make_trace: Trail, offset: int
) -> None:
    gaps = ([100] * 9 + [300]) * 4
    trace = make_trace(gaps[: 25 + offset], epochs=epochs(10, 4))
    counted = window(make_record(trace=trace))
    assert len(counted.batches) in (20, 30)
    assert {number % 10 for number in counted.batches} == set(range(10))


def short_last(count: int) -> tuple[list[float], list[int], Sequence[int]]:
    """`count` epochs of 10 batches, the last of which holds 1 sample and takes a tenth."""
    gaps = ([100.0] * 8 + [10, 150]) * count
    return gaps[:-1], ([10] * 9 + [1]) * count, epochs(10, count)


def test_a_short_last_batch_counts_for_what_it_holds(
    measured: Callable[..., Figures], make_trace: Trail
) -> None:
    gaps, sizes, starts = short_last(5)
    found = measured(make_trace(gaps, sizes, starts))
    assert found.samples_per_second == pytest.approx(91 / 0.96)
    assert found.steady_samples_per_second == pytest.approx(81 / 0.81)
    assert found.boundary_seconds == pytest.approx(0.15)


def test_short_last_batches_are_neither_transient_nor_unsteady(
    measured: Callable[..., Figures], make_record: Callable[..., Record], make_trace: Trail
) -> None:
    gaps, sizes, starts = short_last(3)
    trace = make_trace(gaps, sizes, starts)
    assert measured(trace).steady
    assert window(make_record(trace=trace)).first == 0


def test_one_batch_an_epoch(measured: Callable[..., Figures], make_trace: Trail) -> None:
    found = measured(make_trace([200] * 30, epochs=epochs(1, 31)))
    assert found.samples_per_second == pytest.approx(50)
    assert found.steady_samples_per_second == pytest.approx(50)
    assert found.boundary_seconds == pytest.approx(0.2)


@pytest.mark.parametrize("settings", [{"workers": 4}, {"num_threads": 4}])
def test_workers_that_deliver_together_are_not_counted_short(
    settings: dict[str, Any], make_record: Callable[..., Record], make_trace: Trail
) -> None:
    """Four of them bring four batches each 400 ms; the trial ends within a burst."""
    trace = make_trace([0.0, 0.0, 0.0] + [400, 0.0, 0.0, 0.0] * 3 + [400, 0.0])
    record = make_record(trace=trace, settings=settings)
    found = figures(record)
    assert found is not None
    batches_per_second = found.steady_samples_per_second / trace.sizes[0]
    assert batches_per_second == pytest.approx(10)
    assert rederive(record)["steady_samples_per_second"] == found.steady_samples_per_second


PAUSES = [30.0] * 9 + [900]


@pytest.mark.parametrize("kept", range(35, 50))
def test_a_trial_that_ends_with_a_pause_or_without_one_finds_the_same_pace(
    make_record: Callable[..., Record], make_trace: Trail, kept: int
) -> None:
    """A pause after each tenth batch."""
    record = make_record(trace=make_trace((PAUSES * 5)[:kept]))
    found = figures(record)
    assert found is not None
    assert burst(record) == 10
    assert found.batch_seconds == pytest.approx(0.117)
    assert rederive(record)["batch_seconds"] == pytest.approx(0.117)


@pytest.mark.parametrize("gaps", [PAUSES * 2, [*PAUSES, 30.0, *PAUSES, *PAUSES], [30.0] * 40])
def test_two_pauses_or_uneven_ones_are_no_period(
    make_record: Callable[..., Record], make_trace: Trail, gaps: list[float]
) -> None:
    assert burst(make_record(trace=make_trace(gaps))) == len(make_record().spec.cpus)


@pytest.mark.parametrize("gaps", [[0.1, 0.1, 0.1, 400] * 15 + [0.1, 0.1], [100.0] * 62])
def test_without_a_whole_epoch_the_window_is_a_multiple_of_the_burst(
    make_record: Callable[..., Record], make_trace: Trail, gaps: list[float]
) -> None:
    counted = window(make_record(trace=make_trace(gaps), settings={"workers": 4}))
    assert len(counted.batches) % 4 == 0


def test_where_no_burst_fits_the_window_holds_all_batches(
    make_record: Callable[..., Record], make_trace: Trail
) -> None:
    record = make_record(trace=make_trace([100.0] * 62), settings={"workers": 1000})
    assert len(window(record).batches) == 62 - window(record).first


def test_bursts_are_steady(measured: Callable[..., Figures], make_trace: Trail) -> None:
    found = measured(make_trace([0.1, 0.1, 0.1, 399.7] * 16), cores=4)
    assert found.steady
    assert found.samples_per_second == pytest.approx(100)


def test_a_trial_that_slows_down_is_not_steady(measured: Callable[..., Figures], make_trace: Trail) -> None:
    assert not measured(make_trace(list(np.linspace(100, 130, 60)))).steady


def test_a_window_below_two_seconds_is_short(measured: Callable[..., Figures], make_trace: Trail) -> None:
    assert measured(make_trace([10] * 30)).short


def test_cpu_comes_from_the_looks_within_the_window(
    measured: Callable[..., Figures], make_trace: Trail
) -> None:
    """The looks see 0.5 CPU seconds a second in the tree and 0.52 in the host, at 100 samples/s."""
    found = measured(make_trace([100] * 30), cores=2)
    assert found.cpu_seconds_per_sample == pytest.approx(0.005)
    assert found.core_use == pytest.approx(0.25)
    assert found.foreign_cores == pytest.approx(0.02)


def test_cpu_burnt_before_the_window_does_not_count(
    measured: Callable[..., Figures], make_trace: Trail
) -> None:
    trace = make_trace([400] * 10 + [100] * 60)
    busy = [Look(look.batches, look.at_ns, max(0, look.batches - 11) * 10**7, 0) for look in trace.looks]
    found = measured(replace(trace, looks=busy))
    assert found.cpu_seconds_per_sample == pytest.approx(0.001)
    assert found.foreign_cores == 0


@pytest.mark.parametrize("looks", [0, 1])
def test_too_few_looks_tell_no_cpu(measured: Callable[..., Figures], make_trace: Trail, looks: int) -> None:
    trace = make_trace([100] * 30)
    found = measured(replace(trace, looks=trace.looks[-1:] * looks))
    assert (found.cpu_seconds_per_sample, found.core_use, found.foreign_cores) == (None, None, None)


@pytest.mark.parametrize(
    ("rate", "expected"), [(100, 0.0), (50, 0.0), (200, 0.5), (1000, 0.9), (105, 1 - 100 / 105)]
)
def test_stall_of_an_emulated_accelerator(
    measured: Callable[..., Figures], make_trace: Trail, rate: float, expected: float
) -> None:
    found = measured(make_trace([100] * 50), step=f"emulate:{rate}")
    assert found.stall == pytest.approx(expected, abs=1e-6)


def test_stall_counts_boundaries_that_the_queue_cannot_hide(
    measured: Callable[..., Figures], make_trace: Trail
) -> None:
    """A device of 100/s on epochs of 10 batches that come in 9 x 50 + 800 ms idles 250 ms of each 1250."""
    found = measured(make_trace(([50] * 9 + [800]) * 5, epochs=epochs(10, 6)), step="emulate:100")
    assert found.stall == pytest.approx(0.2, abs=0.01)


def test_stall_of_an_accelerator_comes_from_its_own_clock(
    measured: Callable[..., Figures], make_trace: Trail
) -> None:
    trace = make_trace([100] * 30)
    device = tuple((n * 100, n * 100 + 75) for n in range(31))
    assert measured(trace, step="model:m", device_ns=device).stall == pytest.approx(0.25)


def test_stall_of_a_step_on_the_cpu_is_its_wait(measured: Callable[..., Figures], make_trace: Trail) -> None:
    found = measured(make_trace([100] * 30, step_ms=70), step="model:m")
    assert found.stall == pytest.approx(0.3)
    assert found.wait_seconds == pytest.approx((0.03, 0.03, 0.03))


def test_wait_percentiles(measured: Callable[..., Figures], make_trace: Trail) -> None:
    found = measured(make_trace([100] * 94 + [200, 300, 400, 500, 600, 700]))
    assert found.wait_seconds == tuple(sorted(found.wait_seconds))
    assert found.wait_seconds[0] == pytest.approx(0.1)


def test_a_null_step_has_no_stall(make_record: Callable[..., Record], make_trace: Trail) -> None:
    trace = make_trace([100] * 30)
    record = make_record(trace=trace)
    assert stall(record, trace, window(record)) is None
