"""The table for people: it fits, and it says nothing that the rows do not."""

import io
from collections.abc import Sequence
from dataclasses import replace
from math import inf
from typing import Any

import pytest
from rich.console import Console

from pipebench.compare import Standing
from pipebench.profile_step import validity
from pipebench.report.terminal import notes, print_run, sentence, table
from pipebench.stats import Comparison, Interval, Outcome, inverse
from pipebench.summary import Row


def row(contestant: str = "torch_dataloader", **fields: Any) -> Row:
    measured = {
        "samples_per_second": 1485.4,
        "ci_low": 1470.0,
        "ci_high": 1500.0,
        "cpu_seconds_per_sample": 0.00134,
        "core_use": 0.97,
        "efficiency": 0.84,
        "startup_seconds": 2.0,
        "first_batch_seconds": 0.5,
    }
    raw: dict[str, Any] = {
        "contestant": contestant,
        "loader": contestant,
        "settings": {},
        "versions": {},
        "dataset": "d",
        "format": "folder",
        "step": "null",
        "cores": 2,
        "status": "ok",
        "reason": "",
        "trials": 5,
    }
    return Row(**(raw | (measured if fields.get("status", "ok") == "ok" else {}) | fields))


def refused(contestant: str = "dali", reason: str = "pip install 'pipebench[dali]'") -> Row:
    return row(contestant, status="unsupported", reason=reason, trials=0)


def printed(rows: Sequence[Row], width: int = 80, standings: Sequence[Standing] = ()) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    print_run(console, rows, standings)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def standing(outcome: Outcome, blocks: int = 10, marked: int = 0) -> Standing:
    ratio = Interval(0.8, 0.78, 0.82)
    comparison = Comparison(ratio=ratio, blocks=blocks, outcome=outcome, detectable=0.025)
    return Standing(contestant="slow", baseline="fast", comparison=comparison, marked=marked)


def test_one_line_a_contestant_the_fastest_first() -> None:
    text = printed([row("slow", samples_per_second=100.0), row("fast", samples_per_second=200.0)])
    lines = text.splitlines()
    assert lines[0].split() == ["CPU", "cores", "of", "1st"]
    assert lines[1].split() == ["loader", "samples/s", "[95", "%]", "ms", "used", "limit", "batch"]
    assert lines[2].split() == ["fast", "200", "1470-1500", "1.34", "97%", "84%", "2.5", "s"]
    assert lines[3].split()[:2] == ["slow", "100"]


@pytest.mark.parametrize(
    "name",
    [
        "webdataset:workers=16,prefetch=4,decoder=torchvision,preset=documented folder",
        "torch_dataloader@/somewhere/far/away/.venvs/simd/bin/python:decoder=pillow",
        "x" * 300,
    ],
)
def test_long_names_fold_and_leave_the_figures_whole(name: str) -> None:
    steps = ["null", "emulate:1400", "emulate:2800", "model:resnet50"]
    text = printed([row(name, step=step, stall=None if step == "null" else 0.123) for step in steps])
    figures = next(line for line in text.splitlines() if "1485" in line)
    own = ["1485", "1470-1500", "1.34", "97%", "84%", "2.5", "s"]
    assert figures.split()[-10:] == [*own, "12.3%", "12.3%", "12.3%"]


def test_piped_lines_end_with_no_blanks() -> None:
    lines = printed([row("webdataset:workers=16,prefetch=4", stall=0.1), row("dali")]).splitlines()
    assert any("prefetch=4" in line for line in lines)
    assert [line for line in lines if line != line.rstrip()] == []


def test_with_two_steps_a_long_name_still_fits_eighty_columns() -> None:
    name = "webdataset:workers=16,prefetch=4,decoder=torchvision,preset=documented folder"
    steps = ["null", "emulate:1400", "emulate:2800"]
    text = printed([row(name, step=step, stall=None if step == "null" else 0.123) for step in steps])
    assert max(len(line) for line in text.splitlines()[:6]) <= 80
    assert "webdataset:" in text


@pytest.mark.parametrize(
    "name",
    ["[bold]x[/bold]", "[/]", "[red", "mine:rocket:speed=1", "back\\", "[link=http://x]y", "a:bug:b=1"],
)
def test_names_are_shown_as_they_are(name: str) -> None:
    text = printed([row(name), refused(name + "2", reason=f"because of {name}")])
    loader, _, settings = name.rpartition(":") if "=1" in name else (name, "", "")
    assert loader in text.splitlines()[2]
    assert settings in text.splitlines()[3]
    assert f"because of {name}" in text


def test_foreign_control_codes_never_reach_the_terminal() -> None:
    text = printed([row("a\x1b[2Jb\nc"), refused(reason="line\n\x1b]0;title\x07two\udcff")])
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "a?[2Jb | c" in text
    text.encode()


@pytest.mark.parametrize(
    ("stall", "floor", "shown"),
    [
        (None, None, "-"),
        (0.25, None, "25.0%"),
        (0.25, 0.01, "25.0%"),
        (0.004, 0.01, "< 1.0%"),
        (0.0, 0.0, "0.0%"),
        (1.0, 0.2, "100.0%"),
    ],
)
def test_a_stall_below_its_floor_is_not_told(stall: float | None, floor: float | None, shown: str) -> None:
    text = printed([row(), row(step="emulate:1400", stall=stall, stall_floor=floor)])
    assert text.splitlines()[2].rstrip().endswith(shown)


def test_a_single_trial_has_no_interval() -> None:
    assert "1470" not in printed([row(trials=1)])


def test_unknown_cpu_is_a_question_mark() -> None:
    assert " ? " in printed([row(cpu_seconds_per_sample=None)])


def test_who_has_no_figure_says_why() -> None:
    text = printed([row(), refused()])
    assert "dali: unsupported: pip install 'pipebench[dali]'" in text
    assert text.splitlines()[3].split() == ["dali", "unsupported"]


def test_without_any_ok_trial() -> None:
    text = printed([refused("a"), refused("b")])
    assert text.rstrip().endswith("No loader could be measured.")
    assert "trials" not in text


def test_no_rows_at_all() -> None:
    assert "No loader could be measured." in printed([])
    assert table([]).row_count == 0


def test_labels_and_overhead_are_notes() -> None:
    unsteady = row(labels=("not steady (4 of 5)", "short (5 of 5)"), step_overhead_ns=1234.0)
    lines = notes([unsteady, row("dali", labels=("short (5 of 5)",))])
    assert lines[:2] == ["torch_dataloader on null: not steady (4 of 5)", "All: short (5 of 5)"]
    assert any("1.23 us a step" in line for line in lines)


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        (Outcome.DIFFERS, "fast is fastest here: 1.25x [1.22, 1.28] the rate of slow, from 10 blocks."),
        (Outcome.INDICATIVE, "fast came out fastest here, 1.25x [1.22, 1.28] the rate of slow: indicative"),
        (Outcome.UNDECIDED, "fast and slow: no difference shown (1.25x [1.22, 1.28]); a difference of 2.5%"),
        (Outcome.EQUAL, "fast and slow are equal within 3 % here"),
        (Outcome.DISTURBED, "fast and slow: no difference shown (disturbed)"),
    ],
)
def test_the_sentence(outcome: Outcome, says: str) -> None:
    assert sentence([row("fast"), row("slow")], [standing(outcome)]).startswith(says)


def test_the_fastest_is_the_one_that_the_pairs_call_so() -> None:
    found = standing(Outcome.INDICATIVE)
    turned = replace(found, comparison=replace(found.comparison, ratio=inverse(found.comparison.ratio)))
    text = sentence([row("fast"), row("slow")], [turned])
    assert text.startswith("slow came out fastest here, 1.25x [1.22, 1.28] the rate of fast")


def test_too_few_blocks_would_have_shown_nothing() -> None:
    found = standing(Outcome.DISTURBED)
    few = replace(found, comparison=replace(found.comparison, detectable=inf))
    text = sentence([row("fast"), row("slow")], [few])
    assert "; no difference at all would have been shown." in text
    assert "inf" not in text


def test_two_that_met_in_no_block_are_not_compared() -> None:
    assert sentence([row("a"), row("b")], []) == "a, b: measured in no block together, so not compared."


def test_one_alone_wins_nothing() -> None:
    assert (
        sentence([row("only"), row("only", step="emulate:9"), refused()], [])
        == "Only only could be measured."
    )


def test_what_was_proved_of_caches_names_whom_it_concerns_where_that_differs() -> None:
    assert not any(line.startswith("Cache") for line in notes([row("a", cache=("warm",))]))
    same = notes([row("a", cache=("guest-cold",)), row("b", cache=("guest-cold",))])
    assert "Cache: guest-cold." in same
    differ = notes([row("a", cache=("guest-cold", "short")), row("b", cache=("guest-cold",))])
    assert "Cache: guest-cold (a, b); short (a)." in differ


def test_what_was_fetched_is_told_of_those_of_whom_it_is_known() -> None:
    fetched = {"fetched_bytes_per_sample": 81_234.0, "requests_per_sample": 0.0312}
    lines = notes([row("a", usage=fetched), row("b", usage=dict.fromkeys(fetched, 0.0)), row("c")])
    assert "Fetched a sample, with what was fetched ahead: a 81.2 kB in 0.031 requests." in lines
    assert not any(line.startswith("Fetched") for line in notes([row("c")]))


def test_a_profiles_steps_show_their_tiers_and_that_nobody_ran_them() -> None:
    steps = ("emulate:7162,name=resnet50@H100-SXM5-80GB/tuned", "emulate:2790,name=resnet50@H100/stock")
    text = printed([row(step=step, stall=0.5, labels=(f"{validity(step)}",)) for step in steps])
    assert text.splitlines()[1].split()[-2:] == ["7162/s", "2790/s"]
    assert "resnet50@H100: tuned 7162/s; stock 2790/s: not validated on hardware." in text
    assert text.count("not validated") == 1
    assert max(map(len, text.splitlines()[:4])) <= 80


@pytest.mark.parametrize(("width", "terminal", "tables"), [(80, True, 2), (120, True, 1), (80, False, 1)])
def test_three_tiers_have_a_table_of_their_own_where_a_terminal_has_no_place(
    width: int, terminal: bool, tables: int
) -> None:
    rates = (
        "7162,name=resnet50@H100/tuned",
        "2790,name=resnet50@H100/stock",
        "1785,name=resnet50@H100/emulated",
    )
    rows = [row(), *(row(step=f"emulate:{rate}", stall=0.5) for rate in rates)]
    console = Console(file=io.StringIO(), width=width, force_terminal=terminal, color_system=None)
    print_run(console, rows, [])
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]
    told = [line for line in lines if line.startswith("torch_dataloader ")]
    assert len(told) == tables
    assert told[-1].split()[-3:] == ["50.0%"] * 3
    assert not terminal or max(map(len, lines)) <= width


def test_more_than_the_limit_is_explained() -> None:
    told = "Above 100% of it"
    assert any(line.startswith(told) for line in notes([row("a", efficiency=1.04), row("b")]))
    assert not any(line.startswith(told) for line in notes([row("a"), row("b", efficiency=None)]))
