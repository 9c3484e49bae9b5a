"""The page: whole, bounded, with every text as text and every figure the summary's."""

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from pipebench.report.html import page as page_module
from pipebench.report.html.axes import decades, linear
from pipebench.report.html.page import LARGEST, Made, asset, policy, render
from pipebench.report.html.raw import chosen_entries
from pipebench.report.html.trials import listed
from pipebench.report.pictures.curves import MOST_CURVES
from pipebench.report.pictures.png import PALETTE
from pipebench.report.sentences import sentences
from pipebench.report.terminal import notes, sentence
from pipebench.results import Record, read, to_line
from pipebench.summary import summarise
from tests.comparing import bench, bench_file, rounds, run_records, save
from tests.reporting import HOSTILE, contrast, core_runs, cut_runs, gathered, whole_run

Make = Callable[..., Record]
MADE = Made(when="2026-01-02 03:04 UTC", version="0", mark="pipebench report")


class Page(HTMLParser):
    """What a browser would make of it: tags with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, name: str) -> list[str]:
        """Of every attribute of the name."""
        return [value for _, attributes in self.tags if (value := attributes.get(name))]


def page(*paths: Path, redact: bool = False) -> Page:
    return Page(render(gathered(*paths, redact=redact), MADE))


@pytest.fixture
def whole(make_record: Make, tmp_path: Path) -> Path:
    return save(tmp_path / "r.jsonl", whole_run(make_record))


def test_every_link_leads_to_one_place_within_the_page(
    whole: Path, make_record: Make, tmp_path: Path
) -> None:
    found = page(whole, *core_runs(make_record, tmp_path), *cut_runs(make_record, tmp_path))
    ids = found.values("id")
    assert len(ids) == len(set(ids))
    links = [href for href in found.values("href") if href != "data:,"]
    assert links
    assert {href.removeprefix("#") for href in links} <= set(ids)
    assert all(href.startswith("#") for href in links)


def test_nothing_is_asked_of_anybody(whole: Path) -> None:
    found = page(whole)
    assert not found.values("src")
    assert {tag for tag, _ in found.tags}.isdisjoint({"img", "iframe", "object", "embed", "form", "base"})
    assert not re.search(r"@import|url\(", asset("page.css"))
    assert "default-src 'none'" in policy()
    [told] = [a["content"] for tag, a in found.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert told == policy()
    assert "unsafe" not in policy()


def test_it_holds_the_verdict_of_run_and_its_notes(whole: Path) -> None:
    from pipebench.compare import standings

    found, records = page(whole), read(whole)
    rows = summarise(records)
    for step in ("null", "emulate:50"):
        assert f"On {step}: {sentence(rows, standings(records, step))}" in found.text
    for note in notes(rows):
        assert note in found.text


def test_every_figure_of_the_summary_stands_there_to_the_last_digit(whole: Path) -> None:
    html = page(whole).html
    for row in summarise(read(whole)):
        for name in (
            "samples_per_second",
            "ci_low",
            "cpu_seconds_per_sample",
            "first_batch_seconds",
            "stall",
        ):
            value = getattr(row, name)
            if value is not None:
                assert f'<th scope="row">{name}</th><td class="n">{value!r}</td>' in html


def test_every_record_is_a_row_with_its_place(whole: Path) -> None:
    found = page(whole)
    rows = [a["id"] for tag, a in found.tags if tag == "tr" and (a.get("id") or "").startswith("t")]
    assert len(rows) == len(read(whole))
    assert ">line 1<" in found.html
    assert f">line {len(read(whole))}<" in found.html


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_text_whatever_they_contain(name: str, make_record: Make, tmp_path: Path) -> None:
    records = run_records(make_record, {name: 100, "b": 90}, loader=name)
    records.append(make_record(contestant=f"{name}2", status="failed", reason=name, run="r1"))
    hostile = {"settings": {name: name}, "versions": {name: name}}
    path = save(tmp_path / "r.jsonl", [replace(record, **hostile) for record in records])  # type: ignore[arg-type] # names fit
    found, plain = page(path), page(save(tmp_path / "p.jsonl", run_records(make_record, {"a": 1, "b": 2})))
    assert found.values("onerror") == []
    kinds = {tag for tag, _ in plain.tags}
    assert {tag for tag, _ in found.tags} <= kinds
    assert len([tag for tag, _ in found.tags if tag == "script"]) == 1
    shown = name.replace("\u202e", "?").replace("\u200f", "?")
    assert shown in found.text
    assert "\u202e" not in found.html


def test_sentences_are_the_gravest_first(make_record: Make, tmp_path: Path) -> None:
    records = run_records(make_record, {"a": 100, "b": 80}, machine={"host": "h", "cpu": "x", "cores": 2})
    records[-1] = replace(records[-1], machine={"host": "other", "cpu": "x", "cores": 2})
    tones = [one.tone for one in sentences(gathered(save(tmp_path / "r.jsonl", records)))]
    assert tones[0] == "wrong"
    assert tones == sorted(tones, key=["wrong", "shown", "open", "told", "mind"].index)


def test_findings_of_one_topic_are_few_and_counted(make_record: Make, tmp_path: Path) -> None:
    records = [make_record(100, f"l{n}", n % 2) for n in range(20)]
    found = [one.text for one in sentences(gathered(save(tmp_path / "r.jsonl", records)))]
    own = [text for text in found if text.startswith("completeness: ")]
    assert len(own) == 6
    assert own[-1].startswith("completeness: and 19 more; ")


def test_what_is_not_decided_does_not_look_decided(make_record: Make, tmp_path: Path) -> None:
    path = save(tmp_path / "r.jsonl", run_records(make_record, {"a": 100, "b": 80}, blocks=3))
    found = [one for one in sentences(gathered(path)) if "came out fastest" in one.text]
    assert [one.tone for one in found] == ["open"]


def test_refused_comparisons_are_told(make_record: Make, tmp_path: Path) -> None:
    one = save(tmp_path / "1.jsonl", run_records(make_record, {"a": 1, "b": 2}, run="r1"))
    two = save(tmp_path / "2.jsonl", run_records(make_record, {"a": 1}, run="r2", content_id="d" * 32))
    assert "The results are not compared with each other: " in page(one, two).text


def test_files_of_pytest_benchmark_are_compared(tmp_path: Path) -> None:
    old = bench_file(tmp_path / "old.json", bench("x", rounds(1.0)))
    new = bench_file(tmp_path / "new.json", bench("x", rounds(2.0)), when="2027")
    assert "x in new.json against old.json: differs: slower" in page(old, new).text


def test_sections_without_anything_to_show_say_what_to_run(make_record: Make, tmp_path: Path) -> None:
    found = page(save(tmp_path / "r.jsonl", run_records(make_record, {"a": 1})))
    assert "pipebench run --cores N" in found.text
    assert "scaling" not in found.values("id")


def test_names_of_places_are_gone_when_redacted(make_record: Make, tmp_path: Path) -> None:
    machine = {"host": "secrethost", "cpu": "x", "cores": 2}
    records = run_records(make_record, {"a": 100, "b": 90}, machine=machine)
    records = [
        replace(r, spec=replace(r.spec, data="/home/alice/veiled", python="/opt/x/py")) for r in records
    ]
    html = page(save(tmp_path / "named.jsonl", records), redact=True).html
    for name in ("secrethost", "alice", "veiled", "/opt/x", "named.jsonl", str(tmp_path)):
        assert name not in html
    assert "pipebench audit RESULT --figures" in html


@pytest.fixture
def crowd(make_record: Make, tmp_path: Path) -> Path:
    """3000 trials of 600 contestants whose names, settings and results are as long as one likes.

    All of it is of characters that take six each where they are escaped.
    """
    first, long = make_record(100, run="r"), '"' * 1500
    settings: dict[str, Any] = {f"knob{n}": long for n in range(2)}
    records = [
        replace(
            make_record(100 + n % 600, f"{long}{n % 600}"),
            block=n // 600,
            settings=settings,
            run=f"r{n % 30}",
        )
        for n in range(3000)
    ]
    path = tmp_path / "r.jsonl"
    path.write_text("".join(f"{to_line(record)}\n" for record in [first, *records]))
    return path


@pytest.mark.timeout(120)
def test_a_page_stays_below_the_limit_whatever_it_is_made_of(crowd: Path) -> None:
    found = page(crowd)
    assert 1_000_000 < len(found.html.encode()) < LARGEST
    assert "of 3001 trials" in found.text
    assert "more lines" in found.text
    links = {href.removeprefix("#") for href in found.values("href") if href.startswith("#")}
    assert links <= set(found.values("id"))


def test_what_is_drawn_has_its_records_before_others(make_record: Make, tmp_path: Path) -> None:
    speeds = {f"l{n}": 100.0 + n for n in range(60)}
    found = gathered(save(tmp_path / "r.jsonl", run_records(make_record, speeds, 1)))
    drawn = {entry.number for entry in found.entries[-7:]}
    assert [e.number for e in chosen_entries(found.entries, drawn, 9)] == [0, 1, *sorted(drawn)]


def test_the_most_that_fits_is_shown(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(page(whole).html)
    every = len(read(whole))
    for limit, rows in ((size + 1000, every), (size - 1000, 30)):
        monkeypatch.setattr(page_module, "LARGEST", limit)
        html = page(whole).html
        assert len(html) < limit
        assert html.count('<tr id="t') == rows


def test_of_too_many_trials_those_that_stand_out_are_listed(make_record: Make, tmp_path: Path) -> None:
    records = run_records(make_record, {"a": 100}, blocks=40)
    records[20] = replace(records[20], status="failed", reason="x", trace=None)
    found = gathered(save(tmp_path / "r.jsonl", records))
    shown = [trial.record for _, trial in listed(found, 10)]
    assert len(shown) == 10
    assert any(record.status == "failed" for record in shown)
    assert any(record.block < 0 for record in shown)
    assert [r.block for r in shown] == sorted(r.block for r in shown)


def test_axes_hold_their_values() -> None:
    axis = linear([3, 1702])
    assert axis.high >= 1702
    assert [*axis.ticks] == [0, 500, 1000, 1500, 2000]
    assert [*linear([]).ticks] == [0, 1]
    assert linear([5e-324]).high == linear([1e300]).high == 1
    assert [linear([1e-6]).at(v) for v in (-1, 0, 1)] == [0, 0, 1]
    waits = decades([0, 2e-3, 0.5])
    assert (waits.low, waits.high) == (-6, 0)
    assert waits.at(0) == 0
    assert waits.at(1) == 1
    assert [*decades([1e-3, 1e-3]).ticks] == [1e-3, 1e-2]


def test_colours_show_on_their_ground() -> None:
    """Each at least 3:1 (WCAG 2.2, 1.4.11); texts at least 4.5:1 (1.4.3)."""
    light, dark = re.findall(r":root \{(.*?)\}", asset("page.css"), re.DOTALL)
    for theme in (light, dark):
        colours = dict(re.findall(r"--(\w+): (#\w{6})", theme))
        ground = colours.pop("ground")
        assert len([name for name in colours if re.fullmatch(r"c\d", name)]) == MOST_CURVES == len(PALETTE)
        for name in colours.keys() - {"raised", "line"}:
            least = 3.0 if re.fullmatch(r"c\d", name) else 4.5
            assert contrast(colours[name], ground) >= least, (name, colours[name])
