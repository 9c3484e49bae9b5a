"""The command `compare`: forms, refusals, exit codes, and hostile files, as a user meets them."""

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipebench import cli
from pipebench.report.columns import COLUMNS, USUAL
from pipebench.results import Record, to_line
from tests.comparing import MACHINE, bench, bench_file, rounds, run_records, save

Make = Callable[..., Record]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(make_record: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: before.jsonl, and after.jsonl in which `b` has become slower by a fifth."""
    monkeypatch.chdir(tmp_path)
    save(Path("before.jsonl"), run_records(make_record, {"a": 100, "b": 80}, run="r1"))
    save(
        Path("after.jsonl"),
        run_records(make_record, {"a": 100, "b": 60}, run="r2", versions={"torch": "2.5"}),
    )
    return tmp_path


def compare(*options: str) -> int:
    return cli.main(["compare", *options])


def test_one_result_against_its_fastest(folder: Path, capsys: Capture) -> None:
    assert compare("before.jsonl") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "step null, before.jsonl"
    assert lines[1].split() == ["contestant", "samples/s", *USUAL[2:4], "blocks", "verdict", "would", "show"]
    assert lines[2].split()[0::2] == ["a", "1"]
    assert lines[3].split()[0] == "b"
    assert "      12  differs" in lines[3]
    assert lines[3].endswith("differs: slower")
    assert lines[-1].startswith("b against a: differs: slower, 0.80x [0.7")


def test_two_results_are_compared_with_the_first(folder: Path, capsys: Capture) -> None:
    assert compare("before.jsonl", "after.jsonl") == 0
    out = capsys.readouterr().out
    assert "step null, after.jsonl against before.jsonl" in out
    [a] = [line for line in out.splitlines() if line.startswith("a ")]
    assert " 12+12  no difference shown" in a
    assert a.rstrip().endswith(" %")
    assert "Other than the baseline: a, b: torch none -> 2.5" in out
    assert "widened by the 10 % by which a host's speed may differ" in out


def test_without_a_name_the_newest_two_are_taken(folder: Path, make_record: Make, capsys: Capture) -> None:
    Path(".pipebench").mkdir()
    for number, speed in enumerate((1, 100, 50), 1):
        records = run_records(make_record, {"a": speed}, run=f"r{number}")
        save(Path(f".pipebench/000{number}_x_y.jsonl"), records)
    assert compare() == 0
    assert "0003_x_y.jsonl against 0002_x_y.jsonl" in capsys.readouterr().out


def test_without_any_result_it_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert compare() == 2
    assert "make one with 'pipebench run'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (("--fail-slower", "5%"), 1, "Failed: b is more than 5 % slower than its baseline: 0.75x ["),
        (("--fail-slower", "30%"), 0, "A slow-down of 30 % is neither shown nor excluded: b."),
        (("--fail-slower", "5%", "--drift", "80%"), 0, "neither shown nor excluded: a, b"),
    ],
)
def test_the_threshold(folder: Path, capsys: Capture, options: tuple[str, ...], code: int, says: str) -> None:
    assert compare("before.jsonl", "after.jsonl", *options) == code
    assert says in capsys.readouterr().out
    assert compare("before.jsonl", "after.jsonl", "--format", "json", *options) == code
    captured = capsys.readouterr()
    assert says in captured.err
    json.loads(captured.out)


def test_what_is_only_indicative_fails_nothing_and_says_so(
    folder: Path, make_record: Make, capsys: Capture
) -> None:
    save(Path("few.jsonl"), run_records(make_record, {"a": 100, "b": 10}, blocks=9))
    assert compare("few.jsonl", "--fail-slower", "5%") == 0
    out = capsys.readouterr().out
    assert "Too little is known to judge: b." in out
    assert "10 blocks, or trials on each side, are needed to decide" in out


def test_another_host_fails_nothing_and_says_so(folder: Path, make_record: Make, capsys: Capture) -> None:
    save(Path("there"), run_records(make_record, {"b": 10}, run="r3", machine=MACHINE | {"host": "x"}))
    assert compare("before.jsonl", "there", "--fail-slower", "5%") == 0
    out = capsys.readouterr().out
    assert "no verdict" in out
    assert "Too little is known to judge: b." in out


def test_a_threshold_over_nothing_is_no_pass(folder: Path, make_record: Make, capsys: Capture) -> None:
    save(Path("other.jsonl"), run_records(make_record, {"c": 10}, run="r3"))
    assert compare("before.jsonl", "other.jsonl", "--fail-slower", "5%") == 2
    assert "nothing could be compared" in capsys.readouterr().err
    assert compare("before.jsonl", "other.jsonl") == 0
    assert "c in other.jsonl: only in other.jsonl" in capsys.readouterr().out


def test_a_failed_trial_is_three(folder: Path, make_record: Make, capsys: Capture) -> None:
    records = [*run_records(make_record, {"a": 100}, run="r3")]
    records += [make_record(contestant="b", status="timeout", reason="too long", run="r3", machine=MACHINE)]
    save(Path("bad.jsonl"), records)
    assert compare("before.jsonl", "bad.jsonl", "--fail-slower", "5%") == 3
    assert "b: timeout: too long" in capsys.readouterr().out


def test_csv_and_json_hold_every_column_and_whole_values(folder: Path, capsys: Capture) -> None:
    assert compare("before.jsonl", "after.jsonl", "--format", "csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert compare("before.jsonl", "after.jsonl", "--format", "json") == 0
    raw = json.loads(capsys.readouterr().out)
    assert [row["contestant"] for row in rows] == [row["contestant"] for row in raw["rows"]]
    assert set(rows[0]) == set(raw["rows"][0])
    b = next(row for row in raw["rows"] if row["contestant"] == "b" and row["method"] != "baseline")
    assert (b["outcome"], b["direction"], b["trials"], b["baseline_trials"]) == ("differs", -1, 12, 12)
    assert b["ratio_low"] < b["ratio"] < b["ratio_high"] < 1
    assert b["versions"] == {"torch": "2.5"}
    assert b["data"] == "c" * 32
    assert raw["verdicts"]


def test_columns_are_chosen_by_name(folder: Path, capsys: Capture) -> None:
    assert compare("before.jsonl", "--columns", "contestant,cpu_seconds_per_sample,host") == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["contestant", "CPU", "ms", "host"]
    for name in COLUMNS:
        assert compare("before.jsonl", "after.jsonl", "--columns", name) == 0
        assert compare("before.jsonl", "after.jsonl", "--columns", name, "--format", "csv") == 0
    capsys.readouterr()


def test_markdown_begins_with_the_outcome(folder: Path, capsys: Capture) -> None:
    assert compare("before.jsonl", "--format", "markdown") == 0
    out = capsys.readouterr().out
    assert out.startswith("**b against a: differs: slower, 0.80x \\[")
    assert "| contestant | samples/s | ratio | interval | blocks | verdict | would show |" in out
    assert re.search(r"^\| `b` \| [78]\d.*? \| 0.80x \| \\\[0.7", out, re.MULTILINE)
    assert "<details>" in out


def test_redacted_output_names_nobody(folder: Path, make_record: Make, capsys: Capture) -> None:
    for run in ("r3", "r4"):
        records = run_records(make_record, {"a@/home/carol/venv/bin/python": 100}, run=run)
        spec = replace(records[0].spec, data="s3://acme-bucket/carols", python="/home/carol/x/bin/python")
        named = {"spec": spec, "machine": MACHINE | {"host": "gpubox7"}, "settings": {"at": "/home/carol"}}
        records = [replace(record, **named) for record in records]  # type: ignore[arg-type] # names fit
        records.append(replace(records[-1], contestant="b", status="failed", reason="no /home/carol/x"))
        save(folder / f"carol_{run}.jsonl", records)
    files = "carol_r3.jsonl", "carol_r4.jsonl"
    for form in ("table", "markdown", "csv", "json"):
        assert compare(*files, "--redact", "--format", form) == 3
        captured = capsys.readouterr()
        assert "path-1" in captured.out
        for name in ("carol", "gpubox7", "acme"):
            assert name not in captured.out + captured.err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("none.jsonl",), "none.jsonl cannot be read: No such file"),
        (("before.jsonl", "--baseline", "c"), "there is no contestant 'c'; known: a, b"),
        (("before.jsonl", "--columns", "rat"), "there is no column 'rat'; did you mean 'rate'"),
        (("before.jsonl", "--columns", ","), "--columns names none"),
        (("before.jsonl", "--columns", "help"), "the columns are contestant, loader,"),
        (("before.jsonl", "--fail-slower", "0"), "--fail-slower must lie between 0 and 1"),
        (("before.jsonl", "--fail-slower", "x"), "--fail-slower must be a share such as 2%"),
        (("before.jsonl", "--drift", "nan"), "--drift must be a share"),
        (("before.jsonl", "--across", "moon"), "there is no --across 'moon'"),
        (("before.jsonl", "before.jsonl"), "the same run"),
        (("before.jsonl", "--format", "pdf"), "there is no format 'pdf'; known: "),
    ],
)
def test_bad_usage_is_one_sentence(
    folder: Path, capsys: Capture, options: tuple[str, ...], says: str
) -> None:
    assert compare(*options) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert says in captured.err
    assert captured.err.count("\n") == 1


NAMES = [
    "[bold]x[/]",
    "a\nb",
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "\x1b[2Jx",
    "x" * 3000,
    "|",
    "`",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["table", "markdown", "csv", "json"])
def test_hostile_names_are_shown_as_text(
    folder: Path, make_record: Make, capsys: Capture, name: str, form: str
) -> None:
    save(Path("h.jsonl"), run_records(make_record, {name: 100, "z": 90}, blocks=2, run=name))
    assert compare("h.jsonl", "--format", form) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    if form == "csv":
        rows = list(csv.reader(io.StringIO(out)))
        assert {len(row) for row in rows} == {len(rows[0])}
        assert not any(cell.startswith(("=", "@")) for row in rows for cell in row)
    if form == "json":
        assert json.loads(out)["rows"][0]["contestant"] == name


@pytest.mark.parametrize(
    "change",
    [
        {"machine": {"host": "h", "cpu": 3, "cores": None, "gpu": True}},
        {"settings": {"a": float("nan"), "b": {"c": [[[]]]}, "d": 10**300}},
        {"content_id": "\x1b]0;x\x07"},
        {"format": "<b>"},
        {"same_work": {"x": float("inf")}},
    ],
)
@pytest.mark.parametrize("form", ["table", "markdown", "csv", "json"])
def test_odd_facts_are_told_and_break_nothing(
    folder: Path, make_record: Make, capsys: Capture, change: dict[str, Any], form: str
) -> None:
    lines = [
        json.dumps(json.loads(to_line(record)) | change)
        for record in run_records(make_record, {"a": 1, "b": 2}, blocks=2)
    ]
    Path("odd.jsonl").write_text("\n".join(lines) + "\n")
    columns = ("--columns", ",".join(COLUMNS)) if form in ("table", "markdown") else ()
    assert compare("odd.jsonl", "--format", form, *columns) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\x07" not in out


def test_old_and_new_files_of_pytest_benchmark(folder: Path, capsys: Capture) -> None:
    bench_file(Path("old.json"), bench("test_x", rounds(1.0), data=False), when="1")
    bench_file(Path("new.json"), bench("test_x", rounds(1.5, seed=1)), bench("test_y", [1.0]), when="2")
    assert compare("old.json", "new.json", "--fail-slower", "10%") == 1
    out = capsys.readouterr().out
    assert re.search(r"^test_x +1\.5\d? s +0\.67x", out, re.MULTILINE)
    assert "test_x in new.json against old.json: differs: slower, 0.67x" in out
    assert "unpaired, two sessions" in out
    assert "data not told; cache not told" in out
    assert "test_y: only in new.json" in out


def test_a_mix_compares_what_is_alike(folder: Path, make_record: Make, capsys: Capture) -> None:
    records = [make_record(100, "a", block, content_id="c" * 32) for block in range(3)]
    bench_file(Path("b.json"), bench("test_warm[a]", rounds(1.0, 3), records=records, group="warm"))
    assert compare("before.jsonl", "after.jsonl", "b.json") == 0
    out = capsys.readouterr().out
    assert "a in b.json: only in b.json" in out
    assert "after.jsonl against before.jsonl" in out
