"""Trials that are forked: as isolated as those in processes of their own."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from pipebench.dataset import Dataset
from pipebench.errors import BadInput
from pipebench.forking import Nursery
from pipebench.results import Record, TrialSpec
from tests.test_isolation import orphans


@pytest.fixture
def trial(
    fakes: str, make_dataset: Callable[..., Dataset], spec: TrialSpec
) -> Iterator[Callable[..., Record]]:
    data = make_dataset().url
    cpus = [min(os.sched_getaffinity(0))]
    with Nursery() as nursery:

        def run(name: str, timeout: float = 60, **changes: object) -> Record:
            order = replace(spec, loader=f"{fakes}:{name}", data=data, cpus=cpus, **changes)  # type: ignore[arg-type]
            return nursery.run_trial(order, timeout, run="r", contestant="c", block=3)

        yield run


def test_trials_follow_each_other_whatever_becomes_of_one(trial: Callable[..., Record]) -> None:
    first, bad, gone, last = trial("Good"), trial("Raises"), trial("Segfaults"), trial("Good")
    assert [record.status for record in (first, bad, gone, last)] == ["ok", "failed", "failed", "ok"]
    assert bad.reason.startswith("ValueError: the last line (fake_loaders.py, line ")
    assert gone.reason.startswith("the process was ended by signal 11 (Segmentation fault)")
    assert (last.run, last.contestant, last.block, last.format) == ("r", "c", 3, "folder")
    assert last.trace is not None
    assert last.trace.looks[0].cpu_ns < 10_000_000_000, "the trial's own CPU time, not the zygote's"


def test_what_hangs_is_ended_and_the_next_trial_runs(trial: Callable[..., Record]) -> None:
    record = trial("Hangs", timeout=1)
    assert record.status == "timeout"
    assert orphans() == []
    assert trial("Leaks").status == "ok"
    assert orphans() == []


def test_the_trial_is_pinned_and_the_zygote_is_not(trial: Callable[..., Record]) -> None:
    before = os.sched_getaffinity(0)
    assert trial("Good").spec.cpus == [min(before)]
    assert os.sched_getaffinity(0) == before


def test_an_interpreter_without_pipebench_is_bad_input(trial: Callable[..., Record]) -> None:
    with pytest.raises(BadInput, match="cannot import pipebench"):
        trial("Good", python="/bin/false")
    with pytest.raises(BadInput, match="the interpreter /nowhere/python cannot be started"):
        trial("Good", python="/nowhere/python")
