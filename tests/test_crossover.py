"""Sweep, prediction and its check, over loaders whose truth is known; no trial takes any time."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pipebench.crossover import Predictor, unmeasured_rate
from pipebench.crossover_answer import answer
from pipebench.figures import figures
from pipebench.goal import Goal
from pipebench.results import CEILING, Record, TrialSpec, read
from pipebench.runner import run
from pipebench.schedule import Contestant, Plan
from pipebench.seen import Seen, own_rates, seen, utilisation
from pipebench.sweep import FACTORS, Shape, first_plan, step, sweep_plan
from tests.simulated import SimulatedLoader, executor

EVEN = SimulatedLoader(gaps_ms=[10] * 100, noise=0.05)
"""1000 samples/s."""
BURSTS = SimulatedLoader(gaps_ms=([60] + [5] * 9) * 10, noise=0.05, buffer=3)
STALLS = SimulatedLoader(gaps_ms=[300 if n % 50 == 7 else 6 for n in range(100)], noise=0.05, buffer=3)
GAPS = SimulatedLoader(gaps_ms=[10] * 100, boundary_ms=250, noise=0.05)
BOTH = SimulatedLoader(gaps_ms=([60] + [5] * 9) * 10, boundary_ms=200, noise=0.05, buffer=2)
TRUE = {"even": EVEN, "bursts": BURSTS, "stalls": STALLS, "gaps": GAPS, "both": BOTH}


@pytest.fixture
def sweep(make_record: Callable[..., Record], spec: TrialSpec, tmp_path: Path) -> Callable[..., Seen]:
    """`sweep(loader, blocks=3)`: a whole sweep of it."""

    def made(loader: SimulatedLoader, blocks: int = 3) -> Seen:
        plan = plan_of(spec)
        execute = executor(make_record, {"dali": loader})
        out = tmp_path / "r.jsonl"
        out.unlink(missing_ok=True)
        rates = own_rates((r for r in run(first_plan(plan), out, execute) if r.contestant == "own"), figures)
        records = list(run(sweep_plan(plan, rates, Shape(blocks=blocks, samples=1000)), out, execute))
        found = seen(plan.contestants[1], records, figures, 1000)
        assert found is not None
        return found

    return made


def plan_of(spec: TrialSpec) -> Plan:
    contestants = tuple(
        Contestant(label=label, specs=(replace(spec, loader=loader, cpus=[0, 1], seconds=3.0),))
        for label, loader in ((CEILING, CEILING), ("own", "dali"))
    )
    return Plan(contestants=contestants, goal=Goal(blocks=1), seed=0, trial_timeout=1)


def true_share(loader: SimulatedLoader, rate: float, make_record: Callable[..., Record]) -> float:
    """Over a trial of 100 s."""
    record = make_record(spec=replace(make_record().spec, step=step(rate)))
    record = replace(record, trace=loader.trace(step(rate), 100, 77))
    found = figures(record)
    assert found is not None
    return utilisation(record, found)


@pytest.mark.parametrize("name", TRUE)
def test_eight_rates_that_were_not_measured_are_predicted_within_three_points(
    name: str, sweep: Callable[..., Seen], make_record: Callable[..., Record]
) -> None:
    found = sweep(TRUE[name])
    predictor = Predictor(found)
    for factor in (0.4, 0.65, 0.8, 0.95, 1.0, 1.12, 1.4, 2.2):
        rate = found.own_rate * factor
        predicted = predictor.at(rate)
        assert predicted.inside
        assert predicted.share.estimate == pytest.approx(true_share(TRUE[name], rate, make_record), abs=0.03)
        assert 0 <= predicted.share.low <= predicted.share.estimate <= predicted.share.high <= 1


def test_an_even_loader_feeds_up_to_its_own_rate(sweep: Callable[..., Seen]) -> None:
    crossing = Predictor(sweep(EVEN)).crossing(0.95)
    assert crossing.rate is not None
    assert crossing.rate.estimate == pytest.approx(1000 / 0.95, rel=0.03)
    assert crossing.rate.low <= crossing.rate.estimate <= crossing.rate.high


def test_boundaries_may_keep_an_accelerator_from_ever_being_used_so_much(sweep: Callable[..., Seen]) -> None:
    slow_ends = SimulatedLoader(gaps_ms=[10] * 100, boundary_ms=3000, noise=0.01)
    predictor = Predictor(sweep(slow_ends))
    assert predictor.crossing(0.95).rate is None
    assert sweep(slow_ends).boundaries


def test_far_beyond_the_sweep_the_loader_alone_decides(sweep: Callable[..., Seen]) -> None:
    found = sweep(EVEN)
    predicted = Predictor(found).at(100_000)
    assert not predicted.inside
    assert predicted.share.estimate == pytest.approx(found.own_rate / 100_000, rel=0.03)


def made_up(**fields: Any) -> Seen:
    """A loader of 1000 samples/s in three blocks, each a little slower than the last."""
    blocks = {n: {1000 * f: min(1, (1 - 0.01 * n) / f) for f in FACTORS} for n in range(3)}
    raw: dict[str, Any] = {
        "contestant": "x",
        "cores": 2,
        "own": {0: 1000.0, 1: 990.0, 2: 980.0},
        "shares": blocks,
        "by_cores": {},
    }
    return Seen(**(raw | fields))


def test_intervals_come_from_the_blocks() -> None:
    found = Predictor(made_up()).crossing(0.9)
    assert found.rate is not None
    assert found.rate.estimate == pytest.approx(990 / 0.9, rel=0.02)
    assert found.rate.low < 980 / 0.9 < 1000 / 0.9 < found.rate.high
    assert Predictor(made_up()).indicative


def test_a_replay_that_differs_widens_the_interval() -> None:
    from pipebench.replay import Pace

    slow = Pace(gaps_ns=[20_000_000] * 100, sizes=[10] * 100, starts=frozenset())
    predictor = Predictor(made_up(pace=slow))
    predicted = predictor.at(1000)
    assert predicted.widened
    assert predicted.share.low == pytest.approx(0.5, abs=0.01)
    assert predicted.share.estimate == pytest.approx(0.97, abs=0.03)
    crossing = predictor.crossing(0.95)
    assert crossing.widened
    assert crossing.rate is not None
    assert crossing.rate.low == pytest.approx(500 / 0.95, rel=0.02)


def test_the_rate_to_try_was_not_measured() -> None:
    predictor = Predictor(made_up())
    assert unmeasured_rate(predictor, [1250, 1020, 5000, 2000]) == 1250
    assert unmeasured_rate(predictor, [1020, 50, 90_000]) == pytest.approx((1030 * 1150) ** 0.5)


def test_a_sweep_is_blocks_of_every_step_in_random_order(
    make_record: Callable[..., Record], spec: TrialSpec, tmp_path: Path
) -> None:
    calls: list[tuple[str, int, str]] = []
    plan, out = plan_of(spec), tmp_path / "r.jsonl"
    execute = executor(make_record, {"dali": EVEN}, calls)
    rates = own_rates((r for r in run(first_plan(plan), out, execute) if r.contestant == "own"), figures)
    whole = sweep_plan(plan, rates, Shape(blocks=2, samples=1000))
    list(run(whole, out, execute))
    blocks = [[c for c in calls if c[1] == n and c[0] != CEILING] for n in (0, 1)]
    assert len(blocks[0]) == len(blocks[1]) == len(FACTORS) + 5
    cuts = {f"own until {stage}" for stage in ("read", "decode", "transform")}
    assert {c[0] for c in blocks[1]} == {"own", "own on 1 core", *cuts}
    assert [c[2] for c in blocks[1]] != sorted(c[2] for c in blocks[1])
    before = len(calls)
    extra = sweep_plan(plan, rates, Shape(blocks=2, samples=1000), {"own": ["emulate:1111"]})
    list(run(extra, out, execute))
    assert [c[2] for c in calls[before:]] == ["emulate:1111"] * 2
    found = seen(plan.contestants[1], read(out), figures, 1000, ["emulate:1111"])
    assert found is not None
    assert len(found.checks["emulate:1111"]) == 2
    assert 1111 not in found.shares[0]
    assert found.rates_by_cores[2] == pytest.approx(2 * found.rates_by_cores[1], rel=0.05)


def test_a_host_that_changes_its_speed_is_told_from_a_wrong_prediction(
    make_record: Callable[..., Record], spec: TrialSpec, tmp_path: Path
) -> None:
    """A fifth faster by the time that the prediction is tried."""
    plan, out = plan_of(spec), tmp_path / "r.jsonl"
    execute = executor(make_record, {"dali": EVEN})
    rates = own_rates((r for r in run(first_plan(plan), out, execute) if r.contestant == "own"), figures)
    list(run(sweep_plan(plan, rates, Shape(blocks=2, samples=1000)), out, execute))
    tried = [step(1.1 * rates["own"])]
    faster = replace(EVEN, gaps_ms=[gap / 1.2 for gap in EVEN.gaps_ms])
    later = sweep_plan(plan, rates, Shape(blocks=2, samples=1000), {"own": tried})
    list(run(later, out, executor(make_record, {"dali": faster})))
    found = seen(plan.contestants[1], read(out), figures, 1000, tried)
    assert found is not None
    [check] = answer(found, []).checks
    assert check.pace == pytest.approx(1.2, rel=0.03)
    assert check.off > 0.05
    assert abs(check.off_at_pace) <= 0.03


def test_one_trial_in_three_on_a_slow_host_refutes_no_prediction(
    make_record: Callable[..., Record], spec: TrialSpec, tmp_path: Path
) -> None:
    """As one in three turns no prediction: both are medians over blocks."""
    plan, out = plan_of(spec), tmp_path / "r.jsonl"
    slower = replace(EVEN, gaps_ms=[gap * 1.4 for gap in EVEN.gaps_ms])
    tried = step(1350)
    hit: list[str] = []

    def execute(spec: TrialSpec, timeout: float, **identity: Any) -> Record:
        loader = slower if spec.step == tried and not hit else EVEN
        hit.extend([spec.step] * (loader is slower))
        return executor(make_record, {"dali": loader})(spec, timeout, **identity)

    rates = own_rates((r for r in run(first_plan(plan), out, execute) if r.contestant == "own"), figures)
    shape = Shape(blocks=3, samples=1000)
    list(run(sweep_plan(plan, rates, shape, {"own": [tried]}), out, execute))
    found = seen(plan.contestants[1], read(out), figures, 1000, [tried])
    assert found is not None
    shares = sorted(trial.share for trial in found.checks[tried])
    [check] = answer(found, []).checks
    assert shares[1] - shares[0] > 0.15
    assert check.measured.low < shares[1] == check.measured.estimate
    assert abs(check.off) <= 0.03


def test_a_host_that_changes_its_speed_from_trial_to_trial_leaves_the_prediction_right(
    make_record: Callable[..., Record], spec: TrialSpec, tmp_path: Path
) -> None:
    """By up to a third, as two tenants of one core do to each other."""
    plan, out = plan_of(spec), tmp_path / "r.jsonl"
    random = Random(1)

    def execute(spec: TrialSpec, timeout: float, **identity: Any) -> Record:
        speed = random.uniform(0.85, 1.15)
        other = replace(EVEN, gaps_ms=[gap / speed for gap in EVEN.gaps_ms])
        return executor(make_record, {"dali": other})(spec, timeout, **identity)

    rates = own_rates((r for r in run(first_plan(plan), out, execute) if r.contestant == "own"), figures)
    tried = [step(factor * 1000) for factor in (0.7, 0.9, 0.98, 1.1, 1.3, 2.0)]
    list(run(sweep_plan(plan, rates, Shape(blocks=4, samples=1000), {"own": tried}), out, execute))
    found = seen(plan.contestants[1], read(out), figures, 1000, tried)
    assert found is not None
    checks = answer(found, []).checks
    assert max(abs(check.off_at_pace) for check in checks) <= 0.03
    assert max(abs(check.off) for check in checks) > 0.03


def test_disturbed_blocks_are_left_out_where_two_others_remain(
    make_record: Callable[..., Record], spec: TrialSpec
) -> None:
    plan = plan_of(spec)
    records = [
        replace(make_record(rate=speed, contestant="own", block=block), spec=replace(spec, step=step))
        for block, speed in enumerate((1000, 1000, 500))
        for step in ("null", "emulate:400", "emulate:2000")
    ]
    found = seen(plan.contestants[1], records, figures, 1000, marked={2})
    assert found is not None
    assert (set(found.own), found.disturbed, found.left_out) == ({0, 1}, 1, 1)
    found = seen(plan.contestants[1], records, figures, 1000, marked={1, 2})
    assert found is not None
    assert (set(found.own), found.disturbed, found.left_out) == ({0, 1, 2}, 2, 0)


def test_blocks_without_a_sweep_take_no_disturbed_ones_place(
    make_record: Callable[..., Record], spec: TrialSpec
) -> None:
    """The own rate is measured in three blocks before; the sweep here has one, and it is disturbed."""
    plan = plan_of(spec)
    records = [
        replace(make_record(rate=1000, contestant="own", block=block), spec=replace(spec, step=step))
        for block, step in ((0, "null"), (1, "null"), (2, "null"), (0, "emulate:400"), (0, "emulate:2000"))
    ]
    found = seen(plan.contestants[1], records, figures, 1000, marked={0})
    assert found is not None
    assert set(found.shares) == {0}


def test_a_first_trial_in_a_cold_cache_does_not_lay_out_the_sweep(make_record: Callable[..., Record]) -> None:
    records = [
        make_record(rate=rate, contestant="own", block=n) for n, rate in enumerate((400, 990, 1000, 5))
    ]
    assert own_rates(records, figures) == {"own": pytest.approx(990, rel=0.01)}


def test_the_ceilings_steps_stay_when_faster_ones_are_tried(spec: TrialSpec) -> None:
    plan, shape = plan_of(spec), Shape(blocks=1, samples=1000)
    before = sweep_plan(plan, {"own": 1000.0}, shape).contestants[0]
    after = sweep_plan(plan, {"own": 1000.0}, shape, {"own": ["emulate:9999"]}).contestants[0]
    assert [s.step for s in before.specs] == [s.step for s in after.specs] == ["null", "emulate:2800"]
