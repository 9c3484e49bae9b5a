"""What is seen in the records of a phase."""

from array import array
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pipebench.diagnosis.seen import (
    PRIOR_CV,
    difference_of,
    rate_of,
    ratio_of,
    seconds_for,
    see,
    stray,
)
from pipebench.measure import Look, Trace
from pipebench.results import Record
from pipebench.stats import Interval
from tests.simulated import SimulatedLoader

MS = 1_000_000


def traced(
    record: Record,
    *,
    gap_ms: float = 10,
    cpu_ms: float = 5,
    foreign_ms: float = 0,
    runqueue_ms: float = 0,
    consumer_ms: float = 0,
    gaps: list[float] | None = None,
    **resources: Any,
) -> Record:
    """100 batches of 4 samples; all but the gap is CPU time a batch."""
    steps = gaps or [gap_ms] * 100
    got = [int(sum(steps[: n + 1]) * MS) for n in range(len(steps))]
    looks = [
        Look(n + 1, got[n], int(cpu_ms * n * MS), int((cpu_ms + foreign_ms) * n * MS))
        for n in range(0, len(got), 10)
    ]
    asked = [0, *got[:-1]]
    trace = Trace(array("q", asked), array("q", got), array("q", [4] * len(got)), [0], looks)
    first = {"runqueue_ns": 0, "consumer_ns": 0}
    last = {"runqueue_ns": int(runqueue_ms * 90 * MS), "consumer_ns": int(consumer_ms * 90 * MS)}
    spec = replace(record.spec, cpus=[0, 1])
    return replace(record, spec=spec, trace=trace, resources={"first": first, "last": last} | resources)


@pytest.fixture
def record(make_record: Callable[..., Record]) -> Record:
    return make_record()


def test_rate_cpu_and_use(record: Record) -> None:
    seen = see([traced(record), traced(record)])
    assert seen is not None
    assert seen.rate.estimate == pytest.approx(400)
    assert seen.rate.low < 400 < seen.rate.high
    assert seen.cpu_seconds is not None
    assert seen.cpu_seconds.estimate == pytest.approx(0.00125)
    assert seen.use is not None
    assert seen.use.estimate == pytest.approx(0.25)
    assert seen.idle_seconds is not None
    assert seen.idle_seconds.low < seen.idle_seconds.estimate < seen.idle_seconds.high
    assert seen.idle_seconds.estimate == pytest.approx(2 * 0.75 / 400)
    assert (seen.cores, seen.trials, seen.disturbed) == (2, 2, False)


@pytest.mark.parametrize("step", ["model:resnet50", "mine:make_step"])
def test_the_step_beside_the_loader_is_what_it_does_when_it_does_not_wait(record: Record, step: str) -> None:
    """Of 10 ms a batch of 4 it waits for 4."""
    trial = traced(replace(record, spec=replace(record.spec, step=step)))
    assert trial.trace is not None
    got = trial.trace.got_ns
    asked = array("q", [0, *(at - 4 * MS for at in got[1:])])
    seen = see([replace(trial, trace=replace(trial.trace, asked_ns=asked))])
    assert seen is not None
    assert seen.stall == pytest.approx(0.4)
    assert seen.step_rate is not None
    assert seen.step_rate.estimate == pytest.approx(4 / 0.006)


@pytest.mark.parametrize("step", ["null", "emulate:500"])
def test_a_step_that_the_clock_sets_is_slowed_by_no_loader(record: Record, step: str) -> None:
    seen = see([traced(replace(record, spec=replace(record.spec, step=step)))])
    assert seen is not None
    assert seen.step_rate is None


def test_core_use_is_measured_in_time_however_batches_come(record: Record) -> None:
    """Half a core at work all the time, and batches in bursts that no look falls in with."""
    trial = traced(record, gaps=([1.0] * 6 + [134.0]) * 14)
    assert trial.trace is not None
    got = trial.trace.got_ns
    looks = [Look(n + 1, got[n], got[n] // 2, got[n] // 2) for n in (8, 30, 55, 76)]
    seen = see([replace(trial, trace=replace(trial.trace, looks=looks))])
    assert seen is not None
    assert seen.use is not None
    assert seen.use.estimate == pytest.approx(0.25)


def test_core_use_is_known_better_from_a_long_trial(record: Record) -> None:
    widths = []
    for gap in (10, 40, 80):
        seen = see([traced(record, gap_ms=gap, cpu_ms=gap / 2)])
        assert seen is not None
        assert seen.use is not None
        widths.append(seen.use.high - seen.use.low)
    assert widths[0] == pytest.approx(widths[1] * 2**0.5, rel=0.03)
    assert widths[0] == pytest.approx(widths[2] * 2, rel=0.03)


def test_what_others_took_counts_only_if_it_was_wanted(record: Record) -> None:
    taken = see([traced(record, foreign_ms=10)])
    wanted = see([traced(record, foreign_ms=10, runqueue_ms=8)])
    assert taken is not None
    assert wanted is not None
    assert taken.use is not None
    assert wanted.use is not None
    assert taken.use.estimate == pytest.approx(0.25)
    assert wanted.use.estimate == pytest.approx(0.65)
    assert taken.disturbed


def test_beside_others_a_rate_is_known_less_well(record: Record) -> None:
    alone, beside = see([traced(record)]), see([traced(record, foreign_ms=10)])
    assert alone is not None
    assert beside is not None
    assert beside.foreign_cores == pytest.approx(1)
    assert beside.rate.high / alone.rate.high > 1.3


def test_the_consumer_and_the_workers_waits(record: Record) -> None:
    waits = {"0": 6, "hrtimer_nanosleep": 2, "futex_do_wait": 1, "poll_schedule_timeout.constprop.0": 1}
    seen = see([traced(record, consumer_ms=4, worker_waits=waits)])
    assert seen is not None
    assert seen.consumer == pytest.approx(0.4)
    assert seen.waits == {"runs": 0.6, "sleeps": 0.2, "lock": 0.1, "idle": 0.1}
    assert seen.share_of_waits("reads") == 0


@pytest.mark.parametrize("waits", ["x", ["futex"], {"futex": "x", "0": -1, "pipe": None}, 3])
def test_waits_that_are_none_tell_nothing(waits: object, record: Record) -> None:
    seen = see([traced(record, worker_waits=waits)])
    assert seen is not None
    assert not seen.waits


def test_records_of_before_tell_neither(record: Record) -> None:
    seen = see([replace(traced(record), resources={})])
    assert seen is not None
    assert (seen.consumer, seen.waits) == (None, None)


def test_bursts_are_time_in_long_gaps(record: Record) -> None:
    even = see([traced(record)])
    bursts = see([traced(record, gaps=([2.0] * 9 + [82.0]) * 10)])
    assert even is not None
    assert bursts is not None
    assert even.bursts == 0
    assert bursts.bursts == pytest.approx(0.82, abs=0.03)


def test_uneven_arrivals_make_a_rate_less_certain(record: Record) -> None:
    def width(gaps: list[float], workers: int = 2) -> float:
        seen = see([replace(traced(record, gaps=gaps), settings={"workers": workers})])
        assert seen is not None
        return seen.rate.high / seen.rate.low

    even, pairs, fours = width([10.0] * 40), width([1.0, 19.0] * 20), width([1.0, 1, 1, 37] * 10, workers=4)
    assert even == pytest.approx(pairs) == pytest.approx(fours)
    assert width([2.0] * 19 + [362] + [2.0] * 19 + [362]) > 2 * even
    assert stray([3, 3, 3], 4) == stray([0, 0], 1) == 0


def test_nothing_is_seen_of_trials_without_figures(record: Record) -> None:
    assert see([]) is None
    assert see([replace(traced(record), status="failed")]) is None


def test_one_value_is_known_as_well_as_is_assumed() -> None:
    interval = rate_of([100.0])
    assert interval.estimate == pytest.approx(100)
    assert interval.high / interval.estimate == pytest.approx(1 + 2.13 * PRIOR_CV, abs=0.005)
    assert rate_of([100.0], 0.001).high < 100.3


def test_more_values_narrow_the_interval_and_spread_widens_it() -> None:
    one, four = rate_of([100.0]), rate_of([99.0, 100, 101, 100])
    wild = rate_of([60.0, 100, 140, 100])
    assert four.high - four.low < one.high - one.low < wild.high - wild.low


def test_ratios_and_differences() -> None:
    ratio = ratio_of(Interval(200, 190, 210.5), Interval(100, 95, 105.2))
    assert ratio.estimate == pytest.approx(2)
    assert ratio.low == pytest.approx(2 * 0.93, abs=0.01)
    difference = difference_of(Interval(5, 4, 6), Interval(3, 3, 3))
    assert difference == Interval(2, 1, 3)


def test_much_shorter_trials_do_not_count(record: Record) -> None:
    """By their length alone: the first of them met no pause, and the second one."""
    short = [traced(record, gaps=[2.0] * 20), traced(record, gaps=[2.0] * 10 + [100])]
    long = traced(record, gaps=([2.0] * 9 + [102]) * 4)
    seen, only_short = see([*short, long]), see(short)
    assert seen is not None
    assert seen.trials == 1
    assert seen.rate.estimate == pytest.approx(4 / 0.012)
    assert only_short is not None
    assert only_short.trials == 1


def test_a_trial_lasts_until_pauses_matter_little(record: Record) -> None:
    """Twice as long a trial strays half as much."""
    uneven = traced(record, gaps=[2.0] * 10 + [100] + [2.0] * 13 + [80])
    seconds = seconds_for([traced(record), uneven])
    assert 1 < seconds < 3
    longer = traced(record, gaps=([2.0] * 10 + [100] + [2.0] * 13 + [80]) * 2)
    assert seconds_for([longer]) == pytest.approx(seconds, rel=0.4)


def test_a_trial_that_ended_with_its_first_pause_lasts_for_some_of_them(record: Record) -> None:
    assert seconds_for([traced(record, gaps=[30.0] * 10 + [900])]) >= 2.7


def test_even_arrivals_and_regular_pauses_need_no_longer_trial(record: Record) -> None:
    assert seconds_for([]) == 0
    assert seconds_for([traced(record), traced(record, gaps=([2.0] * 9 + [102]) * 4)]) == 0


def test_what_an_epochs_begin_fetches_belongs_to_the_rate_of_storage(
    make_record: Callable[..., Record],
) -> None:
    """50 batches of 10 in half a second, after half a second in which they were fetched."""
    trace = SimulatedLoader(gaps_ms=[10] * 50, boundary_ms=500).trace("null", 8, 1)
    fetched = {"fetched_bytes": 8_000_000, "requests": 80, "requests_ns": 4_000_000_000}
    record = make_record()
    record = replace(record, trace=trace, cache={**record.cache, **fetched})
    steady, whole = see([record]), see([record], boundaries=True)
    assert steady is not None
    assert whole is not None
    assert steady.rate.estimate == pytest.approx(1000, rel=0.01)
    assert whole.rate.estimate == pytest.approx(500, rel=0.05)
    assert whole.bytes_per_second == pytest.approx(1e6, rel=0.1)
    assert whole.requests is not None
    assert whole.requests.per_second == pytest.approx(10, rel=0.1)
    assert whole.requests.seconds == pytest.approx(0.05)
