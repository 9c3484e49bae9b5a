"""Pairing by block, the baseline, and what disturbed blocks may and may not do."""

from collections.abc import Callable

import numpy as np
import pytest

from pipebench import compare
from pipebench.compare import against, marked_blocks, standings
from pipebench.goal import Goal
from pipebench.measure import Look, Trace
from pipebench.results import CEILING, Record
from pipebench.stats import Outcome

Make = Callable[..., Record]


def rates(ratio: float, blocks: int, noise: float = 0.01, seed: int = 0) -> dict[str, dict[int, float]]:
    """Two contestants, the second `ratio` times as fast, over a host whose speed wanders by half."""
    random = np.random.default_rng(seed)
    host = 1000 * np.exp(random.normal(0, 0.5, blocks))
    own = np.exp(random.normal(0, noise, (2, blocks)))
    return {"a": dict(enumerate(host * own[0])), "b": dict(enumerate(ratio * host * own[1]))}


def test_pairing_by_block_takes_the_hosts_wandering_out() -> None:
    (standing,) = against(rates(0.95, 10), "a", set())
    assert standing.comparison.outcome is Outcome.DIFFERS
    assert standing.comparison.ratio.estimate == pytest.approx(0.95, abs=0.01)


def test_the_fastest_is_the_baseline_unless_another_is_named(make_record: Make) -> None:
    records = [
        make_record(rate, name, block)
        for block in range(3)
        for name, rate in (("slow", 100), ("fast", 200), (CEILING, 9000))
    ]
    (standing,) = standings(records, "null")
    assert (standing.contestant, standing.baseline) == ("slow", "fast")
    assert standing.comparison.ratio.estimate == pytest.approx(0.5)
    (standing,) = standings(records, "null", baseline="slow")
    assert standing.comparison.ratio.estimate == pytest.approx(2)


def test_disturbed_blocks_do_not_choose_the_fastest(
    make_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "marked_blocks", lambda *_: {0, 1, 2})
    fast, slow = (50, 50, 50, 200, 200), (100, 100, 100, 100, 100)
    records = [
        make_record(rate, name, block)
        for name, rates in (("fast", fast), ("slow", slow))
        for block, rate in enumerate(rates)
    ]
    (standing,) = standings(records, "null")
    assert (standing.contestant, standing.baseline) == ("slow", "fast")


def test_nothing_measured_compares_nothing(make_record: Make) -> None:
    assert standings([make_record(status="failed", trace=None)], "null") == []


def test_contestants_that_share_no_block_are_left_out() -> None:
    assert against({"a": {0: 1.0}, "b": {1: 1.0}}, "a", set()) == []


def test_marked_blocks_have_no_vote() -> None:
    both = rates(1.0, 14, noise=0.005)
    for block in range(4):
        both["b"][block] *= 0.7
    (standing,) = against(both, "a", {0, 1, 2, 3})
    assert standing.marked == 4
    assert standing.comparison.blocks == 10
    assert standing.comparison.outcome is Outcome.EQUAL


def test_where_marked_blocks_object_nothing_is_decided() -> None:
    both = rates(0.95, 20, noise=0.005)
    for block in range(10):
        both["b"][block] *= 1.2
    (standing,) = against(both, "a", set(range(10)))
    assert standing.comparison.outcome is Outcome.DISTURBED


def test_a_run_that_was_disturbed_throughout_decides_nothing() -> None:
    (standing,) = against(rates(0.5, 20), "a", set(range(20)))
    assert standing.comparison.outcome is Outcome.DISTURBED


def test_a_disturbed_minority_never_turns_the_winner_round() -> None:
    for seed in range(50):
        both = rates(0.95, 15, seed=seed)
        for block in range(5):
            both["a"][block] *= 0.6  # the busy loop hit the faster one
        (standing,) = against(both, "a", set(range(5)))
        assert standing.comparison.ratio.estimate < 1 or standing.comparison.outcome is not Outcome.DIFFERS


def busy(trace: Trace, foreign: float) -> Trace:
    """The trace with so many foreign cores at work throughout."""
    looks = [Look(x.batches, x.at_ns, x.cpu_ns, x.cpu_ns + int(foreign * x.at_ns)) for x in trace.looks]
    return Trace(trace.asked_ns, trace.got_ns, trace.sizes, trace.epochs, looks)


def test_a_block_is_marked_by_any_of_its_trials(make_record: Make, make_trace: Callable[..., Trace]) -> None:
    trace = make_trace([100] * 39)
    records = [
        make_record(block=0, trace=busy(trace, 0.01)),
        make_record(block=1, trace=busy(trace, 0.01)),
        make_record(contestant="b", block=1, trace=busy(trace, 0.3)),
    ]
    assert marked_blocks(records) == {1}


def test_a_goal_wants_undisturbed_blocks_and_takes_at_most_twice_as_many(
    make_record: Make, make_trace: Callable[..., Trace]
) -> None:
    calm, loud = (busy(make_trace([100] * 39), cores) for cores in (0.0, 0.5))
    goal = Goal(blocks=3)
    undisturbed = [make_record(block=block, trace=calm) for block in range(3)]
    assert not goal.reached(undisturbed[:2], 2, 10)
    assert goal.reached(undisturbed, 3, 10)
    disturbed = [make_record(block=block, trace=loud) for block in range(6)]
    assert not goal.reached(disturbed[:5], 5, 10)
    assert goal.reached(disturbed, 6, 10)


def test_precision_is_looked_at_as_planned_and_stops_on_width(make_record: Make) -> None:
    def records(noise: float, blocks: int) -> list[Record]:
        both = rates(1.0, blocks, noise)
        return [make_record(both[name][b], name, b) for b in range(blocks) for name in "ab"]

    goal = Goal(blocks=5, precision=0.02)
    assert not goal.reached(records(0.001, 9), 9, 1)
    assert goal.reached(records(0.001, 10), 10, 1)
    assert not goal.reached(records(0.2, 10), 10, 1)
    assert goal.reached(records(0.2, 80), 80, 1)


def test_no_block_begins_that_would_end_after_the_time() -> None:
    goal = Goal(blocks=100, max_seconds=60)
    assert not goal.reached([], 4, 40)
    assert goal.reached([], 4, 49)
    assert not goal.reached([], 0, 0)
