"""What was asked becomes a plan, or one sentence before anything runs."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipebench import machine
from pipebench.contract import Stage
from pipebench.dataset import Dataset
from pipebench.errors import BadInput
from pipebench.plan import Request, make_plan, parse_labelled, parse_loader
from pipebench.results import CEILING

Ask = Callable[..., Any]


@pytest.fixture
def ask(make_dataset: Callable[..., Dataset]) -> Ask:
    """`ask(**request)`: the plan for one dataset of 12 samples in batches of 4."""
    data = make_dataset().url

    def plan(**changes: Any) -> Any:
        asked: dict[str, Any] = {"data": (data,), "loaders": ("torch_dataloader",), "batch_size": 4}
        return make_plan(Request(**(asked | changes)))

    return plan


@pytest.mark.parametrize(
    ("text", "name", "python", "options"),
    [
        ("dali", "dali", sys.executable, {}),
        ("dali:prefetch=4,decoder=x", "dali", sys.executable, {"prefetch": "4", "decoder": "x"}),
        ("my.module:Class", "my.module:Class", sys.executable, {}),
        ("module:Class:a=1", "module:Class", sys.executable, {"a": "1"}),
        ("dali@/opt/python", "dali", "/opt/python", {}),
        ("dali@/opt/python:a=1", "dali", "/opt/python", {"a": "1"}),
        ("module:Class@/opt/python:a=b=c", "module:Class", "/opt/python", {"a": "b=c"}),
    ],
)
def test_ways_to_name_a_loader(text: str, name: str, python: str, options: dict[str, str]) -> None:
    choice = parse_loader(text)
    assert (choice.name, choice.python, choice.options) == (name, python, options)


def test_places_are_told_apart_by_what_lies_there(tmp_path: Path) -> None:
    (tmp_path / "v@env/bin").mkdir(parents=True)
    (tmp_path / "v@env/bin/python").touch()
    (tmp_path / "branch").mkdir()
    python = str(tmp_path / "v@env/bin/python")
    assert parse_loader(f"dali@{tmp_path}/v@env").python == python
    assert parse_loader(f"dali@{python}:a=1").python == python
    branch = parse_loader(f"m:C@{tmp_path}/branch:a=1")
    assert (branch.source, branch.python) == (str(tmp_path / "branch"), sys.executable)
    both = parse_loader(f"m:C@/opt/python@{tmp_path}/branch")
    assert (both.source, both.python) == (str(tmp_path / "branch"), "/opt/python")
    with pytest.raises(BadInput, match=f"{tmp_path}/branch holds no bin/python"):
        parse_loader(f"dali@{tmp_path}/branch")


@pytest.mark.parametrize(
    ("text", "label", "name"), [("main=dali", "main", "dali"), ("v1.2-rc+1=m:C:a=1,b=2", "v1.2-rc+1", "m:C")]
)
def test_labels(text: str, label: str, name: str) -> None:
    choice = parse_labelled(text)
    assert (choice.text, choice.name) == (label, name)


@pytest.mark.parametrize("text", ["", "@python", "dali@", ":a=1", "dali:=1", "dali:a=1,b"])
def test_malformed_loaders(text: str) -> None:
    with pytest.raises(BadInput, match="form"):
        parse_loader(text)


def test_the_ceiling_comes_first_and_every_step_is_planned(ask: Ask) -> None:
    plan = ask(steps=("null", "emulate:100"), trials=3)
    assert [c.label for c in plan.contestants] == [CEILING, "torch_dataloader"]
    assert [spec.step for spec in plan.contestants[1].specs] == ["null", "emulate:100"]
    # the limit in each of three blocks, the ceiling, the proof, the blocks
    assert len(plan) == 3 + 2 + 1 + 3 * 2


def test_without_a_name_every_loader_that_is_registered_competes(ask: Ask) -> None:
    labels = {contestant.label for contestant in ask(loaders=()).contestants}
    assert {"torch_dataloader", "webdataset", "dali", CEILING} <= labels


def test_with_two_datasets_each_loader_runs_on_those_it_reads(
    ask: Ask, make_dataset: Callable[..., Dataset]
) -> None:
    places = (make_dataset("one").url, make_dataset("two", format="wds").url)
    plan = ask(data=places, loaders=("torch_dataloader", "webdataset", "dali"))
    labels = [contestant.label for contestant in plan.contestants]
    assert labels == [
        CEILING,
        "torch_dataloader folder",
        "torch_dataloader wds",
        "webdataset",
        "dali folder",
        "dali wds",
    ]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"loaders": ("torch_datalodaer",)},
            "there is no loader 'torch_datalodaer'; did you mean 'torch_dat",
        ),
        ({"loaders": ("zzz",)}, "there is no loader 'zzz'; known: arrow, dali, "),
        ({"loaders": ("dali:prefech=2",)}, "there is no dali setting 'prefech'; did you mean 'prefetch'?"),
        ({"loaders": ("torch_dataloader:workers=x",)}, "setting workers must be a whole number, not 'x'"),
        (
            {"loaders": ("dali:preset=documentd",)},
            "no preset of dali 'documentd'; did you mean 'documented'?",
        ),
        ({"loaders": ("resident",)}, "resident is the ceiling, which every run measures; name another"),
        ({"loaders": ("dali", "dali")}, "'dali' is asked for twice"),
        ({"until": "decod"}, "there is no stage 'decod'; did you mean 'decode'?"),
        ({"steps": ("nul",)}, "there is no step 'nul'; did you mean 'null'?"),
        ({"steps": ("emulate:0",)}, "needs a rate above 0"),
        ({"batch_size": 0}, "--batch-size must be at least 1, not 0"),
        ({"batch_size": -4}, "--batch-size must be at least 1, not -4"),
        ({"batch_size": 13}, "--batch-size 13 is larger than "),
        ({"trials": 0}, "--trials must be at least 1, not 0"),
        ({"seconds": 0.0}, "--seconds must be at least 0.1, not 0.0"),
        ({"seconds": float("nan")}, "--seconds must be at least 0.1, not nan"),
        ({"trial_timeout": float("inf")}, "--trial-timeout must be at least 1, not inf"),
        ({"seed": -1}, "--seed must be at least 0, not -1"),
        ({"cores": 0}, "--cores 0: this process may use from 1 to "),
        ({"cores": 10**6}, "--cores 1000000: this process may use from 1 to "),
        ({"data": ("/no/such/folder",)}, "there is no folder /no/such/folder"),
        ({"preprocessing": "sise=5"}, "no preprocessing option 'sise'; did you mean 'size'?"),
        ({"preprocessing": "size"}, "preprocessing option 'size' is not of the form key=value"),
        ({"preprocessing": "size=0"}, "size must be at least 1, not 0"),
    ],
)
def test_whatever_is_wrong_is_one_sentence(ask: Ask, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput) as raised:
        ask(**changes)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_datasets_of_other_content_are_not_compared(ask: Ask, make_dataset: Callable[..., Dataset]) -> None:
    places = (make_dataset("one").url, make_dataset("two", salt="x").url)
    with pytest.raises(BadInput, match="hold different samples, so loaders cannot be compared over them"):
        ask(data=places)


def test_the_same_dataset_twice(ask: Ask, make_dataset: Callable[..., Dataset]) -> None:
    place = make_dataset("one").url
    with pytest.raises(BadInput, match="is asked for twice"):
        ask(data=(place, place))


def test_a_preset_that_a_loader_lacks_is_left_to_its_trial(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipebench import registry

    class Lacking(registry.loader("torch_dataloader")):  # type: ignore[misc]
        from pipebench.contract import Settings as settings  # noqa: N813

    monkeypatch.setattr(registry, "loader", lambda _: Lacking)
    assert len(ask(loaders=("torch_dataloader:preset=documented",)).contestants) == 2


def test_a_loader_from_the_working_folder_is_not_asked_here(ask: Ask) -> None:
    """It may need another interpreter, and importing it may do anything: its trial tells."""
    assert ask(loaders=("no_such_module:Class",)).contestants[1].label == "no_such_module:Class"


def test_every_stage_may_be_cut_after(ask: Ask) -> None:
    for stage in Stage:
        assert ask(until=str(stage)).contestants[0].specs[0].until == stage


def test_the_cores_of_all_contestants_are_the_same(ask: Ask) -> None:
    plan = ask(cores=1, loaders=("dali", "torch_dataloader"))
    assert {tuple(spec.cpus) for c in plan.contestants for spec in c.specs} == {tuple(machine.usable_cpus(1))}
