"""The figures that are drawn are the summary's."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipebench.contract import Stage
from pipebench.diagnosis.evidence import Evidence
from pipebench.diagnosis.seen import see
from pipebench.diagnosis.stages import stage_costs
from pipebench.report.html.draw import bar_rows
from pipebench.report.pictures.bars import MOST_BARS, cpu, first_batch, idle, throughput
from pipebench.report.pictures.curves import device, scaling, utilisation
from pipebench.report.pictures.model import Bars
from pipebench.report.pictures.stages import stages
from pipebench.report.pictures.waits import MOST_BINS, waits
from pipebench.report.sentences import sentences
from pipebench.report.terminal import stall_text
from pipebench.results import Record
from tests.comparing import run_records, save
from tests.reporting import at_step, core_runs, cut_runs, gathered, used, whole_run, with_spec

Make = Callable[..., Record]


def test_throughput_is_the_rows_with_its_interval_the_fastest_first(
    make_record: Make, tmp_path: Path
) -> None:
    found = gathered(save(tmp_path / "r.jsonl", whole_run(make_record)))
    pictures = list(throughput(found))
    assert [picture.title for picture in pictures][:2] == [
        "Samples per second, step null",
        "Samples per second, step emulate:50",
    ]
    assert [bar.whose.name for bar in pictures[0].bars] == ["a", "b"]
    rows = {entry.number: entry.row for entry in found.entries}
    for bar in (bar for picture in pictures for bar in picture.bars):
        row = rows[bar.whose.entry]
        assert (bar.length, bar.low, bar.high) == (row.samples_per_second, row.ci_low, row.ci_high)


def test_a_cut_is_not_held_against_the_limit_of_decoding(make_record: Make, tmp_path: Path) -> None:
    for until, expected in (("batch", ", 67% of the limit"), ("read", "")):
        records = [*with_spec(whole_run(make_record), until=until)]
        found = gathered(save(tmp_path / f"{until}.jsonl", records))
        bar = next(iter(throughput(found))).bars[0]
        assert bar.detail.partition("-")[2].lstrip("0123456789") == expected
        assert any("of what decoding" in one.text for one in sentences(found)) == bool(expected)


def test_one_trial_has_no_interval(make_record: Make, tmp_path: Path) -> None:
    path = save(tmp_path / "r.jsonl", run_records(make_record, {"a": 100}, blocks=1))
    [picture] = throughput(gathered(path))
    assert picture.bars[0].low is picture.bars[0].high is None


def test_of_too_many_bars_it_says_how_many_are_left_out(make_record: Make, tmp_path: Path) -> None:
    speeds = {f"l{n}": 100.0 + n for n in range(MOST_BARS + 3)}
    path = save(tmp_path / "r.jsonl", run_records(make_record, speeds, blocks=1, noise=0))
    [picture] = throughput(gathered(path))
    assert (len(picture.bars), picture.left_out) == (MOST_BARS, 3)
    assert picture.bars[0].whose.name == f"l{MOST_BARS + 2}"


def test_a_bound_far_away_leaves_room_for_the_values(make_record: Make, tmp_path: Path) -> None:
    records = [make_record(rate, "a", block) for block, rate in enumerate((10, 100, 1000))]
    [picture] = throughput(gathered(save(tmp_path / "r.jsonl", records)))
    [bar] = picture.bars
    assert bar.high is not None
    assert bar.high > 10 * bar.length
    assert picture.extent == 2 * bar.length
    [row] = bar_rows(picture)
    assert row.beyond
    assert row.parts == (("p0", "0.00", "50.00"),)


def test_the_first_batch_is_start_up_and_wait(make_record: Make, tmp_path: Path) -> None:
    path = save(tmp_path / "r.jsonl", run_records(make_record, {"a": 100}))
    found = gathered(path)
    [picture] = first_batch(found)
    [bar], row = picture.bars, found.entries[0].row
    assert [s.value for s in bar.segments] == [row.startup_seconds, row.first_batch_seconds]
    assert bar.text == "3.5 s"


def test_cpu_is_as_long_as_the_rows_figure_and_shared_by_user_and_system(
    make_record: Make, tmp_path: Path
) -> None:
    path = save(tmp_path / "r.jsonl", run_records(make_record, {"a": 100}, resources=used(900, 300)))
    found = gathered(path)
    [picture] = cpu(found)
    [bar] = picture.bars
    assert bar.length == pytest.approx(1e3 * (found.entries[0].row.cpu_seconds_per_sample or 0))
    assert bar.segments[0].value == pytest.approx(0.75 * bar.length)
    assert picture.parts == ["user", "system"]


def test_stages_are_those_of_diagnose(make_record: Make, tmp_path: Path) -> None:
    found = gathered(*cut_runs(make_record, tmp_path))
    [picture] = stages(found)
    [bar] = picture.bars
    seen = {Stage(e.until): told for e in found.entries if (told := see([t.record for t in e.trials]))}
    costs = stage_costs(Evidence(cores=1, loader=seen[Stage.BATCH], cuts=seen))
    assert [segment.name for segment in bar.segments] == ["read", "decode", "transform+batch"]
    assert [segment.value for segment in bar.segments] == pytest.approx(
        [1e3 * cost.cpu_seconds.estimate for cost in costs]
    )
    assert bar.length == pytest.approx(5.0, rel=0.01)
    assert "decode 2.00 [" in bar.detail
    assert "cannot be told" not in bar.detail


def test_a_stage_below_nothing_is_said_to_be_so(make_record: Make, tmp_path: Path) -> None:
    rates = {"read": 100, "decode": 200, "batch": 100}
    [picture] = stages(gathered(*cut_runs(make_record, tmp_path, rates)))
    assert "decode -2.50 [" in picture.bars[0].detail
    assert "(cannot be told from nothing)" in picture.bars[0].detail
    assert picture.bars[0].segments[1].value == 0


def test_phases_of_a_diagnosis_make_stages_and_no_rivals(make_record: Make, tmp_path: Path) -> None:
    whole = run_records(make_record, {"x [warm]": 100}, blocks=2)
    cuts = run_records(make_record, {"x [cut_read]": 1000}, blocks=2)
    records = [*whole, *with_spec(cuts, until="read")]
    found = gathered(save(tmp_path / "r.jsonl", [*with_spec(records, loader="x")]))
    [picture] = stages(found)
    assert picture.bars[0].whose.name == "x"
    assert [segment.name for segment in picture.bars[0].segments] == ["read", "decode+transform+batch"]
    assert not found.lines
    assert not any("fastest" in one.text for one in sentences(found))
    assert any(
        one.text.startswith("x: Undecided: what was measured does not name") for one in sentences(found)
    )


def test_without_cuts_there_are_no_stages(make_record: Make, tmp_path: Path) -> None:
    path = save(tmp_path / "r.jsonl", whole_run(make_record))
    assert list(stages(gathered(path))) == []
    assert list(scaling(gathered(path))) == []


def test_scaling_joins_core_counts_and_tells_proportion(make_record: Make, tmp_path: Path) -> None:
    found = gathered(*core_runs(make_record, tmp_path))
    [picture] = scaling(found)
    assert [curve.whose.name for curve in picture.curves] == ["a", "b", "in proportion"]
    rows = {(e.row.contestant, e.row.cores): e.row for e in found.entries}
    for curve in picture.curves[:2]:
        assert [point.x for point in curve.points] == [1, 2, 4]
        for point in curve.points:
            row = rows[curve.whose.name, int(point.x)]
            assert (point.y, point.low, point.high) == (row.samples_per_second, row.ci_low, row.ci_high)
    first, last = picture.curves[2].points
    assert last.y == pytest.approx(4 * first.y)


def test_utilisation_is_what_does_not_stall(make_record: Make, tmp_path: Path) -> None:
    found = gathered(save(tmp_path / "r.jsonl", whole_run(make_record)))
    [picture] = utilisation(found)
    stalls = {entry.number: entry.row.stall for entry in found.entries}
    for curve in picture.curves:
        assert [point.x for point in curve.points] == [50, 90, 200]
        for point in curve.points:
            assert point.y == 1 - (stalls[point.entry] or 0)
            assert point.low is not None
            assert point.high is not None
            assert point.low <= point.y <= point.high


def test_waits_show_the_trial_whose_percentiles_the_row_has(make_record: Make, tmp_path: Path) -> None:
    found = gathered(save(tmp_path / "r.jsonl", whole_run(make_record)))
    [picture] = waits(found)
    rows = {entry.number: entry.row for entry in found.entries}
    assert len(picture.strips) == len(found.entries)
    for strip in picture.strips:
        assert strip.percentiles == rows[strip.whose.entry].data_wait_seconds
        at = dict(zip(strip.shares, strip.quantiles, strict=True))
        assert (at[0.5], at[0.95], at[0.99]) == strip.percentiles


def test_many_batches_share_points_and_keep_the_longest_wait(
    make_record: Make, make_trace: Callable[..., object], tmp_path: Path
) -> None:
    gaps = [10.0] * 5 * MOST_BINS
    gaps[777] = 500.0
    path = save(tmp_path / "r.jsonl", [make_record(trace=make_trace(gaps))])
    [strip] = next(iter(waits(gathered(path)))).strips
    assert len(strip.times) <= MOST_BINS
    assert strip.a_bin == 5
    assert max(strip.longest) == pytest.approx(0.5)
    assert max(strip.middle) == pytest.approx(0.01)


def test_names_say_what_tells_them_apart(make_record: Make, tmp_path: Path) -> None:
    [picture] = throughput(gathered(*core_runs(make_record, tmp_path)))
    assert picture.bars[0].whose.note == "4 cores, cores4.jsonl"


def test_idle_time_is_told_as_in_the_table_of_run(make_record: Make, tmp_path: Path) -> None:
    found = gathered(save(tmp_path / "r.jsonl", whole_run(make_record)))
    rows = {entry.number: entry.row for entry in found.entries}
    pictures = list(idle(found))
    assert [picture.title for picture in pictures] == [
        "Idle time, step emulate:50",
        "Idle time, step emulate:90",
        "Idle time, step emulate:200",
    ]
    for bar in (bar for picture in pictures for bar in picture.bars):
        assert bar.text == stall_text(rows[bar.whose.entry])
        assert bar.length == pytest.approx(100 * (rows[bar.whose.entry].stall or 0))


def test_what_is_on_a_curve_is_not_drawn_again(make_record: Make, tmp_path: Path) -> None:
    records = whole_run(make_record)
    records += [at_step(make_record(70, "c", block, run="r1"), "emulate:60") for block in range(3)]
    pictures = list(device(gathered(save(tmp_path / "r.jsonl", records))))
    assert [picture.key for picture in pictures] == ["utilisation", "idle_1"]
    assert isinstance(pictures[1], Bars)
    assert [bar.whose.name for bar in pictures[1].bars] == ["c"]


def test_start_and_cpu_are_those_of_the_null_step_once(make_record: Make, tmp_path: Path) -> None:
    found = gathered(save(tmp_path / "r.jsonl", whole_run(make_record)))
    steps = {entry.number: entry.row.step for entry in found.entries}
    for make in (first_batch, cpu):
        [picture] = make(found)
        assert [(bar.whose.name, steps[bar.whose.entry]) for bar in picture.bars] == [
            ("a", "null"),
            ("b", "null"),
        ]


def test_a_sweep_on_fewer_cores_is_the_same_loader(make_record: Make, tmp_path: Path) -> None:
    whole = with_spec(run_records(make_record, {"x": 190}), cpus=[0, 1], loader="x")
    one = with_spec(run_records(make_record, {"x on 1 core": 100}), cpus=[0], loader="x")
    [picture] = scaling(gathered(save(tmp_path / "r.jsonl", [*whole, *one])))
    assert picture.curves[0].whose.name == "x"
    assert [point.x for point in picture.curves[0].points] == [1, 2]
