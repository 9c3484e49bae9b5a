"""Loaders and steps of the user's own: any iterable, any function."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipebench.contract import Batch, Placement, Stage, Unsupported
from pipebench.errors import BadInput
from pipebench.own import Own, OwnLoader, OwnSettings, own_workload, samples_in
from pipebench.results import Record, TrialSpec
from pipebench.step import make_step, parse_step
from pipebench.trial import run

CODE = """
import numpy as np
taken = []
def make_loader():
    return [(np.zeros((2, 3)), np.zeros(2))] * 40
def make_step():
    return taken.append
number = 3
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "mine_of_tests.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "mine_of_tests"


@pytest.mark.parametrize(
    ("item", "samples"),
    [
        (np.zeros((8, 3)), 8),
        ((np.zeros((8, 3)), np.zeros(8)), 8),
        ({"x": np.zeros((5, 2))}, 5),
        ([{"x": np.zeros((5, 2))}], 5),
        ([1, 2, 3], 3),
        (["a", "b"], 2),
        (np.float32(3), 1),
        ({}, 1),
        ([], 1),
        (None, 1),
    ],
)
def test_how_many_samples_a_batch_holds(item: Any, samples: int) -> None:
    assert samples_in(item) == samples


def numbers() -> Iterator[Any]:
    yield from (np.zeros((4, 1)) + n for n in range(3))


def test_an_iterator_is_made_again_for_each_epoch() -> None:
    loader = Own(numbers, replay=False)
    assert [len(list(loader.epoch(number))) for number in range(3)] == [3, 3, 3]
    loader.close()
    loader.close()


def test_one_batch_is_replayed_for_ever() -> None:
    found = list(islice(Own(numbers, replay=True).epoch(0), 10))
    assert len({id(batch.inputs) for batch in found}) == 1
    assert list(found[0].ids) == [0, 1, 2, 3]


def test_a_batch_of_the_contract_is_passed_on() -> None:
    batch = Batch(None, None, np.arange(7))
    assert next(Own(lambda: [batch], replay=False).epoch(0)) is batch


def test_it_cannot_be_cut(mine: str) -> None:
    factory = OwnLoader(f"{mine}:make_loader")
    with pytest.raises(Unsupported, match="cannot be cut"):
        factory(own_workload(0), Placement(cores=1), until=Stage.READ, settings=OwnSettings())


def test_a_step_gets_the_batches_as_the_loader_gave_them(mine: str) -> None:
    import importlib

    step = make_step(f"{mine}:make_step", own_workload(0), "cpu", lambda _: None)
    assert step(Batch("mine", None, np.arange(1)), 0) == 0
    assert importlib.import_module(mine).taken == ["mine"]
    assert step.device_ns() == []


@pytest.mark.parametrize("name", ["nothing", "number"])
def test_what_is_no_function_is_bad_input(mine: str, name: str) -> None:
    with pytest.raises(BadInput, match=f"step '{mine}:{name}'"):
        make_step(f"{mine}:{name}", own_workload(0), "cpu", lambda _: None)


def test_steps_that_are_no_path_are_unknown() -> None:
    assert parse_step("a.b:c").kind == "own"
    for text in ("emulat:300", "null:x", "model:", "a b:c"):
        with pytest.raises(BadInput):
            parse_step(text)


def test_a_trial_of_ones_own(mine: str, spec: TrialSpec, make_record: Callable[..., Record]) -> None:
    class Clock:
        at = 0

        def now_ns(self) -> int:
            self.at += 10_000_000
            return self.at

        def sleep_ns(self, duration_ns: int) -> None: ...

        burn_ns = sleep_ns

    own = replace(spec, loader=f"{mine}:make_loader", step=f"{mine}:make_step", data="", batch_size=0)
    record = run(Record(run="r", contestant="c", block=0, spec=own, status="failed"), 0, Clock())
    assert (record.status, record.reason) == ("ok", "")
    assert record.trace is not None
    assert set(record.trace.sizes) == {2}
    assert record.cache["transport"] == "other"
    assert record.content_id == ""
