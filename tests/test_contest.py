"""What is refused, what is paired, and when a verdict is withheld."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipebench.contest import Line, Terms, contest
from pipebench.errors import BadInput
from pipebench.figures import figures
from pipebench.likeness import changes
from pipebench.result_files import all_series, open_sources
from pipebench.results import CEILING, Record
from pipebench.series import Series
from pipebench.stats import Outcome
from tests.comparing import MACHINE, bench, bench_file, rounds, run_records, save

Make = Callable[..., Record]
DEFAULT = Terms()


def series(folder: Path, *runs: Sequence[Record]) -> list[Series]:
    return all_series(open_sources([save(folder / f"{n}.jsonl", run) for n, run in enumerate(runs)]), figures)


def only(lines: Sequence[Line]) -> Line:
    """The one that holds a comparison."""
    [found] = [line for line in lines if line.comparison is not None]
    return found


def outcome(line: Line) -> Outcome:
    assert line.comparison is not None
    return line.comparison.outcome


def test_one_run_is_paired_by_block(make_record: Make, tmp_path: Path) -> None:
    line = only(contest(series(tmp_path, run_records(make_record, {"a": 100, "b": 90})), DEFAULT))
    assert (line.method, line.series.contestant, line.direction) == ("paired", "b", -1)
    assert line.comparison is not None
    assert line.comparison.blocks == 12
    assert line.comparison.ratio.low < 0.9 < line.comparison.ratio.high


def test_two_runs_on_one_host_are_unpaired_and_allow_for_its_drift(make_record: Make, tmp_path: Path) -> None:
    runs = [run_records(make_record, {"a": speed}, run=f"r{speed}") for speed in (100, 93)]
    line = only(contest(series(tmp_path, *runs), DEFAULT))
    assert line.method == "unpaired, two sessions"
    assert outcome(line) is Outcome.UNDECIDED
    assert line.comparison is not None
    assert line.comparison.detectable > 0.1
    again = all_series(open_sources(sorted(tmp_path.glob("*.jsonl"))), figures)
    assert outcome(only(contest(again, replace(DEFAULT, drift=0.001)))) is Outcome.DIFFERS


@pytest.mark.parametrize(
    ("machine", "says"),
    [({"host": "other"}, "one host"), ({"memory_bytes": 2}, "one host"), ({"host": ""}, "one host")],
)
def test_two_hosts_of_one_class_get_no_verdict(
    make_record: Make, tmp_path: Path, machine: dict[str, Any], says: str
) -> None:
    runs = [
        run_records(make_record, {"a": 100}),
        run_records(make_record, {"a": 50}, run="r2", machine=MACHINE | machine),
    ]
    line = only(contest(series(tmp_path, *runs), DEFAULT))
    assert (line.method, outcome(line), line.direction) == ("unpaired, two hosts", Outcome.NO_VERDICT, 0)
    assert says in line.remark
    assert line.comparison is not None
    assert line.comparison.ratio.high < 1


@pytest.mark.parametrize(
    ("changes", "aspect", "says"),
    [
        ({"machine": MACHINE | {"cpu": "Xeon"}}, "host", "host: AMD EPYC, 1 of 2 cores, cpu against Xeon"),
        ({"content_id": "d" * 32}, "data", f"data: {'c' * 32} against {'d' * 32}"),
        (
            {"cache": {"asked": "warm", "transport": "other", "filesystem": "nfs", "bytes_read": 0}
            | {"payload_bytes": 1}},
            "cache",
            "cache: warm against warm, unproved",
        ),
    ],
)  # fmt: skip
def test_what_is_not_alike_is_refused_unless_asked_for(
    make_record: Make, tmp_path: Path, changes: dict[str, Any], aspect: str, says: str
) -> None:
    runs = [run_records(make_record, {"a": 100}), run_records(make_record, {"a": 50}, run="r2", **changes)]
    found = series(tmp_path, *runs)
    with pytest.raises(BadInput, match=f"a in 0.jsonl and a in 1.jsonl are not alike in {says}") as caught:
        contest(found, DEFAULT)
    assert str(caught.value).endswith(f"add --across {aspect}")
    line = only(contest(found, replace(DEFAULT, across=frozenset({aspect}))))
    assert outcome(line) is Outcome.NO_VERDICT
    assert aspect in line.remark or "host" in line.remark


def test_all_that_differs_is_named_at_once(make_record: Make, tmp_path: Path) -> None:
    other: dict[str, Any] = {"machine": MACHINE | {"cpu": "Xeon"}, "content_id": "d"}
    runs = [run_records(make_record, {"a": 100}), run_records(make_record, {"a": 50}, run="r2", **other)]
    with pytest.raises(BadInput, match=r"add --across host --across data$"):
        contest(series(tmp_path, *runs), DEFAULT)


def test_settings_and_versions_may_differ_and_are_told(make_record: Make, tmp_path: Path) -> None:
    old: dict[str, Any] = {"settings": {"workers": 2, "ring": True}, "versions": {"torch": "2.4"}}
    new: dict[str, Any] = {"settings": {"workers": 4, "ring": True}, "versions": {"torch": "2.5", "x": "1"}}
    runs = [run_records(make_record, {"a": 100}, run=f"r{n}", **f) for n, f in enumerate((old, new))]
    line = only(contest(series(tmp_path, *runs), DEFAULT))
    assert line.duel is not None
    assert changes(line.duel) == ["workers 2 -> 4", "torch 2.4 -> 2.5", "x none -> 1"]


def test_of_two_loaders_settings_are_not_compared(make_record: Make, tmp_path: Path) -> None:
    line = only(contest(series(tmp_path, run_records(make_record, {"a": 100, "b": 90})), DEFAULT))
    assert line.duel is not None
    assert changes(line.duel) == []


def test_the_overhead_rule_withholds_a_verdict(make_record: Make, tmp_path: Path) -> None:
    ceiling = make_record(1000, CEILING, run="r1", machine=MACHINE)
    records = [ceiling, *run_records(make_record, {"a": 100, "b": 50})]
    line = only(contest(series(tmp_path, records), DEFAULT))
    assert outcome(line) is Outcome.NO_VERDICT
    assert "above 2 %" in line.remark


def test_disturbed_trials_of_two_sessions_have_no_vote(
    make_record: Make, make_trace: Callable[..., Any], tmp_path: Path
) -> None:
    def disturbed(record: Record) -> Record:
        trace = make_trace([10_000 / 10] * 39)
        trace.looks[:] = [look._replace(host_busy_ns=look.cpu_ns + look.at_ns // 2) for look in trace.looks]
        return replace(record, trace=trace)

    runs = [run_records(make_record, {"a": 100}, run=f"r{n}") for n in range(2)]
    runs[1][1:3] = map(disturbed, runs[1][1:3])
    line = only(contest(series(tmp_path, *runs), DEFAULT))
    assert line.left_out == 2
    assert outcome(line) is Outcome.UNDECIDED
    runs[1][1:] = map(disturbed, runs[1][1:])
    (tmp_path / "x").mkdir()
    assert outcome(only(contest(series(tmp_path / "x", *runs), DEFAULT))) is Outcome.DISTURBED


def test_benchmarks_whose_rounds_took_turns_are_paired(tmp_path: Path) -> None:
    drift = [1.0 + 0.2 * number for number in range(12)]
    ours = [bench("a", drift, group="g"), bench("b", [1.1 * seconds for seconds in drift], group="g")]
    turns = [one | {"extra_info": {"interleaved": True}} for one in ours]
    others = [bench("c", rounds(1.0)), *turns, bench("d", rounds(9.0), group="g")]
    lines = contest(all_series(open_sources([bench_file(tmp_path / "f", *others)]), figures), DEFAULT)
    methods = {line.series.contestant: line.method for line in lines}
    assert methods == {"c": "baseline", "a": "baseline", "b": "paired", "d": "unpaired"}
    [paired] = [line for line in lines if line.method == "paired"]
    assert paired.direction == -1
    assert paired.comparison is not None
    assert paired.comparison.blocks == 12


def test_foreign_benchmarks_are_unpaired_even_in_one_file(tmp_path: Path) -> None:
    path = bench_file(tmp_path / "b", bench("fast", rounds(1.0)), bench("slow", rounds(2.0, seed=1)))
    line = only(contest(all_series(open_sources([path]), figures), DEFAULT))
    assert (line.method, line.series.contestant, line.direction) == ("unpaired", "slow", -1)


@pytest.mark.parametrize("data", [(True, True), (True, False), (False, False)])
def test_foreign_files_with_and_without_rounds(tmp_path: Path, data: tuple[bool, bool]) -> None:
    paths = [
        bench_file(tmp_path / str(n), bench("x", rounds(seconds, seed=n), data=held), when=str(n))
        for n, (seconds, held) in enumerate(zip((1.0, 2.0), data, strict=True))
    ]
    line = only(contest(all_series(open_sources(paths), figures), DEFAULT))
    assert (line.method, line.direction) == ("unpaired, two sessions", -1)
    assert line.comparison is not None
    assert line.comparison.ratio.estimate == pytest.approx(0.5, rel=0.03)
    assert line.comparison.ratio.high < 0.6


def test_a_single_round_has_a_ratio_and_no_verdict(tmp_path: Path) -> None:
    paths = [
        bench_file(tmp_path / str(n), bench("x", [seconds], data=False), when=str(n))
        for n, seconds in enumerate((1.0, 2.0))
    ]
    line = only(contest(all_series(open_sources(paths), figures), DEFAULT))
    assert outcome(line) is Outcome.INDICATIVE
    assert line.comparison is not None
    assert (line.comparison.ratio.estimate, line.comparison.ratio.low) == (0.5, 0)


def test_lines_are_sorted_by_task_and_ratio_with_reasons_last(make_record: Make, tmp_path: Path) -> None:
    records = run_records(make_record, {"slow": 50, "fast": 200, "mid": 100})
    records.append(make_record(contestant="bad", status="failed", reason="why", run="r1", machine=MACHINE))
    lines = contest(series(tmp_path, records), Terms(baseline="mid"))
    assert [line.series.contestant for line in lines] == ["fast", "mid", "slow", "bad"]
    assert [line.method for line in lines] == ["paired", "baseline", "paired", "none"]
    assert lines[-1].remark == "failed: why"


def test_a_proof_alone_is_no_trial(make_record: Make, tmp_path: Path) -> None:
    records = run_records(make_record, {"a": 50}) + run_records(make_record, {"b": 1}, blocks=0)
    assert contest(series(tmp_path, records), DEFAULT)[-1].remark == "no trial"
