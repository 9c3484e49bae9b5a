"""Verdicts on evidence that was reckoned: each planted bottleneck is named, and none is named wrongly."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipebench.contract import Stage
from pipebench.diagnosis.evidence import Detail, Evidence, Narrow
from pipebench.diagnosis.verdict import bound, gain, judge, name, severity, shared_cpu, slowdown
from pipebench.stats import Interval
from tests.diagnosing import Pipeline, around, seen

WITHHELD = (Narrow.UNDECIDED, Narrow.BALANCED)
HAND_OVER, WORKERS, LOCK = Detail.HAND_OVER, Detail.WORKERS, Detail.LOCK
CASES = {
    "bandwidth": (Pipeline(bucket=1.5), Narrow.STORAGE, None),
    "latency": (Pipeline(latency=3), Narrow.STORAGE, None),
    "decode": (Pipeline(decode=2), Narrow.DECODE, None),
    "transform": (Pipeline(transform=2), Narrow.TRANSFORM, None),
    "batching": (Pipeline(batch=2), Narrow.BATCHING, None),
    "a sleep in the hand-over": (Pipeline(sleep=100), Narrow.OVERHEAD, HAND_OVER),
    "a copy that fills the consumer": (Pipeline(copy=160), Narrow.OVERHEAD, HAND_OVER),
    "a copy that fills the cores": (Pipeline(copy=75), Narrow.OVERHEAD, HAND_OVER),
    "a worker that sleeps when it passes a batch on": (Pipeline(ship=300), Narrow.OVERHEAD, HAND_OVER),
    "copies to the device": (Pipeline(transfer=3), Narrow.TRANSFER, None),
    "decoding before fast copies": (Pipeline(transfer=0.1, decode=2), Narrow.DECODE, None),
    "a slow step after slow copies": (Pipeline(transfer=1, step_rate=500), Narrow.STEP, None),
    "one worker": (Pipeline(workers=1), Narrow.OVERHEAD, WORKERS),
    "one worker, dear decode": (Pipeline(workers=1, decode=3), Narrow.OVERHEAD, WORKERS),
    "a lock": (Pipeline(locked=3), Narrow.OVERHEAD, LOCK),
    "a slow step": (Pipeline(step_rate=600), Narrow.STEP, None),
    "a step that burns the cores": (Pipeline(step_rate=1700, step_cpu=0.6), Narrow.CPU_SHARED, None),
    "equal speeds": (Pipeline(step_rate=2000 / 1.11), Narrow.BALANCED, None),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_planted_is_named(case: str) -> None:
    pipeline, verdict, detail = CASES[case]
    named = name(pipeline.evidence())
    assert (named.verdict, named.detail) == (verdict, detail), named.why


@pytest.mark.parametrize("case", CASES)
@given(seed=st.integers(0, 10**6), amount=st.floats(0.5, 2))
def test_nothing_else_is_ever_named(case: str, seed: int, amount: float) -> None:
    pipeline, verdict, detail = CASES[case]
    planted = {
        key: value * amount
        for key in ("bucket", "latency", "sleep", "copy", "locked", "step_cpu", "ship", "transfer")
        if (value := getattr(pipeline, key))
    }
    named = name(replace(pipeline, **planted).evidence(Random(seed)))
    if amount >= 1 and named.verdict not in WITHHELD:
        assert (named.verdict, named.detail) == (verdict, detail), named.why


RATES = st.floats(10, 10_000)


@given(step=RATES, loader=RATES, width=st.floats(0.01, 0.3))
def test_no_term_is_named_whose_interval_overlaps_the_next(step: float, loader: float, width: float) -> None:
    evidence = Evidence(
        cores=2,
        loader=seen(loader, width=width),
        step=seen(step, cpu_ms=0.001, width=width),
        end_to_end=seen(min(step, loader), stall=0.0),
    )
    low, high = sorted((around(step, width), around(loader, width)), key=lambda rate: rate.estimate)
    if low.high >= high.low:
        assert name(evidence).verdict in WITHHELD


def test_no_stage_is_named_while_cores_stand_idle() -> None:
    """A hand-over that sleeps leaves decode the largest user of CPU time, and it is not the cause."""
    evidence = Pipeline(decode=1, sleep=300).evidence()
    assert name(evidence).verdict is Narrow.OVERHEAD
    assert name(replace(evidence, larger_batch=None)).verdict is not Narrow.DECODE


def test_waiting_reads_are_not_storage_before_the_hand_over_is_ruled_out() -> None:
    evidence = Pipeline(bucket=1.5).evidence()
    for missing in ("larger_batch", "read_one_core"):
        assert name(replace(evidence, **{missing: None})).verdict is Narrow.UNDECIDED  # type: ignore[arg-type] # names fit


@pytest.mark.parametrize("pipeline", [Pipeline(lock_sleeps=3), Pipeline(decode_waits=5)])
def test_what_could_be_two_things_is_undecided(pipeline: Pipeline) -> None:
    """A device that serves one at a time, or a lock; too few workers, or a decoder elsewhere that is slow."""
    named = name(pipeline.evidence())
    assert named.verdict is Narrow.UNDECIDED, named.why


def test_workers_that_all_wait_for_their_helpers_hold_no_lock() -> None:
    """As where reads are done by threads: the worker itself waits for them."""
    evidence = Pipeline(bucket=1.5).evidence()
    read = replace(evidence.cuts[Stage.READ], waits={"lock": 0.97, "runs": 0.03})
    cuts = {**evidence.cuts, Stage.READ: read}
    assert name(replace(evidence, cuts=cuts)).verdict is Narrow.STORAGE


def test_twice_the_workers_show_a_lock_that_few_looks_missed() -> None:
    evidence = Pipeline(locked=3).evidence()
    assert evidence.more_workers is not None
    missed = replace(evidence, loader=replace(evidence.loader, waits={"runs": 0.85, "lock": 0.15}))
    named = name(missed)
    assert named.detail is LOCK
    assert "15% of the looks, and with twice as many of them in 66%" in named.why[1]
    unseen = replace(evidence.more_workers, waits={"runs": 0.85, "lock": 0.15})
    assert name(replace(missed, more_workers=unseen)).verdict is Narrow.UNDECIDED


def test_a_file_that_tells_no_number_of_workers_divides_by_nothing() -> None:
    evidence = Pipeline(locked=3).evidence()
    missed = replace(evidence.loader, waits={"runs": 0.85, "lock": 0.15})
    assert name(replace(evidence, loader=missed, workers=0)).detail is LOCK


def test_core_use_shows_that_more_workers_help_nothing_where_rates_are_uncertain() -> None:
    evidence = Pipeline(locked=3).evidence()
    assert evidence.more_workers is not None
    uncertain = replace(evidence.more_workers, rate=around(evidence.more_workers.rate.estimate, 0.3))
    assert name(replace(evidence, more_workers=uncertain)).detail is LOCK
    unknown = replace(uncertain, use=Interval(0.6, 0.4, 0.8))
    assert name(replace(evidence, more_workers=unknown)).verdict is Narrow.UNDECIDED


def test_threads_whose_rates_are_uncertain_show_their_lock_in_core_use() -> None:
    """Cut before the hand-over they leave as much of the cores idle, whatever their rates are."""
    evidence = Pipeline(locked=3).evidence()
    loader = replace(evidence.loader, rate=around(300, 0.2), use=Interval(0.5, 0.47, 0.53), waits={})
    more = replace(loader, rate=around(320, 0.2))
    cut = replace(loader, rate=around(310, 0.45))
    alone = replace(loader, use=Interval(1.0, 0.95, 1.05))
    cuts = {**evidence.cuts, Stage.TRANSFORM: cut}
    threads = replace(
        evidence, loader=loader, cuts=cuts, more_workers=more, larger_batch=loader, one_core=alone
    )
    named = name(threads)
    assert (named.verdict, named.detail) == (Narrow.OVERHEAD, LOCK), named.why
    assert named.why[-1] == "with twice the workers the loader uses no more of its cores"
    busier = replace(cut, use=Interval(0.7, 0.66, 0.74))
    assert name(replace(threads, cuts={**cuts, Stage.TRANSFORM: busier})).verdict is Narrow.UNDECIDED


def test_more_workers_that_use_no_more_cores_are_not_what_was_missing() -> None:
    """Threads that share a lock deliver so unevenly that twice as many may seem faster."""
    evidence = replace(Pipeline(locked=3).evidence(), loader=replace(Pipeline(locked=3).seen(), waits={}))
    assert evidence.more_workers is not None
    rate = evidence.loader.rate.estimate
    named = name(replace(evidence, more_workers=replace(evidence.more_workers, rate=around(1.33 * rate))))
    assert named.verdict is Narrow.UNDECIDED
    assert "not shown to use more" in named.why[1]


def test_workers_that_mostly_wait_are_not_too_few_however_few_looks_met_them_waiting() -> None:
    evidence = Pipeline(decode_waits=2).evidence()
    lucky = replace(evidence.loader, waits={"runs": 0.6, "sleeps": 0.4})
    named = name(replace(evidence, loader=lucky))
    assert named.verdict is Narrow.UNDECIDED
    assert "not shown to be busy" in named.why[1]


def test_larger_batches_from_afar_say_nothing_of_the_hand_over() -> None:
    """They are fetched with more requests at once."""
    evidence = Pipeline(bucket=1.5).evidence()
    faster = replace(evidence, larger_batch=seen(1200, use=0.7))
    assert name(faster).detail is HAND_OVER
    assert name(replace(faster, is_remote=True)).verdict is Narrow.STORAGE


def test_stages_that_cannot_be_told_apart_are_undecided() -> None:
    named = name(Pipeline(decode=1, transform=0.98).evidence())
    assert named.verdict is Narrow.UNDECIDED
    assert "cannot be told apart" in named.why[0]


@pytest.mark.parametrize(("transform", "verdict"), [(0.53, Narrow.UNDECIDED), (0.60, Narrow.TRANSFORM)])
def test_a_stage_is_named_only_where_its_interval_is_clearly_apart(transform: float, verdict: Narrow) -> None:
    """Neighbours share the cut between them, so that an error there counts twice for which of them leads."""
    ends = {Stage.READ: 0.02, Stage.DECODE: 0.53, Stage.TRANSFORM: 0.53 + transform}
    evidence = Pipeline().evidence()
    cuts = {
        stage: replace(evidence.cuts[stage], cpu_seconds=around(ms / 1000, 0.01))
        for stage, ms in ends.items()
    }
    loader = replace(evidence.loader, cpu_seconds=around(0.0012, 0.01))
    assert name(replace(evidence, cuts=cuts, loader=loader)).verdict is verdict


@pytest.mark.parametrize(("stray", "verdict"), [(0.1, Narrow.UNDECIDED), (0.01, Narrow.DECODE)])
def test_stages_are_not_told_apart_in_uneven_bursts(stray: float, verdict: Narrow) -> None:
    """CPU time is not that of the samples which were delivered meanwhile; of whole even bursts it is."""
    evidence = Pipeline(decode=2).evidence()
    named = name(replace(evidence, loader=replace(evidence.loader, bursts=0.6, stray=stray)))
    assert named.verdict is verdict


def test_no_stage_is_named_while_workers_take_turns_for_a_lock() -> None:
    """Beside other processes the cores seem full all the same."""
    evidence = Pipeline(decode=2).evidence()
    waits = {"runs": 0.7, "lock": 0.3}
    named = name(replace(evidence, loader=replace(evidence.loader, waits=waits)))
    assert named.verdict is Narrow.UNDECIDED


def test_stages_that_a_loader_fuses_are_one() -> None:
    fused = ((Stage.DECODE, Stage.TRANSFORM),)
    named = name(replace(Pipeline(decode=1, transform=0.98).evidence(), fused=fused))
    assert named.verdict is Narrow.DECODE_TRANSFORM


def test_without_cuts_a_full_loader_is_undecided() -> None:
    named = name(replace(Pipeline(decode=2).evidence(), cuts={}))
    assert named.verdict is Narrow.UNDECIDED
    assert "no cut divides it" in named.why[0]


def test_a_pipeline_slower_than_all_of_its_terms_is_no_stage() -> None:
    evidence = Pipeline(step_rate=900).evidence()
    slow = replace(evidence, end_to_end=seen(500, stall=0.4))
    assert name(slow).verdict is Narrow.UNDECIDED
    bursts = replace(slow, loader=replace(slow.loader, bursts=0.5))
    assert (name(bursts).verdict, name(bursts).detail) == (Narrow.OVERHEAD, HAND_OVER)


@pytest.mark.parametrize(("beside", "told"), [(600, 1), (850, 0), (900, 0)])
def test_a_step_that_the_loader_slows_is_evidence(beside: float, told: int) -> None:
    """And changes no verdict."""
    evidence = Pipeline(step_rate=900).evidence()
    slow = replace(evidence, end_to_end=replace(seen(500, stall=0.1), step_rate=around(beside)))
    named = name(slow)
    assert named.verdict is name(replace(evidence, end_to_end=seen(500))).verdict is Narrow.UNDECIDED
    assert sum("they slow each other" in why for why in named.why) == told

    shared = Pipeline(step_rate=1700, step_cpu=0.6).evidence()
    assert shared.end_to_end is not None
    whole = replace(shared.end_to_end, step_rate=around(beside))
    named = name(replace(shared, end_to_end=whole))
    assert named.verdict is Narrow.CPU_SHARED
    assert "beside the loader the step by itself makes" in named.why[1]


def test_bursts_that_reading_shows_too_are_not_the_hand_overs() -> None:
    evidence = Pipeline(step_rate=900).evidence()
    read = replace(evidence.cuts[Stage.READ], bursts=0.5)
    slow = replace(
        evidence,
        end_to_end=seen(500, stall=0.4),
        loader=replace(evidence.loader, bursts=0.5),
        cuts={**evidence.cuts, Stage.READ: read},
    )
    assert name(slow).verdict is Narrow.UNDECIDED


def test_a_loader_neither_full_nor_idle_is_undecided() -> None:
    evidence = Pipeline().evidence()
    middling = replace(evidence.loader, use=around(0.84, 0.05))
    assert name(replace(evidence, loader=middling)).verdict is Narrow.UNDECIDED


def test_a_loader_neither_full_nor_idle_is_what_it_would_be_as_either() -> None:
    """The thread that takes the batches is full, and what it does is most of the work."""
    evidence = Pipeline(copy=107).evidence()
    use = evidence.loader.use
    assert use is not None
    assert use.low < 0.80 < 0.85 < use.high
    named = name(evidence)
    assert (named.verdict, named.detail) == (Narrow.OVERHEAD, HAND_OVER)
    asleep = replace(evidence, loader=replace(evidence.loader, consumer=0.5))
    assert name(asleep).verdict is Narrow.UNDECIDED


def test_cold_storage_below_the_loader_is_storage() -> None:
    evidence = Pipeline().evidence()
    cold = replace(evidence, storage=seen(600), end_to_end=seen(600, stall=0.85))
    assert name(cold).verdict is Narrow.STORAGE
    assert name(replace(cold, storage=seen(1700), end_to_end=seen(1650))).verdict in WITHHELD


def test_the_shared_cpu_is_no_term_where_the_step_needs_little_of_it() -> None:
    evidence = Pipeline(step_cpu=0.05).evidence()
    assert name(evidence).verdict is not Narrow.CPU_SHARED
    shared = shared_cpu(evidence)
    assert shared is not None
    assert shared.estimate == pytest.approx(2000 / 1.16)
    assert bound(evidence) == shared


@pytest.mark.parametrize(
    ("stall", "told"),
    [(None, "unknown"), (0.049, "fine"), (0.05, "moderate"), (0.2, "moderate"), (0.21, "severe")],
)
def test_severity_is_by_stall(stall: float | None, told: str) -> None:
    assert severity(stall) == told


def test_a_perfect_loader_brings_what_the_step_alone_reaches() -> None:
    verdict = judge(Pipeline(decode=2, step_rate=1500).evidence())
    assert verdict.gain is not None
    assert verdict.gain.estimate == pytest.approx(1500 / (2000 / 2.61))
    assert verdict.slowdown == pytest.approx(1 - 2000 / 2.61 / 1500)
    assert verdict.severity == "severe"


def test_a_loader_as_slow_as_its_copies_that_fills_its_cores_is_balanced() -> None:
    assert name(Pipeline(transfer=0.555).evidence()).verdict is Narrow.BALANCED


def test_a_loader_that_makes_its_batches_on_the_device_is_not_bound_by_copies() -> None:
    evidence = replace(Pipeline(decode=2).evidence(), transfer=seen(300))
    verdict = judge(evidence)
    assert verdict.named.verdict is Narrow.DECODE
    assert verdict.gain is not None
    assert verdict.gain.estimate == pytest.approx(4000 / (2000 / 2.61))


def test_a_perfect_loader_is_no_faster_than_the_copies() -> None:
    verdict = judge(Pipeline(decode=2, transfer=1, step_rate=4000).evidence())
    assert verdict.gain is not None
    assert verdict.gain.estimate == pytest.approx(1000 / (2000 / 2.61))


@pytest.mark.parametrize("lacks", ["step", "transfer"])
def test_a_term_that_could_not_be_measured_alone_withholds_the_verdict(lacks: str) -> None:
    named = name(replace(Pipeline(decode=2).evidence(), lacks=lacks))
    assert named.verdict is Narrow.UNDECIDED
    assert named.why == (f"the {lacks} alone was not measured, and may be what is narrow",)


def test_the_null_step_tells_no_cost() -> None:
    evidence = replace(Pipeline(decode=2).evidence(), step=None, end_to_end=None)
    verdict = judge(evidence)
    assert (verdict.named.verdict, verdict.severity, verdict.stall) == (Narrow.DECODE, "unknown", None)
    assert gain(evidence) is None
    assert slowdown(evidence) is None
