"""The command `ab`: labelled versions in one run, and when it fails."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipebench import cli, runner
from pipebench.dataset import Dataset
from pipebench.results import CEILING, Record, TrialSpec, read
from tests.comparing import MACHINE

Capture = pytest.CaptureFixture[str]
Run = Callable[..., int]
SPEEDS = {"main": 100.0, "pr": 90.0, "same": 100.0, CEILING: 1e6}


@pytest.fixture
def ab(
    make_dataset: Callable[..., Dataset],
    make_record: Callable[..., Record],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Run:
    """`ab(*arguments, statuses={})`: the command over trials that end at once, at `SPEEDS`."""
    data = make_dataset().url
    monkeypatch.chdir(tmp_path)
    original, random = runner.run, np.random.default_rng(0)

    def command(*arguments: str, statuses: dict[str, str] | None = None) -> int:
        def execute(spec: TrialSpec, timeout: float, **identity: Any) -> Record:
            name = identity["contestant"]
            speed = SPEEDS[name] * np.exp(random.normal(0, 0.005))
            status = (statuses or {}).get(name, "ok")
            settings = {"settings": dict(spec.options), "machine": MACHINE, "content_id": "c"}
            record = make_record(float(speed), name, identity.pop("block"), status=status, **settings)
            return Record(**{n: getattr(record, n) for n in Record.__slots__ if n != "spec"}, spec=spec)

        monkeypatch.setattr(runner, "run", lambda plan, out: original(plan, out, execute))
        try:
            return cli.main(["ab", "--data", data, "--batch-size", "4", *arguments])
        finally:
            monkeypatch.setattr(runner, "run", original)

    return command


def test_a_proved_slowdown_is_one(ab: Run, capsys: Capture) -> None:
    assert ab("main=dali", "pr=dali:prefetch=4") == 1
    out = capsys.readouterr().out
    assert "pr against main: differs: slower, 0.9" in out
    assert "Failed: pr is slower than its baseline: 0.9" in out
    assert "main: dali\n" in out
    assert "pr: dali:prefetch=4\n" in out
    assert "Other than the baseline: pr: prefetch none -> 4" in out


def test_the_first_is_the_baseline_and_all_others_are_judged(ab: Run, capsys: Capture) -> None:
    assert ab("pr=dali", "main=dali:prefetch=4") == 0
    assert "main against pr: differs: faster, 1.1" in capsys.readouterr().out
    assert ab("main=dali", "same=dali:prefetch=3", "pr=dali:prefetch=4", "--trials", "20") == 1
    out = capsys.readouterr().out
    assert "Of 2 comparisons: equal within 3 % 1, differs: slower 1." in out
    assert "Failed: pr" in out
    assert "Failed: same" not in out


def test_a_limit_may_allow_it(ab: Run, capsys: Capture) -> None:
    assert ab("main=dali", "pr=dali:prefetch=4", "--fail-slower", "20%") == 0
    assert ab("main=dali", "pr=dali:prefetch=4", "--fail-slower", "5%") == 1
    assert "pr is more than 5 % slower than its baseline" in capsys.readouterr().out


def test_it_goes_on_until_the_ratio_is_known(ab: Run) -> None:
    assert ab("main=dali", "same=dali:prefetch=4", "--out", "r.jsonl") == 0
    assert max(record.block for record in read(Path("r.jsonl"))) == 9


def test_below_ten_blocks_nothing_fails_and_it_says_so(ab: Run, capsys: Capture) -> None:
    assert ab("main=dali", "pr=dali:prefetch=4", "--trials", "9") == 0
    out = capsys.readouterr().out
    assert "10 blocks, or trials on each side, are needed to decide" in out
    assert "Too little is known to judge: pr." in out


@pytest.mark.parametrize("status", ["failed", "timeout", "unsupported"])
def test_a_version_that_does_not_run_is_three(ab: Run, capsys: Capture, status: str) -> None:
    assert ab("main=dali", "pr=dali:prefetch=4", statuses={"pr": status}) == 3
    assert f"pr: {status}" in capsys.readouterr().out
    assert ab("main=dali", "pr=dali:prefetch=4", statuses={"main": status}) == 3


def test_versions_under_other_interpreters_and_from_other_folders(ab: Run, tmp_path: Path) -> None:
    (tmp_path / "venv/bin").mkdir(parents=True)
    (tmp_path / "venv/bin/python").symlink_to(sys.executable)
    (tmp_path / "branch").mkdir()
    assert ab("main=plain:Plain@venv", "same=plain:Plain@branch", "--trials", "1", "--out", "r.jsonl") == 0
    specs = {record.contestant: record.spec for record in read(Path("r.jsonl"))}
    assert (specs["main"].python, specs["main"].source) == (str(tmp_path / "venv/bin/python"), "")
    assert (specs["same"].python, specs["same"].source) == (sys.executable, str(tmp_path / "branch"))
    assert Path(specs["same"].data).is_absolute()


def test_what_is_kept_can_be_compared_again(ab: Run, capsys: Capture) -> None:
    ab("main=dali", "pr=dali:prefetch=4", "--out", "r.jsonl")
    capsys.readouterr()
    assert cli.main(["compare", "r.jsonl", "--baseline", "main"]) == 0
    assert "pr against main: differs: slower" in capsys.readouterr().out


def test_markdown_and_redacted(ab: Run, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "carols").mkdir()
    arguments = "main=plain:Plain@carols", "pr=plain:Plain@carols", "--format", "markdown", "--redact"
    assert ab(*arguments) == 1
    captured = capsys.readouterr()
    assert captured.out.startswith("**pr against main: differs: slower")
    assert "carols" not in captured.out + captured.err
    assert str(tmp_path) not in captured.out + captured.err
    [kept] = Path(".pipebench").glob("*.jsonl")
    assert "carols" in kept.read_text()


def test_json_alone_is_on_standard_output(ab: Run, capsys: Capture) -> None:
    assert ab("main=dali", "pr=dali:prefetch=4", "--format", "json") == 1
    captured = capsys.readouterr()
    assert [row["contestant"] for row in json.loads(captured.out)["rows"]] == ["main", "pr"]
    assert "Failed: pr" in captured.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("main=dali",), "name at least two versions"),
        (("dali", "pr=dali"), "'dali' is not of the form LABEL=LOADER"),
        (("=dali", "pr=dali"), "is not of the form LABEL=LOADER"),
        (("main=", "pr=dali"), "is not of the form LABEL=LOADER"),
        (("a b=dali", "pr=dali"), "is not of the form LABEL=LOADER"),
        (("dali:prefetch=4", "pr=dali"), "is not of the form LABEL=LOADER"),
        (("main=dali", "main=dali:prefetch=4"), "'main' is asked for twice"),
        (("main=dali", "pr=dali@"), "is not of the form NAME"),
        (("main=dali", "pr=dali@."), "holds no bin/python; to import a loader from a folder name it as"),
        (("main=dali", "pr=dalli"), "there is no loader 'dalli'; did you mean 'dali'"),
        (("main=dali", "pr=resident"), "resident is the ceiling"),
        (("main=dali", "pr=dali:prefetch=x"), "prefetch must be a whole number"),
        (("main=dali", "pr=dali", "--fail-slower", "x"), "--fail-slower must be"),
        (("main=dali", "pr=dali", "--columns", "x"), "there is no column"),
    ],
)
def test_bad_usage_is_one_sentence(ab: Run, capsys: Capture, arguments: tuple[str, ...], says: str) -> None:
    assert ab(*arguments) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.err.count("\n") == 1
    assert not list(Path(".pipebench").glob("*.jsonl"))
