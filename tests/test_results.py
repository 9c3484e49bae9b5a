"""Records as lines: nothing is lost, nothing half-written is believed."""

import json
from array import array
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pipebench.errors import BadInput
from pipebench.measure import Trace
from pipebench.results import SCHEMA, Record, append, from_line, read, read_contents, to_line

Make = Callable[..., Record]


def test_a_record_survives_its_line(make_record: Make) -> None:
    record = make_record(device_ns=((1, 2),) * 40, versions={"torch": "2"}, same_work={"checked": 3})
    line = to_line(record)
    assert "\n" not in line
    back = from_line(line)
    assert back == record
    assert isinstance(back.trace, Trace)
    assert isinstance(back.trace.got_ns, array)


def test_a_record_without_a_trace_survives(make_record: Make) -> None:
    record = make_record(status="failed", reason="ends\nhere | \u2028 [x] \udcff \x00")
    assert from_line(to_line(record)) == record
    to_line(record).encode("ascii")


def test_settings_that_json_lacks_are_kept_as_text(make_record: Make) -> None:
    record = make_record(settings={"where": Path("/x"), "stages": frozenset()})
    assert from_line(to_line(record)).settings == {"where": "/x", "stages": "frozenset()"}


def test_the_longest_trial_stays_below_three_megabytes(
    make_record: Make, make_trace: Callable[..., Trace]
) -> None:
    assert len(to_line(make_record(trace=make_trace([0.001] * 9_999)))) < 3_000_000


@pytest.mark.parametrize(
    "line",
    ["", "x", "null", "[]", "3", '"a"', "{}", '{"schema": 1}', '{"schema": 1, "trace": null}', "[" * 5000],
)
def test_what_is_no_record(line: str) -> None:
    with pytest.raises(BadInput, match="not a pipebench record"):
        from_line(line)


@pytest.mark.parametrize("schema", [SCHEMA + 1, 0, "1", None])
def test_another_schema(make_record: Make, schema: object) -> None:
    raw = json.loads(to_line(make_record())) | {"schema": schema}
    with pytest.raises(BadInput, match=f"schema {schema!r}, and this pipebench reads schema 1 to {SCHEMA}"):
        from_line(json.dumps(raw))


@pytest.mark.parametrize(
    "changes",
    [
        {"spec": {}},
        {"spec": None},
        {"unknown": 1},
        {"device_ns": [1]},
        {"trace": []},
        {"trace": {"asked_ns": [2**70], "got_ns": [], "sizes": [], "looks": []}},
        {"trace": {"asked_ns": ["x"], "got_ns": [], "sizes": [], "looks": []}},
        {"trace": {"asked_ns": [], "got_ns": [], "sizes": [], "looks": [{}]}},
    ],
)
def test_malformed_records(make_record: Make, changes: dict[str, object]) -> None:
    raw = json.loads(to_line(make_record())) | changes
    with pytest.raises(BadInput, match="not a pipebench record"):
        from_line(json.dumps(raw))


def test_the_first_schema_is_read_and_told(make_record: Make, tmp_path: Path) -> None:
    raw = json.loads(to_line(make_record())) | {"schema": 1}
    raw["spec"].pop("source")
    raw.pop("kind")
    assert from_line(json.dumps(raw)) == make_record()
    path = tmp_path / "r.jsonl"
    path.write_text(json.dumps(raw) + "\n")
    append(path, make_record())
    with path.open("a") as file:
        file.write('{"sc')
    contents = read_contents(path)
    assert (len(contents.records), contents.schemas, contents.torn_bytes) == (2, frozenset({1, SCHEMA}), 4)


def test_each_line_can_be_changed_before_it_is_a_record(make_record: Make, tmp_path: Path) -> None:
    append(tmp_path / "r", make_record())
    contents = read_contents(tmp_path / "r", lambda raw: raw | {"contestant": "x"})
    assert contents.records[0].contestant == "x"


def test_what_pythons_json_takes_and_others_refuse_is_read_all_the_same(
    make_record: Make, tmp_path: Path
) -> None:
    path = tmp_path / "r.jsonl"
    append(path, make_record(settings={"a": float("inf"), "b": "\udcff"}))
    append(path, make_record(settings={"raw": "RAW"}))
    path.write_bytes(path.read_bytes().replace(b"RAW", b"\xff"))
    first, second = read(path)
    assert first.settings == {"a": float("inf"), "b": "\udcff"}
    assert second.settings == {"raw": "\ufffd"}


def test_records_are_appended_in_order(make_record: Make, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    for block in range(3):
        append(path, make_record(block=block))
    assert [record.block for record in read(path)] == [0, 1, 2]


@pytest.mark.parametrize("torn", [b'{"sc', b"\0\0\0", b"\xff", b'{"schema":1,"run":"r"', b"x" * 100_000])
def test_a_torn_last_line_is_passed_over_and_then_cut_off(
    make_record: Make, tmp_path: Path, torn: bytes
) -> None:
    path = tmp_path / "r.jsonl"
    append(path, make_record(block=0))
    with path.open("ab") as file:
        file.write(torn)
    assert [record.block for record in read(path)] == [0]
    append(path, make_record(block=1))
    assert [record.block for record in read(path)] == [0, 1]


def test_a_file_of_one_torn_line_is_empty(make_record: Make, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(to_line(make_record())[:50])
    assert read(path) == []
    append(path, make_record())
    assert len(read(path)) == 1


def test_a_broken_line_within_is_named(make_record: Make, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    append(path, make_record())
    path.write_bytes(path.read_bytes() + b"{\n")
    append(path, make_record())
    with pytest.raises(BadInput, match=r"r\.jsonl, line 2: not a pipebench record"):
        read(path)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\x89PNG\xff\n")
    with pytest.raises(BadInput, match="binary, line 1: not a pipebench record"):
        read(tmp_path / "binary")
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        read(tmp_path / "none")
    with pytest.raises(BadInput, match="cannot be read: Is a directory"):
        read(tmp_path)


@pytest.mark.parametrize("content", [b"a note", b"\x89PNG\xff", b"\0" * 100])
def test_another_file_without_a_whole_line_is_refused(tmp_path: Path, content: bytes) -> None:
    """It would be taken for a torn record otherwise, and cut off by the next one."""
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(BadInput, match="other is not a pipebench results file"):
        read(tmp_path / "other")


def test_what_cannot_be_written(make_record: Make, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be written: Is a directory; name another file with --out"):
        append(tmp_path, make_record())
    with pytest.raises(BadInput, match="cannot be written: No such file"):
        append(tmp_path / "none" / "r.jsonl", make_record())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk(make_record: Make, tmp_path: Path) -> None:
    (tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(BadInput, match="cannot be written"):
        append(tmp_path / "full", make_record())


def test_a_spec_read_back_equals_the_one_written(make_record: Make) -> None:
    spec = replace(make_record().spec, options={"a": "1"}, cpus=[0, 1], seconds=3)
    assert from_line(to_line(make_record(spec=spec))).spec == spec
