"""`pipebench diagnose` as it is called; what it measures here is only looked at for what is surely wrong."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipebench.cli import main
from pipebench.dataset import Dataset
from pipebench.results import read
from tests.planted.plants import LEVELS, PLANTS, loader_text, step_text

PLANTED = str(Path(__file__).parent / "planted")
MINE = """
import time
def make_loader():
    return [[0] * 8] * 1000
def make_step():
    return lambda batch: time.sleep(0.01)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "name a dataset, or a loader of your own with --loader module:function"),
        (["--loader", "dali"], "name a dataset, or a loader of your own"),
        (["no/such"], "there is no folder no/such"),
        (["empty"], "the folder empty is empty"),
        (["plain"], "no samples were found in plain"),
        (["DATA", "--step", "emulate:0"], "needs a rate above 0"),
        (["DATA", "--loader", "nobody"], "there is no loader 'nobody'"),
        (["DATA", "--loader", "torch_dataloader:x=1"], "there is no torch_dataloader setting 'x'"),
        (["DATA", "--cores", "4096"], "--cores 4096: this process may use"),
        (["DATA", "--max-time", "soon"], "--max-time must be"),
        (["plain", "--max-bytes", "much"], "--max-bytes must be"),
        (["DATA", "--batch-size", "1000"], "is larger than"),
        (["one"], "--batch-size 64 is larger than one, which holds 1 samples"),
        (["--loader", "mine:make_loader", "--step", "model:resnet18"], "needs a dataset"),
        (["--loader", "mine:make_loader", "--device", "cuda"], "--device needs a dataset"),
        (["DATA", "--out", "no/such/r.jsonl"], "there is no folder no/such"),
    ],
)
def test_bad_input_is_one_sentence(
    arguments: list[str],
    says: str,
    here: Path,
    tiny_folder: Dataset,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (here / "empty").mkdir()
    (here / "plain").mkdir()
    (here / "plain" / "<script>.txt").write_text("x")
    (here / "one").mkdir()
    (here / "one" / "<script>.jpg").write_text("x")
    told = [tiny_folder.url if word == "DATA" else word for word in arguments]
    assert main(["diagnose", *told]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert len(error.strip().splitlines()) == 1
    assert not list(here.rglob("*.jsonl"))


def diagnosed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["diagnose", *arguments, "--quick", "--max-time", "20", "--json", "--quiet"]) == 0
    facts: dict[str, Any] = json.loads(capsys.readouterr().out)
    return facts


def test_a_real_loader(here: Path, tiny_folder: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    """Plain files, as they lie about, into a step that nothing can feed."""
    plain = here / "plain"
    shutil.copytree(tiny_folder.root, plain, ignore=shutil.ignore_patterns("dataset.json", "samples.parquet"))
    facts = diagnosed(capsys, "plain", "--step", "emulate:1e6", "--batch-size", "16", "--out", "r.jsonl")
    assert facts["verdict"] not in ("storage", "step", "transfer", "cpu_shared", "batching")
    assert facts["confirmed"] is False
    assert facts["sampled"].startswith("96 samples, ")
    assert {record.spec.loader for record in read(here / "r.jsonl")} <= {"torch_dataloader", "resident"}
    assert sorted(path.name for path in plain.iterdir()) == sorted(tiny_folder.classes)


@pytest.mark.parametrize("name", ["slow_step", "hand_over_sleep"])
def test_what_is_planted_is_not_taken_for_something_else(
    name: str, here: Path, tiny_folder: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    plant = next(plant for plant in PLANTS if plant.name == name)
    loader = loader_text(plant, LEVELS["double"], PLANTED)
    step = step_text(plant, LEVELS["double"], 1000)
    facts = diagnosed(capsys, tiny_folder.url, "--loader", loader, "--step", step, "--batch-size", "16")
    deserved = (str(plant.verdict), plant.detail and str(plant.detail))
    assert facts["verdict"] in ("undecided", "balanced") or (facts["verdict"], facts["detail"]) == deserved


def test_a_loader_and_a_step_of_ones_own(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "mine.py").write_text(MINE)
    facts = diagnosed(capsys, "--loader", "mine:make_loader", "--step", "mine:make_step")
    assert facts["verdict"] in ("step", "undecided", "balanced")
    assert facts["stages"].keys() <= {"read+decode+transform+batch"}
