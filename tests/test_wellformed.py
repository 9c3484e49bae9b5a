"""Records by anybody: what would make a figure wrong is refused, and its field named."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from pipebench.errors import BadInput
from pipebench.figures import figures
from pipebench.results import Record, from_line, to_line
from pipebench.usage import usage

Make = Callable[..., Record]
NAN, INFINITE = float("nan"), float("inf")


def changed(record: Record, path: str, value: Any) -> str:
    """The record's line with the value at a path such as `trace.looks.0.at_ns` replaced."""
    raw = json.loads(to_line(record))
    *way, last = path.split(".")
    place = raw
    for name in way:
        place = place[int(name) if name.isdigit() else name]
    place[int(last) if last.isdigit() else last] = value
    return json.dumps(raw)


WRONG: list[tuple[str, Any, str]] = [
    ("run", 3, "run"),
    ("contestant", ["x"], "contestant"),
    ("contestant", None, "contestant"),
    ("block", "0", "block"),
    ("block", 1.5, "block"),
    ("block", 10**30, "block"),
    ("status", "fine", "status"),
    ("reason", {}, "reason"),
    ("settings", [], "settings"),
    ("versions", {"torch": 2}, "versions"),
    ("machine", {"cores": NAN}, "machine"),
    ("machine", {"cpu": ["x"]}, "machine"),
    ("limits", {"decode_samples_per_second": 0}, "limits"),
    ("limits", {"decode_samples_per_second": NAN}, "limits"),
    ("limits", {"decode_samples_per_second": INFINITE}, "limits"),
    ("spec.cpus", [], "spec.cpus"),
    ("spec.cpus", "01", "spec.cpus"),
    ("spec.step", "emulate:nan", "spec.step"),
    ("spec.step", "jump", "spec.step"),
    ("spec.seconds", -1, "spec.seconds"),
    ("spec.options", {"a": 1}, "spec.options"),
    ("spec.shuffle", 1, "spec.shuffle"),
    ("times_ns", {}, "times_ns.spawned"),
    ("times_ns.spawned", -1, "times_ns.spawned"),
    ("trace.asked_ns", [0], "one time or size a batch"),
    ("trace.got_ns.5", 0, "backwards"),
    ("trace.got_ns.39", 2**62, "backwards"),
    ("trace.asked_ns.0", -5, "backwards"),
    ("trace.sizes.3", 0, "trace.sizes"),
    ("trace.sizes.3", 2**60, "trace.sizes"),
    ("trace.epochs", [], "trace.epochs"),
    ("trace.epochs", [0, 41], "trace.epochs"),
    ("trace.epochs", [0, 5, 5], "trace.epochs"),
    ("trace.epochs", [1], "trace.epochs"),
    ("trace.epochs", [0, 5.0], "trace.epochs"),
    ("trace.looks.1.batches", 99, "trace.looks"),
    ("trace.looks.1.batches", 1, "trace.looks"),
    ("trace.looks.1.at_ns", 0, "trace.looks"),
    ("trace.looks.1.cpu_ns", "x", "trace.looks"),
    ("trace.looks.1.cpu_ns", NAN, "trace.looks"),
    ("device_ns", [[1, 2]], "device_ns"),
    ("resources", {"first": {}}, "resources.first.user_ns"),
    ("resources", {"memory_bytes": []}, "resources.first"),
    ("cache", {}, "cache"),
    ("cache.bytes_read", "x", "cache"),
    ("cache.bytes_read", INFINITE, "cache"),
]


@pytest.mark.parametrize(("path", "value", "named"), WRONG)
def test_what_would_spoil_a_figure_is_refused(make_record: Make, path: str, value: Any, named: str) -> None:
    with pytest.raises(BadInput, match=f"not a pipebench record .*{named}"):
        from_line(changed(make_record(), path, value))


@pytest.mark.parametrize("name", [f.name for f in Record.__dataclass_fields__.values()])
@pytest.mark.parametrize("value", [None, 0, "x", [], {}, [[]], NAN, 10**400, {"a": {"a": {}}}])
def test_no_value_of_any_field_ends_otherwise(make_record: Make, name: str, value: Any) -> None:
    """A record that is read has figures or none, without an error."""
    try:
        record = from_line(changed(make_record(), name, value))
    except BadInput as problem:
        assert "\n" not in str(problem)
        return
    figures(record)
    usage(record)


def test_a_message_holds_little_of_a_long_line() -> None:
    with pytest.raises(BadInput) as caught:
        from_line('{"schema": 1, "spec": {}, "run": "' + "x" * 1_000_000)
    assert len(str(caught.value)) < 500


def test_deep_nesting_is_no_record(make_record: Make) -> None:
    line = to_line(make_record())
    with pytest.raises(BadInput, match="not a pipebench record"):
        from_line(line.replace('"settings":{}', '"settings":' + "[" * 100_000))


def test_a_clock_that_stands_still_gives_no_figures(
    make_record: Make, make_trace: Callable[..., Any]
) -> None:
    record = make_record(trace=make_trace([0] * 30))
    record.trace.looks.clear()  # type: ignore[union-attr]
    assert figures(from_line(to_line(record))) is None
