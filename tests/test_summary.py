"""Rows of a run: what is told, and what limits it."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest

from pipebench.measure import Trace
from pipebench.results import CEILING, LIMITS_BLOCK, PROOF_BLOCK, Record
from pipebench.stats import Interval
from pipebench.summary import interval_text, summarise

Make = Callable[..., Record]


def test_a_row_for_each_contestant_and_step(make_record: Make) -> None:
    records = [
        make_record(contestant=name, block=block, step=step)
        for block in range(3)
        for name in ("a", "b")
        for step in ("null", "emulate:100")
    ]
    rows = summarise(records)
    assert [(row.contestant, row.step) for row in rows] == [
        ("a", "null"),
        ("a", "emulate:100"),
        ("b", "null"),
        ("b", "emulate:100"),
    ]
    assert {row.trials for row in rows} == {3}


def test_a_rate_with_its_interval(make_record: Make) -> None:
    [row] = summarise([make_record(rate, block=block) for block, rate in enumerate((98, 100, 102))])
    assert row.samples_per_second == pytest.approx(100, rel=1e-3)
    assert row.ci_low is not None
    assert row.ci_high is not None
    assert row.ci_low < 100 < row.ci_high
    assert row.cpu_seconds_per_sample == pytest.approx(0.005, rel=0.01)
    assert row.startup_seconds == pytest.approx(3)


def test_one_trial_has_no_width(make_record: Make) -> None:
    [row] = summarise([make_record(100)])
    assert row.ci_low == row.samples_per_second == row.ci_high


def test_the_ceiling_is_no_row_but_gives_overhead_and_floor(make_record: Make) -> None:
    records = [
        make_record(1e6, CEILING),
        make_record(100, CEILING, step="emulate:110"),
        make_record(50, "a", step="emulate:110"),
        make_record(50, "a"),
    ]
    emulated, null = summarise(records)
    assert null.contestant == emulated.contestant == "a"
    assert null.step_overhead_ns == pytest.approx(1e4)
    assert null.stall_floor is None
    assert emulated.stall == pytest.approx(1 - 50 / 110)
    assert emulated.stall_floor == pytest.approx(2 * (1 - 100 / 110))


def test_without_a_ceiling_nothing_is_claimed(make_record: Make) -> None:
    [row] = summarise([make_record(50, step="emulate:110")])
    assert (row.stall_floor, row.step_overhead_ns) == (None, None)


@pytest.mark.parametrize("status", ["failed", "timeout", "unsupported"])
def test_no_ok_trial_gives_a_reason_and_no_figure(make_record: Make, status: str) -> None:
    [row] = summarise([make_record(status=status, reason="why", block=block) for block in range(2)])
    assert (row.status, row.reason, row.trials) == (status, "why", 0)
    assert row.samples_per_second is None


def test_one_failure_among_good_trials_is_told(make_record: Make) -> None:
    [row] = summarise([make_record(block=0), make_record(block=1, status="failed", reason="why")])
    assert (row.status, row.reason, row.trials) == ("failed", "why", 1)
    assert row.samples_per_second is not None


def test_a_failed_trial_that_was_repeated_is_forgotten(make_record: Make) -> None:
    [row] = summarise([make_record(status="failed", reason="why"), make_record()])
    assert (row.status, row.reason, row.trials) == ("ok", "", 1)


def test_who_was_refused_has_a_row(make_record: Make) -> None:
    proof = make_record(contestant="b", block=PROOF_BLOCK, status="failed", reason="not the same work")
    rows = summarise([proof, make_record(contestant="a")])
    assert [(row.contestant, row.status) for row in rows] == [("a", "ok"), ("b", "failed")]


def limit(make: Make, block: int, rate: float) -> Record:
    return make(contestant=CEILING, block=LIMITS_BLOCK - block, limits={"decode_samples_per_second": rate})


def test_the_share_of_the_limit_is_that_of_each_block(make_record: Make) -> None:
    """A host that became twice as fast: loader and limit have."""
    records = [
        limit(make_record, 0, 125),
        make_record(100),
        limit(make_record, 1, 250),
        make_record(200, block=1),
    ]
    assert summarise(records)[0].efficiency == pytest.approx(0.8)


def test_where_a_block_lacks_its_limit_that_of_the_first_counts(make_record: Make) -> None:
    records = [limit(make_record, 0, 125), make_record(100), make_record(100, block=1)]
    assert summarise(records)[0].efficiency == pytest.approx(0.8)


def test_the_proof_stands_in_the_row(make_record: Make) -> None:
    proof = make_record(block=PROOF_BLOCK, same_work={"checked": 12})
    assert summarise([proof, make_record()])[0].same_work == {"checked": 12}


def test_labels_name_what_limits_most_trials(make_record: Make, make_trace: Callable[..., Trace]) -> None:
    short = [make_record(trace=make_trace([10] * 30), block=block) for block in range(2)]
    [row] = summarise([*short, make_record(block=2)])
    assert "short (2 of 3)" in row.labels
    assert not any(label.startswith("not steady") for label in row.labels)


@pytest.mark.parametrize(("foreign", "labelled"), [(0.0, False), (0.04, False), (0.06, True), (1.0, True)])
def test_foreign_cpu_is_a_label(
    make_record: Make, make_trace: Callable[..., Trace], foreign: float, labelled: bool
) -> None:
    trace = make_trace([100] * 30)
    looks = [look._replace(host_busy_ns=int(look.cpu_ns + foreign * look.at_ns)) for look in trace.looks]
    [row] = summarise([make_record(trace=replace(trace, looks=looks))])
    assert any(label.startswith("disturbed") for label in row.labels) is labelled


def test_rows_are_json_with_the_promised_names(make_record: Make) -> None:
    rows: list[dict[str, Any]] = json.loads(json.dumps([asdict(row) for row in summarise([make_record()])]))
    promised = "loader settings dataset format step cores status reason trials samples_per_second ci_low"
    promised += " ci_high cpu_seconds_per_sample startup_seconds first_batch_seconds stall step_overhead_ns"
    assert set(promised.split()) <= rows[0].keys()


def test_too_few_batches_have_no_figure(make_record: Make, make_trace: Callable[..., Trace]) -> None:
    [row] = summarise([make_record(trace=make_trace([10]))])
    assert row.samples_per_second is None
    assert (row.status, row.trials) == ("failed", 0)
    assert "fewer than three batches" in row.reason


def test_no_records_no_rows() -> None:
    assert summarise([]) == []


def test_interval_text() -> None:
    assert interval_text(Interval(1.314, 1.278, 1.342)) == "1.31x [1.28, 1.34]"
    assert interval_text(Interval(1.314, 1.314, 1.314)) == "1.31x"


def test_a_step_that_stands_for_an_accelerator_says_that_nobody_ran_it(make_record: Make) -> None:
    [row] = summarise([make_record(step="emulate:200,name=resnet50@H100/stock")])
    assert row.labels == ("resnet50@H100/stock as 200 samples/s: not validated on hardware",)
