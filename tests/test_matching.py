"""Who is compared with whom."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from pipebench.errors import BadInput
from pipebench.figures import figures
from pipebench.matching import match
from pipebench.result_files import all_series, open_sources
from pipebench.results import Record
from pipebench.series import Series
from tests.comparing import bench, bench_file, rounds, run_records, save

Make = Callable[..., Record]
Files = Callable[..., list[Series]]


@pytest.fixture
def files(make_record: Make, tmp_path: Path) -> Files:
    """`files({"a": 100}, {"a": 90})`: the series of such runs, one a file, called 0, 1 and so on."""

    def make(*speeds: Mapping[str, float]) -> list[Series]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        paths = [
            save(folder / str(n), run_records(make_record, given, run=f"run{n}", blocks=3))
            for n, given in enumerate(speeds)
        ]
        return all_series(open_sources(paths), figures)

    return make


def matched(series: list[Series], baseline: str | None = None) -> list[tuple[str, str]]:
    """Each as `contestant/file` with its baseline's, or why it has none."""

    def name(one: Series) -> str:
        return f"{one.contestant}/{one.session.name}"

    return [(name(p.series), name(p.baseline) if p.baseline else p.why) for p in match(series, baseline)]


def test_in_one_file_the_fastest_is_the_baseline(files: Files) -> None:
    assert matched(files({"a": 100, "b": 200})) == [("a/0", "b/0"), ("b/0", "b/0")]


def test_in_several_the_first_file_is(files: Files) -> None:
    found = matched(files({"a": 100, "b": 200}, {"b": 100, "a": 100}, {"a": 1}))
    assert found == [("a/0", "a/0"), ("b/0", "b/0"), ("b/1", "b/0"), ("a/1", "a/0"), ("a/2", "a/0")]


def test_who_is_in_one_file_only_says_so(files: Files) -> None:
    found = matched(files({"a": 100, "b": 200}, {"b": 100, "c": 100}))
    assert found == [("a/0", "only in 0"), ("b/0", "b/0"), ("b/1", "b/0"), ("c/1", "only in 1")]


def test_a_loader_with_other_settings_is_the_same_where_it_is_the_only_one(files: Files) -> None:
    assert matched(files({"a": 100}, {"a:k=2": 100}))[1] == ("a:k=2/1", "a/0")
    assert matched(files({"a": 100}, {"a:k=2": 100, "a:k=3": 1}))[1] == ("a:k=2/1", "only in 1")
    assert matched(files({"a:k=1": 100, "a:k=4": 1}, {"a:k=2": 100}))[2] == ("a:k=2/1", "only in 1")


def test_a_named_baseline_is_that_of_the_own_file_or_of_the_first(files: Files) -> None:
    found = matched(files({"a": 100}, {"b": 100}, {"a": 100, "b": 100}), "a")
    assert found == [("a/0", "a/0"), ("b/1", "a/0"), ("a/2", "a/2"), ("b/2", "a/2")]


def test_a_baseline_may_be_named_by_its_loader(files: Files) -> None:
    assert matched(files({"a:k=1": 100, "b": 1}), "a") == [("a:k=1/0", "a:k=1/0"), ("b/0", "a:k=1/0")]


def test_a_name_that_nobody_or_several_bear(files: Files) -> None:
    series = files({"dali:k=1": 100, "dali:k=2": 1})
    with pytest.raises(BadInput, match="there is no contestant 'dalli:k=1'; did you mean 'dali:k=1'"):
        match(series, "dalli:k=1")
    with pytest.raises(BadInput, match="could be any of 'dali:k=1', 'dali:k=2'"):
        match(series, "dali")


def test_who_has_no_figure_is_nobodys_baseline(make_record: Make, tmp_path: Path) -> None:
    records = [make_record(contestant="a", status="failed"), make_record(contestant="b")]
    paths = [save(tmp_path / n, [replace(r, run=n) for r in records]) for n in "xy"]
    series = all_series(open_sources(paths), figures)
    assert matched(series)[2] == ("a/y", "no figure in x")
    assert matched(series, "a")[1] == ("b/x", "the baseline has no figure here")
    assert matched(series[:2]) == [("a/x", "b/x"), ("b/x", "b/x")]
    assert [pair.duel for pair in match(series[:2])] == [None, None]


def test_steps_and_units_are_not_mixed(make_record: Make, tmp_path: Path) -> None:
    steps = [make_record(10 if s == "null" else 5, n, step=s) for n in "ab" for s in ("null", "emulate:9")]
    ours = save(tmp_path / "r", steps)
    theirs = bench_file(tmp_path / "b", bench("a", rounds(1.0), group="null"), bench("c", rounds(2.0)))
    series = all_series(open_sources([ours, theirs]), figures)
    assert matched(series[4:]) == [("a/b", "a/b"), ("c/b", "c/b")]
    assert matched(series)[4:] == [("a/b", "only in b"), ("c/b", "only in b")]
    pairs = match(series[:4])
    assert {(p.series.task, p.baseline.task) for p in pairs if p.baseline} == {
        ("null", "null"),
        ("emulate:9", "emulate:9"),
    }
