"""The commands `list`, `run` and `doctor` through the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipebench import cli, runner
from pipebench.dataset import Dataset
from pipebench.results import CEILING, LIMITS_BLOCK, PROOF_BLOCK, Record, TrialSpec, append, read

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def run(
    make_dataset: Callable[..., Dataset],
    make_record: Callable[..., Record],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Callable[..., int]:
    """`run(*options, statuses={})`: the command `run` over trials that end at once."""
    data = make_dataset().url
    monkeypatch.chdir(tmp_path)

    def command(*options: str, statuses: dict[str, str] | None = None, stop_at: int = 10**6) -> int:
        count = 0

        def execute(spec: TrialSpec, timeout: float, **identity: Any) -> Record:
            nonlocal count
            count += 1
            if count > stop_at:
                raise KeyboardInterrupt
            status = (statuses or {}).get(identity["contestant"], "ok")
            record = make_record(**identity, status=status, reason="" if status == "ok" else "why")
            return Record(**{n: getattr(record, n) for n in Record.__slots__ if n != "spec"}, spec=spec)

        original = runner.run
        monkeypatch.setattr(runner, "run", lambda plan, out: original(plan, out, execute))
        try:
            return cli.main(["run", "--data", data, "--batch-size", "4", "--trials", "2", *options])
        finally:
            monkeypatch.setattr(runner, "run", original)

    return command


def test_list_prints_what_can_be_named(capsys: Capture) -> None:
    for what in ("loaders", "formats", "kinds", "steps"):
        assert cli.main(["list", what]) == 0
        assert capsys.readouterr().out


def test_list_as_json(capsys: Capture) -> None:
    assert cli.main(["list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"resident", "dali"} <= {row["name"] for row in rows}
    assert all({"formats", "libraries", "from"} <= row.keys() for row in rows)


def test_doctor_without_loaders(capsys: Capture, tmp_path: Path) -> None:
    assert cli.main(["doctor", str(tmp_path), "--no-loaders"]) == 0
    assert "+ python" in capsys.readouterr().out
    assert cli.main(["doctor", str(tmp_path), "--no-loaders", "--json"]) == 0
    assert {"python", "cores", "storage"} <= {f["topic"] for f in json.loads(capsys.readouterr().out)}


def test_a_run_prints_its_table_and_keeps_its_records(run: Callable[..., int], capsys: Capture) -> None:
    assert run("--loader", "dali", "--loader", "torch_dataloader") == 0
    out, err = capsys.readouterr()
    assert {"dali", "torch_dataloader"} <= {line.split(" ")[0] for line in out.splitlines()}
    [kept] = Path(".pipebench").iterdir()
    assert f"results: {Path('.pipebench') / kept.name}" in err
    assert {record.contestant for record in read(kept)} == {CEILING, "dali", "torch_dataloader"}


def test_a_run_as_json(run: Callable[..., int], capsys: Capture) -> None:
    assert run("--loader", "dali", "--json") == 0
    [row] = json.loads(capsys.readouterr().out)
    assert (row["loader"], row["status"]) == ("dali", "ok")


@pytest.mark.parametrize(
    ("named", "status", "code"),
    [(True, "failed", 3), (True, "unsupported", 3), (False, "unsupported", 0), (False, "timeout", 3)],
)
def test_a_trial_that_did_not_end_ok_is_three(
    run: Callable[..., int], named: bool, status: str, code: int
) -> None:
    options = ("--loader", "dali", "--loader", "torch_dataloader") if named else ()
    assert run(*options, statuses={"dali": status}) == code


def test_bad_input_inside_a_trial_is_two(run: Callable[..., int], capsys: Capture) -> None:
    assert run("--loader", "dali", statuses={"dali": "bad_input"}) == 2
    assert "pipebench: why\n" in capsys.readouterr().err


def test_ctrl_c_says_how_to_go_on_and_resuming_does(run: Callable[..., int], capsys: Capture) -> None:
    options = ("--loader", "dali", "--out", "r.jsonl")
    assert run(*options, stop_at=2) == 130
    assert (
        "pipebench: stopped: 2 of 6 trials are in r.jsonl; the same command with --resume --out r.jsonl"
        in (capsys.readouterr().err)
    )
    assert run(*options, "--resume") == 0
    ran = [record.block for record in read(Path("r.jsonl"))]
    assert ran[:4] == [LIMITS_BLOCK, 0, PROOF_BLOCK, 0]
    assert sorted(ran[4:]) == [LIMITS_BLOCK - 1, 1]


def test_resuming_without_a_name_takes_the_newest(run: Callable[..., int]) -> None:
    assert run("--loader", "dali", stop_at=1) == 130
    assert run("--loader", "dali", "--resume") == 0
    assert len(list(Path(".pipebench").iterdir())) == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--resume",), "--resume finds no results file; name it with --out"),
        (("--resume", "--out", "none.jsonl"), "--resume finds no results file"),
        (("--out", "kept.jsonl"), "kept.jsonl exists; add --resume to go on with it, or name another file"),
        (("--out", "no/such/r.jsonl"), "there is no folder no/such"),
        (("--resume", "--out", "kept.jsonl"), "kept.jsonl holds trials of another run"),
        (("--resume", "--out", "note.txt"), "note.txt is not a pipebench results file"),
        (("--resume", "--out", "."), "cannot be written: Is a directory"),
    ],
)
def test_results_files_that_will_not_do(
    run: Callable[..., int],
    make_record: Callable[..., Record],
    capsys: Capture,
    options: tuple[str, ...],
    says: str,
) -> None:
    append(Path("kept.jsonl"), make_record())
    Path("note.txt").write_text("a note")
    before = Path("kept.jsonl").read_bytes()
    assert run("--loader", "dali", *options) == 2
    assert says in capsys.readouterr().err
    assert Path("kept.jsonl").read_bytes() == before
    assert Path("note.txt").read_text() == "a note"


def test_a_redacted_run_prints_no_names_and_keeps_them(
    run: Callable[..., int], tmp_path: Path, capsys: Capture
) -> None:
    python = tmp_path / "carols" / "bin" / "python"
    loader = f"mine:Mine@{python}:at=/home/carol/x"
    assert run("--loader", loader, "--redact", "--json", statuses={loader: "failed"}) == 3
    captured = capsys.readouterr()
    assert "carol" not in captured.out + captured.err
    assert json.loads(captured.out)[0]["contestant"].startswith("mine:Mine@path-")
    [kept] = Path(".pipebench").iterdir()
    assert "carols" in kept.read_text()


def test_a_quiet_run_prints_its_table_alone(run: Callable[..., int], capsys: Capture) -> None:
    assert run("--loader", "dali", "--quiet") == 0
    out, err = capsys.readouterr()
    assert "dali" in out
    assert err == ""
