"""What a page is made of: entries, their trials, and where these stand."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipebench.errors import BadInput
from pipebench.figures import figures
from pipebench.report.alike import setup
from pipebench.results import Record, read
from pipebench.summary import summarise
from tests.comparing import bench, bench_file, rounds, run_records, save
from tests.reporting import core_runs, gathered, whole_run

Make = Callable[..., Record]


def test_rows_are_those_of_the_summary(make_record: Make, tmp_path: Path) -> None:
    path = save(tmp_path / "r.jsonl", whole_run(make_record))
    [part] = gathered(path).parts
    assert part.rows == summarise(read(path))


def test_each_trial_says_in_which_line_it_stands(make_record: Make, tmp_path: Path) -> None:
    path = save(tmp_path / "r.jsonl", whole_run(make_record))
    lines = path.read_text().splitlines()
    for _, trial in gathered(path).trials:
        raw = json.loads(lines[int(trial.place.removeprefix("line ")) - 1])
        assert (raw["contestant"], raw["block"]) == (trial.record.contestant, trial.record.block)
        assert trial.figures == (figures(trial.record) if trial.record.block >= 0 else None)


def test_entries_hold_their_own_trials(make_record: Make, tmp_path: Path) -> None:
    found = gathered(save(tmp_path / "r.jsonl", whole_run(make_record)))
    for entry in found.entries:
        told = {(trial.record.contestant, trial.record.spec.step) for trial in entry.trials}
        assert told == {(entry.row.contestant, entry.row.step)}
        assert len(entry.trials) == 12
    assert len({entry.number for entry in found.entries}) == len(found.entries)


def test_runs_of_one_file_are_told_apart(make_record: Make, tmp_path: Path) -> None:
    records = [r for run in ("r1", "r2") for r in run_records(make_record, {"a": 1}, blocks=2, run=run)]
    found = gathered(save(tmp_path / "r.jsonl", records))
    assert [part.name for part in found.parts] == ["r.jsonl (run 1)", "r.jsonl (run 2)"]
    assert found.entries[1].trials[0].place == "line 5"


def test_a_benchmark_that_holds_records_is_a_part(make_record: Make, tmp_path: Path) -> None:
    records = run_records(make_record, {"a": 100}, blocks=3)
    path = bench_file(tmp_path / "b.json", bench("x", rounds(1, 3), records=records), bench("y", rounds(1)))
    [part] = gathered(path).parts
    assert part.name == "b.json: x"
    assert part.entries[0].trials[0].place == "record 2"


def test_what_compare_refuses_is_told_and_the_rest_goes_on(make_record: Make, tmp_path: Path) -> None:
    one = save(tmp_path / "1.jsonl", run_records(make_record, {"a": 1, "b": 2}, run="r1"))
    two = save(tmp_path / "2.jsonl", run_records(make_record, {"a": 1}, run="r2", content_id="d" * 32))
    found = gathered(one, two)
    assert "not alike in data" in found.refusal
    alone = [line.series.session.name for line in found.lines if line.comparison]
    assert alone == ["1.jsonl"]
    assert len(found.entries) == 3


def test_the_same_run_twice_is_refused(make_record: Make, tmp_path: Path) -> None:
    path = save(tmp_path / "1.jsonl", run_records(make_record, {"a": 1}))
    with pytest.raises(BadInput, match="name each run once"):
        gathered(path, path)


def test_a_setup_differs_in_what_it_is_not_without(make_record: Make, tmp_path: Path) -> None:
    found = gathered(*core_runs(make_record, tmp_path))
    ours = [entry for entry in found.entries if entry.row.contestant == "a"]
    assert len({setup(entry, without="cores") for entry in ours}) == 1
    assert len({setup(entry, without="step") for entry in ours}) == 3
