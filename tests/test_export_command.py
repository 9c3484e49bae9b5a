"""The command `export`: everything as CSV, and copies that name nobody and measure the same."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipebench import chrome_trace, cli
from pipebench.figures import figures
from pipebench.results import Record, read
from tests.comparing import MACHINE, bench, bench_file, run_records, save

Make = Callable[..., Record]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(make_record: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with r.jsonl: two blocks of two contestants, and names in it."""
    monkeypatch.chdir(tmp_path)
    records = run_records(
        make_record, {"a": 100, "b": 50}, blocks=2, machine=MACHINE | {"host": "gpubox7"}, settings={"k": 1}
    )
    spec = replace(records[0].spec, data="/home/carol/acme", python="/home/carol/py/bin/python", loader="a")
    save(Path("r.jsonl"), [replace(record, spec=spec) for record in records])
    return tmp_path


def export(*options: str) -> int:
    return cli.main(["export", *options])


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_row_for_each_trial_with_all_its_figures(folder: Path, capsys: Capture) -> None:
    assert export("r.jsonl", "--of", "trials") == 0
    rows = table(capsys.readouterr().out)
    records = read(Path("r.jsonl"))
    assert len(rows) == len(records) == 6
    for row, record in zip(rows, records, strict=True):
        found = figures(record)
        assert row["contestant"] == record.contestant
        assert row["samples_per_second"] == ("" if found is None else repr(found.samples_per_second))
        assert json.loads(row["settings"]) == {"k": 1}
        assert row["data"] == "/home/carol/acme"
        assert (row["cache"], row["spec_cache"]) == ("" if found is None else "warm", "warm")


def test_a_row_for_each_batch_with_its_raw_times(folder: Path, capsys: Capture) -> None:
    assert export("r.jsonl", "--of", "batches") == 0
    rows = table(capsys.readouterr().out)
    assert len(rows) == 4 * 40
    record = next(record for record in read(Path("r.jsonl")) if record.trace)
    assert record.trace is not None
    own = [row for row in rows if (row["contestant"], row["block"]) == (record.contestant, "0")]
    assert [int(row["got_ns"]) for row in own] == list(record.trace.got_ns)
    assert {row["epoch"] for row in own} == {"0"}
    assert [row["counts"] for row in own] == ["false"] + ["true"] * 39


def test_rounds_of_pytest_benchmark(folder: Path, make_record: Make, capsys: Capture) -> None:
    records = [make_record(contestant="dali", block=block) for block in range(2)]
    path = bench_file(Path("b.json"), bench("ours", [1.0, 2.0], records=records), bench("theirs", [3.0]))
    assert export("r.jsonl", str(path), "--of", "trials") == 0
    rows = table(capsys.readouterr().out)[6:]
    assert [(row["contestant"], row["block"], row["round_seconds"]) for row in rows] == [
        ("dali", "0", "1.0"),
        ("dali", "1", "2.0"),
        ("theirs", "0", "3.0"),
    ]


def test_a_copy_to_share_names_nobody_and_has_the_same_figures(folder: Path, capsys: Capture) -> None:
    assert export("r.jsonl", "--redact", "--out", "shared.jsonl") == 0
    text = Path("shared.jsonl").read_text()
    assert not any(name in text for name in ("carol", "acme", "gpubox7"))
    for ours, theirs in zip(read(Path("r.jsonl")), read(Path("shared.jsonl")), strict=True):
        assert figures(ours) == figures(theirs)
        assert ours.trace == theirs.trace
    assert cli.main(["compare", "r.jsonl"]) == cli.main(["compare", "shared.jsonl"]) == 0
    outs = capsys.readouterr().out.split("step null, ")[1:]
    assert outs[0].splitlines()[1:4] == outs[1].splitlines()[1:4]


def test_a_copy_without_redaction_is_the_same(folder: Path) -> None:
    with Path("r.jsonl").open("ab") as file:
        file.write(b'{"schema":2,"to')
    assert export("r.jsonl", "--out", "copy.jsonl") == 0
    assert read(Path("copy.jsonl")) == read(Path("r.jsonl"))


def test_a_copy_of_pytest_benchmarks_file(folder: Path, capsys: Capture) -> None:
    bench_file(Path("b.json"), bench("x", [1.0]), node="gpubox7")
    assert export("b.json", "--redact") == 0
    out = capsys.readouterr().out
    assert "gpubox7" not in out
    assert json.loads(out)["benchmarks"][0]["stats"]["data"] == [1.0]


@pytest.mark.parametrize("of", ["trials", "batches"])
def test_redacted_tables(folder: Path, capsys: Capture, of: str) -> None:
    assert export("r.jsonl", "--of", of, "--redact") == 0
    out = capsys.readouterr().out
    assert not any(name in out for name in ("carol", "acme", "gpubox7", "r.jsonl"))


def timeline(capsys: Capture, *options: str) -> tuple[dict[str, Any], str]:
    assert export(*options, "--format", "chrome-trace") == 0
    captured = capsys.readouterr()
    return json.loads(captured.out), captured.err


def test_a_trials_timeline(folder: Path, capsys: Capture) -> None:
    raw, said = timeline(capsys, "r.jsonl")
    assert raw["otherData"]["trial"] == "a, block 0, step null"
    assert said == "trial: a, block 0, step null, the first of 4 that fit (--trial, --block, --step choose)\n"
    raw, said = timeline(capsys, "r.jsonl", "--trial", "b", "--block", "1", "--step", "null")
    assert raw["otherData"]["trial"] == "b, block 1, step null"
    assert said == "trial: b, block 1, step null\n"
    waits = [event for event in raw["traceEvents"] if event["name"] == "wait"]
    assert len(waits) == 40


def test_a_timeline_from_a_benchmark_and_without_names(
    folder: Path, make_record: Make, capsys: Capture
) -> None:
    records = [make_record(contestant="dali@/home/carol/py", block=block) for block in range(2)]
    path = bench_file(Path("b.json"), bench("ours", [1.0, 2.0], records=records))
    raw, said = timeline(capsys, str(path), "--block", "1")
    assert "/home/carol/py" in said
    raw, said = timeline(capsys, str(path), "--block", "1", "--redact")
    assert raw["otherData"]["trial"].startswith("dali@path-")
    assert "carol" not in json.dumps(raw) + said


def test_a_timeline_that_was_cut_says_so(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chrome_trace, "MOST_BATCHES", 15)
    _, said = timeline(capsys, "r.jsonl", "--trial", "b", "--block", "0")
    assert said.endswith("; its last 25 batches are left out, so that the file stays small\n")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "there are no results under .pipebench"),
        (("none",), "none cannot be read"),
        (("note",), "neither pipebench's results nor pytest-benchmark's JSON"),
        (("r.jsonl", "r.jsonl"), "a copy is of one file"),
        (("r.jsonl", "--out", "note"), "note exists; name another file"),
        (("r.jsonl", "--out", "no/such"), "no/such cannot be written: No such file"),
        (("note", "--of", "trials", "--out", "x"), "neither"),
        (("note", "--format", "chrome-trace", "--out", "x"), "neither"),
        (("r.jsonl", "--format", "chrome-trace", "--trial", "c"), "there is no contestant 'c'; known: a, b"),
        (("r.jsonl", "--format", "chrome-trace", "--block", "7"), "no trial of that contestant, block and"),
        (("r.jsonl", "--format", "chrome-trace", "--of", "trials"), "leave --of out"),
        (("r.jsonl", "--format", "csv"), "add --of trials or --of batches"),
        (("r.jsonl", "--trial", "a"), "--trial chooses the trial of a timeline; add --format chrome-trace"),
        (("bad.jsonl", "--format", "chrome-trace"), "no trial in it ended ok and brought a batch"),
    ],
)
def test_bad_usage_is_one_sentence(
    folder: Path, capsys: Capture, options: tuple[str, ...], says: str
) -> None:
    Path("note").write_text("a note")
    save(Path("bad.jsonl"), [replace(read(Path("r.jsonl"))[-1], status="failed", trace=None)])
    assert export(*options) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert says in captured.err
    assert captured.err.count("\n") == 1
    assert Path("note").read_text() == "a note"
    assert not Path("x").exists()
