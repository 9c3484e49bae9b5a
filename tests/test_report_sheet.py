"""What people see of a comparison: on a terminal of 80 columns, and piped."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from pipebench.contest import Line, Terms, contest
from pipebench.figures import figures
from pipebench.report import sheet_plain
from pipebench.report.cells import duration, share
from pipebench.report.columns import USUAL, chosen
from pipebench.report.sheet import Sheet, lay_out
from pipebench.report.sheet_terminal import print_sheet
from pipebench.result_files import all_series, open_sources
from pipebench.results import Record
from tests.comparing import run_records, save

Make = Callable[..., Record]
LONG = "webdataset:workers=16,prefetch=4,decoder=torchvision,preset=documented folder"


@pytest.fixture
def sheet(make_record: Make, tmp_path: Path) -> Sheet:
    """Four contestants against `mid`, of which one is like it."""
    speeds = {LONG: 200.0, "mid": 100.0, "like": 100.1, "slow": 50.0, "[red]x": 70.0}
    path = save(tmp_path / "r.jsonl", run_records(make_record, speeds, noise=0.04))
    return lay_out(lines(path), chosen(None, USUAL), Terms())


def lines(path: Path) -> list[Line]:
    return contest(all_series(open_sources([path]), figures), Terms(baseline="mid"))


def on_terminal(sheet: Sheet, width: int, **options: object) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, **options)  # type: ignore[arg-type]
    print_sheet(console, sheet)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text.splitlines()


def test_it_fits_eighty_columns_whatever_the_names(sheet: Sheet) -> None:
    found = on_terminal(sheet, 80, color_system=None)
    assert max(map(len, found)) <= 80
    assert found[1].split() == ["would"]
    assert "webdataset" in found[3]
    assert "differs: faster" in found[3]
    assert any("workers=16" in line for line in found)
    assert any(line.startswith("[red]x") for line in found)


def test_colours_say_what_the_words_say(sheet: Sheet) -> None:
    text = "\n".join(on_terminal(sheet, 120, color_system="standard"))
    assert "\x1b[32mdiffers: faster" in text
    assert "\x1b[31mdiffers: slower" in text
    assert "\x1b[2mbaseline" in text


def test_piped_each_row_is_one_line_without_colours(sheet: Sheet) -> None:
    found = sheet_plain.render(sheet).splitlines()
    assert found[0] == "step null, r.jsonl"
    assert found[1].startswith("contestant ")
    assert found[1].endswith("verdict              would show")
    assert found[2].startswith(LONG)
    assert [line.split()[0] for line in found[2:7]] == [LONG.split()[0], "like", "mid", "[red]x", "slow"] or (
        found[3].startswith("mid")
    )
    assert "\x1b" not in "".join(found)
    assert not any(line.endswith(" ") for line in found)


def test_beside_no_difference_stands_what_would_have_shown(sheet: Sheet) -> None:
    [like] = [line for line in sheet_plain.render(sheet).splitlines() if line.startswith("like ")]
    assert "no difference shown" in like
    assert like.endswith(" %")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (12.345, "12.3 s"),
        (1.0, "1 s"),
        (0.5214, "521 ms"),
        (4.2e-5, "42 us"),
        (3e-9, "3 ns"),
        (7e-7, "700 ns"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_shares() -> None:
    assert share(0.0512) == "5.1 %"
    assert share(1.5) == share(float("inf")) == "> 100 %"
