"""The command `crossover`, over simulated trials: what it prints, keeps, resumes and refuses."""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pipebench import cli, forking
from pipebench.accelerators import COLUMNS, NOT_VALIDATED, OWN_FILE
from pipebench.commands._sweeping import sweep
from pipebench.dataset import Dataset
from pipebench.results import Record, read
from tests.simulated import SimulatedLoader, executor

Capture = pytest.CaptureFixture[str]
LOADERS = {
    "dali": SimulatedLoader(gaps_ms=[4] * 50, boundary_ms=20, noise=0.05),
    "webdataset": SimulatedLoader(gaps_ms=[8] * 50, noise=0.05),
}


@pytest.fixture
def run(
    make_dataset: Callable[..., Dataset],
    make_record: Callable[..., Record],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Callable[..., int]:
    """`run(*options, stop_at=None, statuses={})`: the command over simulated trials."""
    data = make_dataset(samples=500).url
    monkeypatch.chdir(tmp_path)

    def command(
        *options: str,
        stop_at: int | None = None,
        statuses: dict[str, str] | None = None,
        name: str = "crossover",
    ) -> int:
        simulate, count = executor(make_record, LOADERS), 0

        def execute(self: object, spec: Any, timeout: float, **identity: Any) -> Record:
            nonlocal count
            count += 1
            if count == stop_at:
                raise KeyboardInterrupt
            status = (statuses or {}).get(identity["contestant"], "ok")
            if status != "ok":
                return make_record(**identity, spec=spec, status=status, reason="why")
            return simulate(spec, timeout, **identity)

        monkeypatch.setattr(forking.Nursery, "run_trial", execute)
        monkeypatch.setattr("pipebench.machine.usable_cpus", lambda asked=None: [0, 1][: asked or 2])
        quick = ("--trials", "2", "--seconds", "1.5")
        return cli.main([name, "--data", data, "--batch-size", "10", *quick, *options])

    return command


def test_the_answer(run: Callable[..., int], capsys: Capture) -> None:
    assert run("--loader", "dali") == 0
    out, err = capsys.readouterr()
    assert max(len(line) for line in out.splitlines() if "@" in line[:20] or line[:2] == "--") <= 80
    assert "95% of an accelerator is used up to " in out
    assert "90% of an accelerator is used up to " in out
    assert "resnet50@H100" in out
    assert NOT_VALIDATED in out
    assert "Indicative, from 2 blocks; 10 are needed to decide." in out
    assert "within 3 points." in out
    assert ", emulated at " in out
    assert "are not told: twice what the harness itself shows." in out
    assert "results: .pipebench" in err


def test_each_trial_is_told_once(run: Callable[..., int], capsys: Capture) -> None:
    """Though each part of a sweep finds those of the parts before it in the file."""
    assert run("--loader", "dali") == 0
    told = [line.partition("] ")[2] for line in capsys.readouterr().err.splitlines() if line[:1] == "["]
    blocks = [line for line in told if ", block " in line]
    assert len(blocks) == len(set(blocks)) > 20


def test_as_many_trials_are_told_as_were_announced(run: Callable[..., int], capsys: Capture) -> None:
    """Though with one block there are fewer than the first part ran."""
    assert run("--loader", "dali", "--trials", "1") == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if line[:1] == "["]
    counts = [tuple(map(int, line[1:].partition("]")[0].split("/"))) for line in lines]
    totals = list(dict.fromkeys(total for _, total in counts))
    assert len(totals) == 3
    assert counts[-1] == (totals[-1], totals[-1])


def test_every_loader_has_its_part_and_json_has_all(run: Callable[..., int], capsys: Capture) -> None:
    assert run("--loader", "dali", "--loader", "webdataset", "--json") == 0
    dali, webdataset = json.loads(capsys.readouterr().out)
    assert (dali["contestant"], webdataset["contestant"]) == ("dali", "webdataset")
    for found, rate in ((dali, 1930), (webdataset, 1250)):
        [crossing, _] = found["crossings"]
        assert crossing["rate"]["estimate"] == pytest.approx(rate, rel=0.1)
        assert len(found["points"]) == 10
        [check] = found["checks"]
        assert abs(check["off"]) <= 0.03
        assert check["predicted"]["rate"] not in [rate for rate, _ in found["points"]]
        shown = found["below"] + found["astride"] + found["above"]
        assert {fed["standing"] for fed in shown} == {NOT_VALIDATED}
        assert {fed["cores"]["how"] for fed in shown} <= {"measured", "extrapolated", "beyond"}
    assert all(fed["prediction"]["share"]["estimate"] >= 0.94 for fed in dali["below"])


def test_the_step_that_is_tried_is_a_profiles(run: Callable[..., int]) -> None:
    assert run("--loader", "dali", "--out", "r.jsonl") == 0
    steps = {r.spec.step for r in read(Path("r.jsonl")) if r.contestant == "dali"}
    assert len(steps) == 12
    assert any("name=" in step and "@" in step for step in steps)


def test_a_users_own_figure_is_looked_up(
    run: Callable[..., int], capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "own.csv").write_text(f"{','.join(COLUMNS)}\nmine,images/s,H100,2400,measured,my run\n")
    monkeypatch.setenv(OWN_FILE, "own.csv")
    assert run("--loader", "dali") == 0
    assert "mine@H100" in capsys.readouterr().out


def test_data_is_in_memory_before_the_first_trial(
    run: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the first trials lay out the others."""
    asked: list[Dataset] = []

    def stop(dataset: Dataset, goes_on: Callable[[], bool]) -> None:
        assert goes_on()
        asked.append(dataset)

    monkeypatch.setattr("pipebench.diagnosis.warming.warm_up", stop)
    assert run("--loader", "dali", stop_at=1) == 130
    assert [dataset.samples for dataset in asked] == [500]


@pytest.mark.parametrize("stop_at", [2, 5, 8, 9, 10, 20, 31])
def test_ctrl_c_at_any_time_is_resumed(run: Callable[..., int], capsys: Capture, stop_at: int) -> None:
    assert run("--loader", "dali", "--out", "r.jsonl", stop_at=stop_at) == 130
    assert "the same command with --resume --out r.jsonl" in capsys.readouterr().err
    assert run("--loader", "dali", "--out", "r.jsonl", "--resume") == 0
    keys = [(r.contestant, r.block, r.spec.step) for r in read(Path("r.jsonl"))]
    assert len(keys) == len(set(keys))
    kept = Path("r.jsonl").read_bytes()
    assert run("--loader", "dali", "--out", "r.jsonl", "--resume") == 0
    assert Path("r.jsonl").read_bytes() == kept


def test_a_loader_that_fails_is_named_and_the_others_run(run: Callable[..., int], capsys: Capture) -> None:
    options = ("--loader", "dali", "--loader", "webdataset", "--out", "r.jsonl")
    assert run(*options, statuses={"webdataset": "unsupported"}) == 3
    out, err = capsys.readouterr()
    assert out.startswith("dali:")
    assert "webdataset could not be measured: unsupported: why" in err
    assert run(*options, "--resume", statuses={"webdataset": "unsupported"}) == 3


def test_no_loader_at_all_is_bad_input(run: Callable[..., int], capsys: Capture) -> None:
    assert run("--loader", "dali", statuses={"dali": "failed"}) == 2
    assert "no loader could be measured; dali: failed: why" in capsys.readouterr().err


def test_steps_beside_run_in_every_block_and_no_prediction_sees_them(
    run: Callable[..., int], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    held_out = "emulate:2222"
    monkeypatch.setattr("pipebench.commands.crossover.sweep", partial(sweep, beside=lambda _: [held_out]))
    assert run("--loader", "dali", "--out", "r.jsonl", "--json") == 0
    answer = json.loads(capsys.readouterr().out)[0]
    assert {r.block for r in read(Path("r.jsonl")) if r.spec.step == held_out} == {0, 1}
    check = next(check for check in answer["checks"] if check["step"] == held_out)
    assert check["trials"] == 2
    assert abs(check["off"]) < 0.03
    assert 2222 not in [rate for rate, _ in answer["points"]]
    assert len(answer["checks"]) == 2


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--loader", "dlai"), "did you mean 'dali'"),
        (("--trials", "0"), "--trials must be at least 1"),
        (("--out", "no/such/r.jsonl"), "there is no folder no/such"),
        (("--max-time", "soon"), "--max-time must be a time"),
    ],
)
def test_bad_input(run: Callable[..., int], capsys: Capture, options: tuple[str, ...], says: str) -> None:
    assert run(*options) == 2
    assert says in capsys.readouterr().err


def test_a_broken_file_of_ones_own_is_said_before_anything_runs(
    run: Callable[..., int], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("own.csv").write_text("model\n<script>\n")
    monkeypatch.setenv(OWN_FILE, "own.csv")
    assert run("--loader", "dali") == 2
    assert "own.csv: its first line must name the columns" in capsys.readouterr().err
    assert not Path(".pipebench").exists()


def test_the_map_of_a_sweep_that_has_run(run: Callable[..., int], capsys: Capture) -> None:
    options = ("--loader", "dali", "--loader", "webdataset", "--out", "r.jsonl")
    assert run(*options) == 0
    kept = Path("r.jsonl").read_bytes()
    capsys.readouterr()
    assert run(*options, "--resume", "--html", "m.html", "--png", "m.png", name="map") == 0
    out, err = capsys.readouterr()
    assert out.startswith("dali: per cent of each accelerator used, 2 cores for each\n")
    assert "\nwebdataset: per cent" in out
    assert "written: m.html\nwritten: m.png" in err
    assert Path("r.jsonl").read_bytes() == kept
    assert Path("m.png").read_bytes().startswith(b"\x89PNG")
    assert "dali" in Path("m.html").read_text()
    assert run(*options, "--resume", "--json", name="map") == 0
    assert [panel["contestant"] for panel in json.loads(capsys.readouterr().out)] == ["dali", "webdataset"]


def test_the_map_with_other_cores(run: Callable[..., int], capsys: Capture) -> None:
    assert run("--loader", "dali", "--cores-per-accelerator", "4", name="map") == 0
    assert "4 cores for each (extrapolated from 2)" in capsys.readouterr().out
    assert run("--loader", "dali", "--cores-per-accelerator", "1", name="map") == 0
    assert "1 core for each\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--cores-per-accelerator", "0"), "must be at least 1, not 0"),
        (("--html", "no/such/m.html"), "--html no/such/m.html: there is no folder no/such"),
        (("--png", "."), "--png . is a folder; name a file"),
    ],
)
def test_bad_input_to_the_map_is_said_first(
    run: Callable[..., int], capsys: Capture, options: tuple[str, ...], says: str
) -> None:
    assert run("--loader", "dali", *options, name="map") == 2
    assert says in capsys.readouterr().err
    assert not Path(".pipebench").exists()


def test_one_block_has_no_intervals(run: Callable[..., int], capsys: Capture) -> None:
    assert run("--loader", "dali", "--trials", "1") == 0
    out = capsys.readouterr().out
    assert "[" not in out.replace("[95 %]", "")
    assert "Indicative, from 1 block;" in out


def test_a_terminal_of_80_columns(
    run: Callable[..., int], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipebench.report.prose.width", lambda: 80)
    for name in ("crossover", "map"):
        assert run("--loader", "dali", name=name) == 0
        assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_a_sweep_whose_time_is_up_is_tried_over_the_blocks_that_it_has(run: Callable[..., int]) -> None:
    options = ("--loader", "dali", "--out", "r.jsonl", "--trials", "5")
    assert run(*options, "--max-time", "0.0001s") == 0
    records = [r for r in read(Path("r.jsonl")) if r.contestant == "dali" and r.spec.step != "null"]
    assert [r.block for r in records] == [0] * 11


@pytest.mark.parametrize("name", ["crossover", "map"])
@pytest.mark.parametrize("quiet", [(), ("--quiet",)])
def test_redacted_it_names_no_path(
    name: str, quiet: tuple[str, ...], run: Callable[..., int], capsys: Capture
) -> None:
    assert run("--loader", f"dali@{sys.executable}", "--redact", *quiet, name=name) == 0
    out, err = capsys.readouterr()
    assert "dali@path-" in out
    assert "/bin/python" not in out + err
    assert str(Path.cwd()) not in out + err
