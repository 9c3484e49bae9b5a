"""The command `report`: what it writes, what it refuses to write over, and its exit codes."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipebench import cli
from pipebench.report.pictures import png
from pipebench.results import Record, read
from pipebench.summary import summarise
from tests.comparing import bench, bench_file, rounds, run_records, save
from tests.reporting import HOSTILE, core_runs, whole_run

Make = Callable[..., Record]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(make_record: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    save(Path("r.jsonl"), whole_run(make_record))
    return tmp_path


def report(*options: str) -> int:
    return cli.main(["report", "--quiet", *options])


def test_it_writes_a_page_and_says_where(folder: Path, capsys: Capture) -> None:
    assert report("r.jsonl", "--out", "page.html") == 0
    assert capsys.readouterr().out.startswith("page.html: ")
    assert Path("page.html").read_text().startswith("<!doctype html>")


def test_without_a_name_the_newest_two_are_taken(folder: Path, make_record: Make) -> None:
    Path(".pipebench").mkdir()
    for number in (1, 2, 3):
        save(Path(f".pipebench/000{number}_x_y.jsonl"), run_records(make_record, {"a": 1}, run=f"r{number}"))
    assert report() == 0
    text = Path("report.html").read_text()
    assert "0003_x_y.jsonl" in text
    assert "0002_x_y.jsonl" in text
    assert "0001_x_y.jsonl" not in text


def test_an_older_report_is_replaced_and_nothing_else(folder: Path, capsys: Capture) -> None:
    assert report("r.jsonl") == report("r.jsonl") == 0
    Path("mine.html").write_text("my own")
    assert report("r.jsonl", "--out", "mine.html") == 2
    assert "exists and is no report" in capsys.readouterr().err
    assert Path("mine.html").read_text() == "my own"
    assert report("r.jsonl", "--out", "r.jsonl") == 2
    assert sorted(path.name for path in folder.iterdir()) == ["mine.html", "r.jsonl", "report.html"]


@pytest.mark.parametrize("out", ["missing/page.html", ".", "/dev/null"])
def test_where_nothing_can_be_written_it_says_so(out: str, folder: Path, capsys: Capture) -> None:
    assert report("r.jsonl", "--out", out) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "--out" in error


@pytest.mark.parametrize("given", ["nothing.jsonl", "empty.jsonl", "text.txt"])
def test_bad_results_end_in_a_sentence(given: str, folder: Path, capsys: Capture) -> None:
    Path("empty.jsonl").touch()
    Path("text.txt").write_text("hello")
    assert report(given) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not Path("report.html").exists()


def test_a_trial_that_failed_shows_in_the_exit_code(folder: Path, make_record: Make) -> None:
    failed = make_record(contestant="c", status="failed", reason="no luck", run="r1")
    save(Path("r.jsonl"), [failed])
    assert report("r.jsonl") == 3
    assert "no luck" in Path("report.html").read_text()


def test_redacted_pages_name_no_file(folder: Path) -> None:
    Path("r.jsonl").rename("named.jsonl")
    assert report("named.jsonl", "--redact") == 0
    text = Path("report.html").read_text()
    assert "named" not in text
    assert "result 1" in text


def test_a_file_of_benchmarks_alone_has_a_page(folder: Path) -> None:
    bench_file(Path("b.json"), bench("x", rounds(1.0)), bench("<b>y</b>", rounds(2.0)))
    assert report("b.json") == 0
    assert "&lt;b&gt;y&lt;/b&gt;" in Path("report.html").read_text()


def test_pictures_are_png_one_a_figure(folder: Path, make_record: Make, capsys: Capture) -> None:
    paths = [str(path) for path in core_runs(make_record, folder)]
    assert report(*paths, "--format", "png", "--out", "figures") == 0
    names = sorted(path.name for path in Path("figures").iterdir())
    assert names == ["cpu.png", "first_batch.png", "scaling.png", "throughput.png", "waits.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG\r\n") for path in Path("figures").iterdir())
    assert report(*paths, "--format", "png", "--out", "figures") == 0
    Path("figures/cpu.png").write_bytes(b"\x89PNG of somebody")
    assert report(*paths, "--format", "png", "--out", "figures") == 2


@pytest.mark.parametrize("name", HOSTILE)
def test_pictures_take_any_name(name: str, folder: Path, make_record: Make) -> None:
    save(Path("h.jsonl"), run_records(make_record, {name: 100, "b": 90}, blocks=2))
    assert report("h.jsonl", "--format", "png") == 0


def test_pictures_show_the_values_of_the_page(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bars as long as the rows say, as matplotlib is asked to draw them."""
    drawn: list[float] = []
    finish = png._finish

    def spy(axes: Any, *texts: str) -> None:
        drawn.extend(patch.get_width() for patch in axes.patches)
        finish(axes, *texts)

    monkeypatch.setattr(png, "_finish", spy)
    assert report("r.jsonl", "--format", "png") == 0
    rates = [row.samples_per_second for row in summarise(read(Path("r.jsonl")))]
    assert all(any(width == pytest.approx(rate) for width in drawn) for rate in rates)


def test_results_without_any_figure_have_no_picture(folder: Path, make_record: Make, capsys: Capture) -> None:
    save(Path("f.jsonl"), [make_record(status="failed", reason="x")])
    assert report("f.jsonl", "--format", "png") == 2
    assert "no figure to draw" in capsys.readouterr().err


@pytest.mark.parametrize(("module", "form"), [("jinja2", "html"), ("matplotlib", "png")])
def test_a_missing_library_is_named(
    module: str, form: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert report("r.jsonl", "--format", form) == 2
    assert "pip install 'pipebench[report]'" in capsys.readouterr().err


def test_hosts_that_differ_are_still_reported(folder: Path, make_record: Make) -> None:
    other = run_records(make_record, {"a": 1}, run="r9", machine={"host": "z", "cpu": "Other", "cores": 4})
    save(Path("other.jsonl"), [replace(record, content_id="e" * 32) for record in other])
    assert report("r.jsonl", "other.jsonl") == 0
    assert "are not alike in" in Path("report.html").read_text()
