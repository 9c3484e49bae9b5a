"""Files of either kind, several runs in one file, and what is neither."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipebench.errors import BadInput
from pipebench.figures import figures
from pipebench.result_files import all_series, open_sources
from pipebench.results import CEILING, Record
from tests.comparing import bench, bench_file, rounds, run_records, save

Make = Callable[..., Record]


def test_a_mix_in_the_order_given(make_record: Make, tmp_path: Path) -> None:
    ours = save(tmp_path / "r.jsonl", run_records(make_record, {"a": 100, "b": 200}))
    theirs = bench_file(tmp_path / "b.json", bench("test_x", rounds(1.0)))
    found = all_series(open_sources([theirs, ours]), figures)
    assert [(s.session.number, s.session.name, s.contestant, s.unit) for s in found] == [
        (0, "b.json", "test_x", "rounds/s"),
        (1, "r.jsonl", "a", "samples/s"),
        (1, "r.jsonl", "b", "samples/s"),
    ]
    assert [s.session.blocks for s in found] == [False, True, True]
    assert found[1].speed == pytest.approx(100, rel=0.02)
    assert found[1].speeds.keys() == set(range(12))


def test_runs_that_were_put_together_are_apart(make_record: Make, tmp_path: Path) -> None:
    path = save(
        tmp_path / "r", run_records(make_record, {"a": 100}) + run_records(make_record, {"a": 50}, run="r2")
    )
    first, second = all_series(open_sources([path]), figures)
    assert (first.session.name, second.session.name) == ("r (run 1)", "r (run 2)")
    assert first.speed == pytest.approx(2 * (second.speed or 0), rel=0.05)


def test_the_ceiling_is_no_contestant_and_a_failure_is_told(make_record: Make, tmp_path: Path) -> None:
    records = [make_record(1e6, CEILING), make_record(contestant="a", status="timeout", reason="why")]
    [found] = all_series(open_sources([save(tmp_path / "r", records)]), figures)
    assert (found.contestant, found.measured, found.status, found.reason) == ("a", False, "timeout", "why")
    assert found.conditions is None


def test_files_of_one_name_are_told_by_their_paths(make_record: Make, tmp_path: Path) -> None:
    paths = []
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        paths.append(save(tmp_path / name / "r.jsonl", run_records(make_record, {"a": 1}, run=name)))
    assert [s.session.name for s in all_series(open_sources(paths), figures)] == list(map(str, paths))


def test_redacted_sources_have_no_names(make_record: Make, tmp_path: Path) -> None:
    path = save(tmp_path / "carol.jsonl", run_records(make_record, {"a@/home/carol/bin/python": 100}))
    [found] = all_series(open_sources([path], redact=True), figures)
    assert found.session.name == "result 1"
    assert found.contestant == "a@path-1"
    assert found.conditions is not None
    assert found.conditions.machine is None


def test_a_run_is_named_once(make_record: Make, tmp_path: Path) -> None:
    records = run_records(make_record, {"a": 100})
    paths = [save(tmp_path / name, records) for name in ("x", "y")]
    with pytest.raises(BadInput, match="y holds the same run as x; name each run once"):
        all_series(open_sources(paths), figures)
    twice = bench_file(tmp_path / "b", bench("a", [1.0]))
    with pytest.raises(BadInput, match="the same run"):
        all_series(open_sources([twice, twice]), figures)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "neither pipebench's results nor pytest-benchmark's JSON"),
        (b"a note", "neither"),
        (b"\x89PNG\xff", "neither"),
        (b"[]", "neither"),
        (b"3", "neither"),
        (b'{"x": 1}', "not a file of pytest-benchmark"),
        (b'{"benchmarks": []}', "holds no benchmark"),
        (b'{"schema":2,"run"', "holds no finished trial"),
        (b'{"schema":2,"run"\n', "line 1: not a pipebench record"),
        (b'{"schema": 99}\n', "schema 99"),
        (b"[" * 100_000, "neither"),
        (b'{"a":' * 100_000, "neither"),
        (b"9" * 100_000, "neither"),
    ],
)
def test_what_cannot_be_compared(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(BadInput, match=f"f.*{says}") as caught:
        open_sources([tmp_path / "f"])
    assert len(str(caught.value)) < 500
    with pytest.raises(BadInput, match=says):
        open_sources([tmp_path / "f"], redact=True)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        open_sources([tmp_path / "none"])
    with pytest.raises(BadInput, match="cannot be read: Is a directory"):
        open_sources([tmp_path])
