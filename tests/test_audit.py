"""An audit finds what is planted, says nothing where nothing is, and derives figures a second way."""

import json
from array import array
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from pipebench import audit_figures, cli
from pipebench.measure import Look, Trace
from pipebench.rederive import rederive
from pipebench.report.plain_json import dumps
from pipebench.results import CEILING, LIMITS_BLOCK, PROOF_BLOCK, Record, to_line
from pipebench.summary import summarise
from tests.comparing import MACHINE, bench, bench_file, save

Make = Callable[..., Record]
Capture = pytest.CaptureFixture[str]
Change = Callable[[list[Record]], Sequence[Record]]


@pytest.fixture
def whole(make_record: Make) -> list[Record]:
    """A run of which nothing is to be said: ten blocks of two contestants, proofs, ceiling, limit."""
    common: dict[str, Any] = {"machine": MACHINE, "content_id": "c", "versions": {"pipebench": "1"}}
    opening = [
        make_record(
            contestant=CEILING, block=LIMITS_BLOCK, limits={"decode_samples_per_second": 9.0}, **common
        ),
        make_record(1e6, CEILING, **common),
        *(make_record(contestant=n, block=PROOF_BLOCK, same_work={"checked": 9}, **common) for n in "ab"),
    ]
    trials = [sane(make_record(100, n, block, **common)) for block in range(10) for n in "ab"]
    return [*map(sane, opening), *trials]


def sane(record: Record) -> Record:
    """With a batch size that fits its batches, and a loader that was ready in time."""
    times = {"spawned": 0, "imported": 1, "step_ready": 2, "loader_ready": 3}
    trace = record.trace
    if trace is not None:
        asked, got = (array("q", [t + 1000 for t in raw]) for raw in (trace.asked_ns, trace.got_ns))
        looks = [look._replace(at_ns=look.at_ns + 1000) for look in trace.looks]
        trace = replace(trace, asked_ns=asked, got_ns=got, looks=looks)
    return replace(record, trace=trace, times_ns=times, spec=replace(record.spec, batch_size=10))


@pytest.fixture
def findings(tmp_path: Path, capsys: Capture) -> Callable[..., tuple[int, list[str]]]:
    """`findings(records)`: the exit code, and each finding that is not `ok` as `state topic: text`."""

    def find(records: Sequence[Record], *options: str) -> tuple[int, list[str]]:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.jsonl"
        path.write_text("".join(to_line(record) + "\n" for record in records))
        return of_file(path, capsys, *options)

    return find


def of_file(path: Path, capsys: Capture, *options: str) -> tuple[int, list[str]]:
    code = cli.main(["audit", str(path), "--json", *options])
    found = json.loads(capsys.readouterr().out)["findings"]
    return code, [f"{f['state']} {f['topic']}: {f['text']}" for f in found if f["state"] != "ok"]


def test_of_a_whole_run_there_is_nothing_to_say(
    whole: list[Record], findings: Callable[..., tuple[int, list[str]]]
) -> None:
    assert findings(whole) == (0, [])


def with_trace(record: Record, **arrays: Any) -> Record:
    assert record.trace is not None
    return replace(record, trace=replace(record.trace, **arrays))


def looks(record: Record, change: Callable[[Look], Look]) -> Record:
    assert record.trace is not None
    return with_trace(record, looks=[change(look) for look in record.trace.looks])


def last(change: Callable[[Record], Record]) -> Change:
    return lambda records: [*records[:-1], change(records[-1])]


def sizes(record: Record, **changed: int) -> Any:
    assert record.trace is not None
    found = record.trace.sizes[:]
    for name, value in changed.items():
        found[int(name[1:])] = value
    return found


PLANTED: list[tuple[Change, str]] = [
    (
        last(lambda r: replace(r, machine=MACHINE | {"host": "x"})),
        "wrong provenance: one run, and 2 hosts (h; x)",
    ),
    (last(lambda r: replace(r, content_id="d")), "wrong provenance: one run, and 2 datasets (c; d)"),
    (
        last(lambda r: replace(r, versions={"pipebench": "2"})),
        "wrong provenance: one run, and 2 versions of pipe",
    ),
    (
        last(lambda r: replace(r, settings={"a": 1})),
        "wrong provenance: settings, versions or the interpreter cha",
    ),
    (
        last(lambda r: replace(r, status="failed", reason="why", trace=None)),
        "note endings: b, block 10: failed: why",
    ),
    (lambda rs: rs[:-1], "note completeness: b on null is missing in 1 of 10 blocks: 10"),
    (lambda rs: rs[:-2], "note completeness: 9 blocks, and 10 are needed to decide"),
    (lambda rs: [r for r in rs if r.block != PROOF_BLOCK], "note completeness: same work: unchecked"),
    (
        lambda rs: [r for r in rs if r.block != LIMITS_BLOCK],
        "note completeness: the host's own limit was not",
    ),
    (lambda rs: [rs[0], *rs[2:]], "note completeness: no trial of the resident loader"),
    (
        lambda rs: [*rs, rs[-1]],
        "note completeness: measured more than once, of which the last counts: b, block 10",
    ),
    (
        last(lambda r: looks(r, lambda x: x._replace(cpu_ns=2 * x.at_ns, host_busy_ns=2 * x.at_ns))),
        "wrong raw values: b, block 10: it used 2.00 cores and was allowed 1",
    ),
    (
        last(lambda r: looks(r, lambda x: x._replace(host_busy_ns=0))),
        "wrong raw values: b, block 10: the host was less busy than the trial alone",
    ),
    (
        last(lambda r: with_trace(r, sizes=sizes(r, i3=11))),
        "wrong raw values: b, block 10: a batch of 11 samples",
    ),
    (
        last(lambda r: with_trace(r, sizes=sizes(r, i3=9), epochs=[0, 10, 20])),
        "b, block 10: epochs of 99 and of 100",
    ),
    (
        last(lambda r: replace(r, times_ns={**r.times_ns, "loader_ready": 10**6})),
        "before the loader was ready",
    ),
    (
        last(lambda r: replace(r, times_ns={**r.times_ns, "imported": 5})),
        "start-up's moments are out of order",
    ),
    (
        last(lambda r: replace(r, cache=dict(r.cache) | {"transport": "other", "filesystem": "nfs"})),
        "note cache: unproved: bytes from nfs are not counted (1 of 20: b, block 10)",
    ),
    (
        last(lambda r: replace(r, cache=dict(r.cache) | {"bytes_read": 900})),
        "note cache: not warm: 90% of the",
    ),
    (
        last(lambda r: looks(r, lambda x: x._replace(host_busy_ns=x.cpu_ns + x.at_ns // 5))),
        "note trials: disturbed: 1 of 20 trials (b, block 10)",
    ),
    (
        last(lambda r: with_trace(r, looks=[])),
        "note trials: CPU time not told (fewer than two looks): 1 of 20",
    ),
]


@pytest.mark.parametrize(("change", "says"), PLANTED)
def test_what_is_planted_is_found(
    whole: list[Record], findings: Callable[..., tuple[int, list[str]]], change: Change, says: str
) -> None:
    code, found = findings(change(whole))
    assert any(says in text for text in found), found
    assert code == int(any(text.startswith("wrong") for text in found))


def test_unsteady_and_short_trials(
    whole: list[Record], findings: Callable[..., tuple[int, list[str]]], make_trace: Callable[..., Trace]
) -> None:
    drifting = [100 + 2 * n for n in range(60)]
    bad = [
        sane(replace(whole[-2], trace=make_trace(drifting))),
        sane(replace(whole[-1], trace=make_trace([10] * 30))),
    ]
    code, found = findings([*whole[:-2], *bad])
    assert code == 0
    assert "note trials: not steady: 1 of 20 trials (a, block 10)" in found
    assert "note trials: short: 1 of 20 trials (b, block 10)" in found


def test_the_overhead_rule(
    whole: list[Record], findings: Callable[..., tuple[int, list[str]]], make_record: Make
) -> None:
    ceiling = replace(whole[1], trace=sane(make_record(4000, CEILING)).trace)
    _, found = findings([whole[0], ceiling, *whole[2:]])
    assert any(text.startswith("note overhead: above 2% of the batch time") for text in found)


def test_a_figure_that_cannot_be_reproduced(
    whole: list[Record], findings: Callable[..., tuple[int, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {"samples_per_second": 100.01}
    monkeypatch.setattr(audit_figures, "rederive", lambda record: rederive(record) | wrong)
    code, found = findings(whole)
    assert code == 1
    assert "wrong figures: a, block 1: samples_per_second cannot be reproduced from the raw values" in found


def test_a_torn_line_an_older_schema_and_two_runs(
    whole: list[Record], tmp_path: Path, capsys: Capture
) -> None:
    path = save(tmp_path / "r", whole)
    older = json.loads(to_line(replace(whole[-1], run="r2"))) | {"schema": 1}
    with path.open("a") as file:
        file.write(json.dumps(older) + '\n{"schema"')
    code, found = of_file(path, capsys)
    assert code == 0
    assert "note file: the last line is not finished (9 bytes): a trial was cut off" in found
    assert "note file: 2 runs were put together in it; each is looked at alone" in found
    assert "note schema: records of schema 1: what was added since is not known of them" in found


def test_what_was_printed_is_held_against_the_results(
    whole: list[Record], tmp_path: Path, capsys: Capture, findings: Callable[..., tuple[int, list[str]]]
) -> None:
    rows = json.loads(dumps([asdict(row) for row in summarise(whole)]))
    printed = tmp_path / "rows.json"
    printed.write_text(json.dumps(rows))
    assert findings(whole, "--printed", str(printed)) == (0, [])
    rows[0]["samples_per_second"] *= 1.001
    rows[1]["contestant"] = "c"
    printed.write_text(json.dumps(rows))
    code, found = findings(whole, "--printed", str(printed))
    assert code == 1
    assert found == [
        "wrong printed: a on null: samples_per_second as printed are not the results'",
        "wrong printed: c on null is printed and not in the results",
    ]


def test_what_compare_prints_is_reproducible(whole: list[Record], tmp_path: Path, capsys: Capture) -> None:
    path = save(tmp_path / "r", whole)
    cli.main(["compare", str(path), "--format", "json"])
    (tmp_path / "rows.json").write_text(capsys.readouterr().out)
    assert of_file(path, capsys, "--printed", str(tmp_path / "rows.json")) == (0, [])


@pytest.mark.parametrize("content", ["", "[3]", "{}", "[{}]", '{"rows": 3}', "[" * 100_000])
def test_what_nobody_has_printed(whole: list[Record], tmp_path: Path, capsys: Capture, content: str) -> None:
    path = save(tmp_path / "r", whole)
    (tmp_path / "rows").write_text(content)
    assert cli.main(["audit", str(path), "--printed", str(tmp_path / "rows")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_file_of_pytest_benchmark(tmp_path: Path, capsys: Capture, whole: list[Record]) -> None:
    records = whole[4:7]
    good = bench("a", [0.5, 0.25, 0.5])
    ours = bench("b", [10.0, 10.0, 10.0], records=records)
    assert of_file(bench_file(tmp_path / "g", good, ours), capsys) == (0, [])
    bad = bench("c", [0.5, 0.25], mean=0.4)
    doubtful = bench("d", [10.0, 10.0, 11.0], records=records)
    missing = bench("e", [10.0, 10.0], records=records)
    without = bench("f", [0.5, 0.25], data=False)
    code, found = of_file(bench_file(tmp_path / "b", bad, doubtful, missing, without), capsys)
    assert code == 1
    assert found == [
        "wrong statistics: c: mean cannot be reproduced from its rounds",
        "wrong records: d: its rounds' times follow from no figure of its records",
        "wrong records: e: 2 rounds and 3 records with figures",
        "note statistics: f: the file keeps no rounds, so its statistics cannot be reproduced",
    ]


def test_on_a_terminal(whole: list[Record], tmp_path: Path, capsys: Capture) -> None:
    path = save(tmp_path / "r", whole)
    assert cli.main(["audit", str(path), "--figures"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "+ file         24 lines, each whole and well-formed"
    assert "nothing is wrong, 0 to mind, 9 in order." in lines
    assert lines[-21].startswith("contestant,block,step,samples_per_second,") or lines[-22].startswith(
        "contestant"
    )


def test_redacted(whole: list[Record], tmp_path: Path, capsys: Capture) -> None:
    bad = replace(whole[-1], status="failed", trace=None, reason="no file '/home/carol/x y'")
    path = save(tmp_path / "r", [*whole[:-1], bad])
    assert cli.main(["audit", str(path), "--redact"]) == 0
    out = capsys.readouterr().out
    assert "carol" not in out
    assert "b, block 10: failed: no file 'path-" in out


def test_without_a_name_the_newest_is_audited(
    whole: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["audit"]) == 2
    Path(".pipebench").mkdir()
    save(Path(".pipebench/0001_a_b.jsonl"), whole)
    assert cli.main(["audit"]) == 0
