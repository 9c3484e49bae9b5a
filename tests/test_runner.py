"""Runs with an `execute` that takes no time: order, saving, resuming, refusing."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from pipebench.errors import BadInput
from pipebench.goal import Goal
from pipebench.results import CEILING, LIMITS_BLOCK, PROOF_BLOCK, Record, TrialSpec, read
from pipebench.runner import run
from pipebench.schedule import Contestant, Plan


@dataclass
class Executor:
    """Ends each trial at once with the status and rate that `outcomes` gives for its contestant and block."""

    make: Callable[..., Record]
    outcomes: dict[tuple[str, int], str] = field(default_factory=dict)
    calls: list[tuple[str, int, str]] = field(default_factory=list)
    interrupt_at: int | None = None

    def __call__(self, spec: TrialSpec, timeout: float, **identity: Any) -> Record:
        if len(self.calls) == self.interrupt_at:
            raise KeyboardInterrupt
        contestant, block = identity["contestant"], identity["block"]
        self.calls.append((contestant, block, spec.step))
        status = self.outcomes.get((contestant, block), "ok")
        record = self.make(**identity, status=status, reason="" if status == "ok" else "why")
        return replace(record, spec=spec)


@pytest.fixture
def execute(make_record: Callable[..., Record]) -> Executor:
    return Executor(make_record)


@pytest.fixture
def plan(spec: TrialSpec) -> Callable[..., Plan]:
    def make(blocks: int = 3, seed: int = 0, steps: Sequence[str] = ("null",)) -> Plan:
        contestants = tuple(
            Contestant(label=label, specs=tuple(replace(spec, loader=label, step=step) for step in steps))
            for label in (CEILING, "a", "b", "c")
        )
        return Plan(contestants=contestants, goal=Goal(blocks=blocks), seed=seed, trial_timeout=1)

    return make


def blocks(calls: Sequence[tuple[str, int, str]]) -> list[list[str]]:
    """The contestants of each block in the order that they ran."""
    timed = [(name, block) for name, block, _ in calls if block >= 0 and name != CEILING]
    return [
        [name for name, block in timed if block == number] for number in range(1 + max(b for _, b in timed))
    ]


def test_the_ceiling_runs_first_then_the_proofs_then_the_blocks(
    execute: Executor, plan: Callable[..., Plan], tmp_path: Path
) -> None:
    records = list(run(plan(steps=("null", "emulate:9")), tmp_path / "r", execute))
    assert execute.calls[0] == (CEILING, LIMITS_BLOCK, "null")
    assert execute.calls[1:3] == [(CEILING, 0, "null"), (CEILING, 0, "emulate:9")]
    assert execute.calls[3:6] == [(name, PROOF_BLOCK, "null") for name in "abc"]
    assert len(records) == len(execute.calls) == len(plan(steps=("null", "emulate:9"))) == 3 + 3 + 3 * 6 + 2
    assert {record.spec.purpose for record in records if record.block == PROOF_BLOCK} == {"same_work"}


def test_every_contestant_runs_once_a_block_in_an_order_that_the_seed_fixes(
    execute: Executor, plan: Callable[..., Plan], tmp_path: Path
) -> None:
    list(run(plan(blocks=8), tmp_path / "one", execute))
    orders = blocks(execute.calls)
    assert all(sorted(order) == ["a", "b", "c"] for order in orders)
    assert len(orders) == 8
    assert len({tuple(order) for order in orders}) > 1
    again, other = Executor(execute.make), Executor(execute.make)
    list(run(plan(blocks=8), tmp_path / "two", again))
    list(run(plan(blocks=8, seed=1), tmp_path / "three", other))
    assert again.calls == execute.calls
    assert blocks(other.calls) != orders


def test_each_record_is_saved_before_the_next_trial(
    execute: Executor, plan: Callable[..., Plan], tmp_path: Path
) -> None:
    out = tmp_path / "r"
    for count, record in enumerate(run(plan(), out, execute), 1):
        assert len(read(out)) == count
        assert read(out)[-1] == record


@pytest.mark.parametrize("after", [0, 1, 4, 7])
def test_an_interrupt_keeps_what_finished_and_resuming_runs_the_rest(
    execute: Executor, plan: Callable[..., Plan], tmp_path: Path, after: int
) -> None:
    out = tmp_path / "r"
    execute.interrupt_at = after
    with pytest.raises(KeyboardInterrupt):
        list(run(plan(), out, execute))
    assert (len(read(out)) if out.exists() else 0) == after
    rest = Executor(execute.make)
    records = list(run(plan(), out, rest))
    assert max(Counter(execute.calls + rest.calls).values()) == 1
    assert len(records) == len(read(out)) == len(plan())
    assert len({record.run for record in records}) == 1


def test_resuming_a_torn_file_runs_what_was_torn(
    execute: Executor, plan: Callable[..., Plan], tmp_path: Path
) -> None:
    out = tmp_path / "r"
    list(run(plan(), out, execute))
    out.write_bytes(out.read_bytes()[:-100])
    again = Executor(execute.make)
    assert len(list(run(plan(), out, again))) == len(plan())
    assert again.calls == execute.calls[-1:]
    assert len(read(out)) == len(plan())


def test_a_finished_file_needs_nothing(execute: Executor, plan: Callable[..., Plan], tmp_path: Path) -> None:
    list(run(plan(), tmp_path / "r", execute))
    again = Executor(execute.make)
    assert len(list(run(plan(), tmp_path / "r", again))) == len(plan())
    assert again.calls == []


def test_more_blocks_can_be_added_to_a_file(
    execute: Executor, plan: Callable[..., Plan], tmp_path: Path
) -> None:
    list(run(plan(blocks=2), tmp_path / "r", execute))
    more = Executor(execute.make)
    list(run(plan(blocks=4), tmp_path / "r", more))
    assert {block for name, block, _ in more.calls if name != CEILING} == {2, 3}


def test_each_block_measures_the_hosts_limit_anew(
    execute: Executor, plan: Callable[..., Plan], tmp_path: Path
) -> None:
    out = tmp_path / "r"
    list(run(plan(blocks=2), out, execute))
    list(run(plan(blocks=4), out, execute))
    limits = [record.block for record in read(out) if record.spec.purpose == "limits"]
    assert limits == [LIMITS_BLOCK - block for block in range(4)]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"batch_size": 8}, "differs in batch_size"),
        ({"options": {"workers": "3"}}, "differs in options"),
        ({"cpus": [0, 1], "seed": 4}, "differs in seed, cpus"),
        ({"step": "emulate:5"}, "on step null is not in this one"),
    ],
)
def test_another_plans_file_is_refused_and_left_alone(
    execute: Executor, plan: Callable[..., Plan], tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    out = tmp_path / "r"
    list(run(plan(), out, execute))
    before = out.read_bytes()
    contestants = tuple(
        replace(c, specs=tuple(replace(spec, **change) for spec in c.specs)) for c in plan().contestants
    )
    with pytest.raises(BadInput, match=f"holds trials of another run .*{says}"):
        list(run(replace(plan(), contestants=contestants), out, execute))
    assert out.read_bytes() == before


@pytest.mark.parametrize("status", ["failed", "unsupported", "timeout"])
def test_who_fails_the_proof_runs_no_timed_trial(
    execute: Executor, plan: Callable[..., Plan], tmp_path: Path, status: str
) -> None:
    execute.outcomes[("b", PROOF_BLOCK)] = status
    list(run(plan(), tmp_path / "r", execute))
    assert [call for call in execute.calls if call[0] == "b"] == [("b", PROOF_BLOCK, "null")]
    assert len(blocks(execute.calls)) == 3


def test_a_failed_proof_is_tried_again_when_resumed_and_a_refusal_is_not(
    execute: Executor, plan: Callable[..., Plan], tmp_path: Path
) -> None:
    execute.outcomes = {("a", PROOF_BLOCK): "failed", ("b", PROOF_BLOCK): "unsupported"}
    list(run(plan(), tmp_path / "r", execute))
    again = Executor(execute.make)
    list(run(plan(), tmp_path / "r", again))
    assert {name for name, _, _ in again.calls} == {"a"}
    assert again.calls[0] == ("a", PROOF_BLOCK, "null")


def test_nobody_left_ends_the_run(execute: Executor, plan: Callable[..., Plan], tmp_path: Path) -> None:
    execute.outcomes = {(name, PROOF_BLOCK): "failed" for name in "abc"}
    assert len(list(run(plan(blocks=50), tmp_path / "r", execute))) == 5


def test_one_failure_does_not_stop_the_others(
    execute: Executor, plan: Callable[..., Plan], tmp_path: Path
) -> None:
    execute.outcomes = {("b", 1): "failed"}
    records = list(run(plan(), tmp_path / "r", execute))
    assert len(records) == len(plan())
    assert [r.block for r in records if r.status != "ok"] == [1]


def test_bad_input_stops_everything(execute: Executor, plan: Callable[..., Plan], tmp_path: Path) -> None:
    execute.outcomes = {("b", PROOF_BLOCK): "bad_input"}
    with pytest.raises(BadInput, match="why"):
        list(run(plan(), tmp_path / "r", execute))
    assert [record.contestant for record in read(tmp_path / "r")] == [CEILING, CEILING, "a"]
