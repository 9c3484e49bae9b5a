"""Files of pytest-benchmark, those that pytest-benchmark itself has written included."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipebench.errors import BadInput
from pipebench.figures import figures
from pipebench.pytest_benchmark import parse, series_of
from pipebench.results import Record
from pipebench.series import Series, Session
from tests.comparing import bench, bench_file, rounds

Make = Callable[..., Record]


def series(path: Path) -> list[Series]:
    session = Session(number=0, name="f", run="f", blocks=False)
    return series_of(session, parse(json.loads(path.read_text())), figures)


def one(path: Path, benchmark: dict[str, Any]) -> Series:
    [found] = series(bench_file(path / "b.json", benchmark))
    return found


def test_rounds_are_speeds(tmp_path: Path) -> None:
    found = one(tmp_path, bench("test_a", [0.5, 0.25, 0.5], group="g"))
    assert (found.contestant, found.task, found.unit) == ("test_a", "g", "rounds/s")
    assert dict(found.speeds) == {0: 2, 1: 4, 2: 2}
    assert (found.speed, found.moments, found.trials) == (2, None, 3)


def test_without_rounds_there_are_moments(tmp_path: Path) -> None:
    found = one(tmp_path, bench("test_a", [0.5, 0.25, 0.5], data=False))
    assert found.speeds == {}
    assert found.moments is not None
    assert found.moments.rounds == found.trials == 3
    assert found.moments.deviation == pytest.approx(0.1443, rel=1e-3)
    assert found.speed == pytest.approx(1 / found.moments.mean)


def test_one_round_has_no_deviation(tmp_path: Path) -> None:
    found = one(tmp_path, bench("test_a", [0.5], data=False))
    assert found.moments is not None
    assert found.moments.deviation is None


def test_what_a_file_tells_of_its_host(tmp_path: Path) -> None:
    found = one(tmp_path, bench("test_a", [0.5]))
    assert found.conditions is not None
    assert found.conditions.host == "AMD EPYC, 2 cores, x86_64"
    assert (found.conditions.machine, found.conditions.data, found.conditions.cache) == ("h", None, None)
    assert found.versions == {"python": "3.11.7"}


def test_an_old_file_tells_less() -> None:
    old = {"benchmarks": [bench("test_a", [1.0], data=False)], "machine_info": {"machine": "x86_64"}}
    file = parse(old)
    session = Session(number=0, name="f", run="f", blocks=False)
    [found] = series_of(session, file, figures)
    assert found.conditions is not None
    assert (found.conditions.host, found.conditions.machine) == ("x86_64", None)
    assert series_of(session, parse({"benchmarks": old["benchmarks"]}), figures)[0].speed == 1


def test_names_that_are_there_twice_are_told_by_their_files(tmp_path: Path) -> None:
    twice = bench("test_a", [0.5]), bench("test_a", [0.5]) | {"fullname": "b.py::test_a"}
    assert [s.contestant for s in series(bench_file(tmp_path / "b", *twice))] == [
        "tests/test_x.py::test_a",
        "b.py::test_a",
    ]


def test_our_own_benchmarks_are_of_a_loader_and_know_their_conditions(
    make_record: Make, tmp_path: Path
) -> None:
    records = [make_record(100, "dali", block, content_id="c", settings={"a": 1}) for block in range(3)]
    found = one(tmp_path, bench("test_warm_epoch[dali]", rounds(2, 3), records=records))
    assert (found.contestant, found.loader, found.task) == ("dali", "dali", "test_warm_epoch")
    assert found.conditions is not None
    assert (found.conditions.data, found.conditions.cache) == ("c", "warm")
    assert found.settings == {"a": 1}
    assert found.row is not None
    assert found.row.samples_per_second == pytest.approx(100)
    assert found.unit == "rounds/s"


def test_a_disturbed_round_is_marked(
    make_record: Make, make_trace: Callable[..., Any], tmp_path: Path
) -> None:
    trace = make_trace([100] * 39)
    trace.looks[:] = [look._replace(host_busy_ns=look.cpu_ns + look.at_ns // 2) for look in trace.looks]
    records = [make_record(contestant="a", block=0), make_record(contestant="a", block=1, trace=trace)]
    assert one(tmp_path, bench("test_a", [1.0, 1.0], records=records)).marked == {1}
    assert one(tmp_path, bench("test_a", [1.0, 1.0], records=records, data=False)).marked == frozenset()


WRONG: Sequence[tuple[Any, str]] = [
    ({}, "no list of benchmarks"),
    ({"benchmarks": {}}, "no list of benchmarks"),
    ({"benchmarks": [3]}, "no list of benchmarks"),
    ({"benchmarks": [{}]}, "without name or stats"),
    ({"benchmarks": [{"name": "a", "stats": []}]}, "without name or stats"),
    ({"benchmarks": [bench("a", [1.0]) | {"stats": {}}]}, "'a': its rounds or its stddev are impossible"),
    ({"benchmarks": [bench("a", [1.0], data=False, rounds="3")]}, "rounds or its stddev"),
    ({"benchmarks": [bench("a", [1.0], data=False, rounds=-1)]}, "rounds or its stddev"),
    ({"benchmarks": [bench("a", [1.0], data=False, stddev=-1)]}, "rounds or its stddev"),
    ({"benchmarks": [bench("a", [1.0], data=False, mean=0)]}, "a time of 0 seconds is impossible"),
    ({"benchmarks": [bench("a", [1.0], data=False, mean=float("nan"))]}, "a time of None seconds"),
    ({"benchmarks": [bench("a", [1.0]) | {"stats": {"data": [1.0, 0.0]}}]}, "a time of 0.0 seconds"),
    (
        {"benchmarks": [bench("a", [1.0]) | {"stats": {"data": ["x" * 999]}}]},
        "a time of \\.\\.\\.x+' seconds",
    ),
    ({"benchmarks": [bench("a", [1.0]) | {"stats": {"data": [10**400]}}]}, "seconds is impossible"),
    (
        {"benchmarks": [bench("a", [1.0]) | {"extra_info": {"records": [{"schema": 1}]}}]},
        "'a': not a pipebench record",
    ),
]


@pytest.mark.parametrize(("raw", "says"), WRONG)
def test_what_is_no_such_file_or_impossible(raw: Any, says: str) -> None:
    with pytest.raises(BadInput, match=says) as caught:
        parse(raw)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"machine_info": []},
        {"machine_info": {"cpu": 3, "node": {}, "processor": []}},
        {"datetime": 3, "version": None},
        {"benchmarks": [bench("a", [1.0]) | {"group": 3, "fullname": [], "extra_info": []}]},
        {"benchmarks": [bench("a", [1.0]) | {"extra_info": {"records": [3]}}]},
        {"benchmarks": [bench("a", [1.0]) | {"extra_info": {"records": "x"}}]},
    ],
)
def test_what_nothing_depends_on_may_be_anything(changes: dict[str, Any]) -> None:
    file = parse({"benchmarks": [bench("a", [1.0])]} | changes)
    assert series_of(Session(number=0, name="f", run="f", blocks=False), file, figures)[0].speed == 1


@pytest.mark.parametrize("options", [(), ("--benchmark-save-data",)])
def test_a_file_of_todays_pytest_benchmark(tmp_path: Path, options: tuple[str, ...]) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(benchmark):\n    benchmark(sum, range(2000))\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"]
    command += ["--benchmark-autosave", "--benchmark-max-time=0.05", "--benchmark-min-rounds=3", *options]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    [path] = tmp_path.glob(".benchmarks/*/*.json")
    [found] = series(path)
    assert found.contestant == "test_it"
    assert found.conditions is not None
    assert found.conditions.machine
    assert (found.moments is None) is bool(options)
    assert found.speed is not None
    assert 100 < found.speed < 10_000_000
