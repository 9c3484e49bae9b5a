"""Results files by anybody: whatever stands in them, each command ends with its code and no traceback."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipebench import cli
from pipebench.results import Record, to_line
from tests.comparing import bench, bench_file, rounds, run_records

Make = Callable[..., Record]

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["[bold]", "\x1b[2J", "a\nb", "/home/x/y", "s3://b/k", "=1", "null", "emulate:5", "ok"]),
    st.lists(st.integers(-3, 3), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.just([[[[]]]]),
)
COMMANDS = [
    ("compare",),
    ("compare", "--format", "json"),
    ("compare", "--format", "markdown", "--redact"),
    ("compare", "--format", "csv", "--across", "host,data,cache,workload"),
    ("audit", "--figures"),
    ("audit", "--json", "--redact"),
    ("export", "--of", "trials"),
    ("export", "--of", "batches", "--redact"),
    ("export", "--redact"),
]


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to each value inside."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(deeper for key, held in items for deeper in places(held, (*way, key)))]


def changed(raw: Any, way: tuple[Any, ...], value: Any, *, gone: bool) -> Any:
    """A copy in which what stands there is another value, or gone."""
    copy = json.loads(json.dumps(raw))
    if not way:
        return value
    held = copy
    for key in way[:-1]:
        held = held[key]
    if gone:
        del held[way[-1]]
    else:
        held[way[-1]] = value
    return copy


@pytest.fixture
def raws(make_record: Make) -> list[dict[str, Any]]:
    """Three contestants in two blocks, with fewer batches, so that what is changed is seldom one of them."""
    found = []
    for record in run_records(make_record, {"a": 100, "b": 90, "c": 80}, blocks=2):
        raw = json.loads(to_line(record))
        if raw["trace"]:
            for name in ("asked_ns", "got_ns", "sizes", "looks"):
                del raw["trace"][name][5:]
        raw["resources"] = {
            "first": dict.fromkeys(USED, 1),
            "last": dict.fromkeys(USED, 2),
            "memory_bytes": [3],
        }
        found.append(raw)
    return found


USED = "user_ns system_ns switches read_bytes shared_memory_bytes open_files processes memory_bytes".split()  # noqa: SIM905


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), value=ODD, gone=st.booleans(), command=st.sampled_from(COMMANDS))
def test_any_change_of_a_results_file(
    raws: list[dict[str, Any]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    data: st.DataObject,
    value: Any,
    gone: bool,
    command: tuple[str, ...],
) -> None:
    at = data.draw(st.integers(0, len(raws) - 1))
    way = data.draw(st.sampled_from(places(raws[at])))
    lines = [changed(raw, way, value, gone=gone) if n == at else raw for n, raw in enumerate(raws)]
    path = tmp_path / "r.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    ends(command, path, capsys)


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), value=ODD, gone=st.booleans(), command=st.sampled_from(COMMANDS))
def test_any_change_of_a_file_of_pytest_benchmark(
    raws: list[dict[str, Any]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    data: st.DataObject,
    value: Any,
    gone: bool,
    command: tuple[str, ...],
) -> None:
    path = bench_file(
        tmp_path / "b.json", bench("x", rounds(1.0, 3), group="g"), bench("y", rounds(2.0, 3), data=False)
    )
    raw = json.loads(path.read_text())
    raw["benchmarks"][0]["extra_info"]["records"] = raws[3:6]
    way = data.draw(st.sampled_from(places(raw)))
    path.write_text(json.dumps(changed(raw, way, value, gone=gone)))
    ends(command, path, capsys)


def ends(command: tuple[str, ...], path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main([*command, str(path)])
    captured = capsys.readouterr()
    assert code in (0, 1, 2, 3)
    assert "\x1b" not in captured.out + captured.err
    if code == 2:
        assert captured.out == ""
        assert captured.err.count("\n") == 1
    if "json" in command and code == 0:
        json.loads(captured.out)
