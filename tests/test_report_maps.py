"""The chokepoint map on the page: where results hold a sweep, as `map` has it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pipebench.accelerators import profiles
from pipebench.chokepoint_map import panel
from pipebench.figures import figures
from pipebench.report.crossings import swept
from pipebench.report.html.page import Made, render
from pipebench.report.map_text import notes, text
from pipebench.report.pictures.maps import maps
from pipebench.report.pictures.png import draw
from pipebench.results import Record
from pipebench.targets import targets
from tests.comparing import save
from tests.reporting import gathered
from tests.test_report_crossings import swept as sweep_records

Make = Callable[..., Record]
MADE = Made(when="2026-01-02 03:04 UTC", version="0", mark="pipebench report")


def result(make: Make, path: Path, kind: str = "image") -> Path:
    return save(path, [replace(record, kind=kind) for record in sweep_records(make)])


def test_every_cell_is_that_of_the_map(make_record: Make, tmp_path: Path) -> None:
    found = gathered(result(make_record, tmp_path / "r.jsonl"))
    [seen] = swept(found.parts[0], figures)
    expected = panel(seen, targets(profiles()), "image", 224)
    [drawn] = maps(found)
    assert drawn.panel == expected
    html = render(found, MADE)
    assert 'id="map"' in html
    for model in expected.fitting:
        assert f'<th scope="row">{model}</th>' in html
        for family in expected.families:
            assert f">{text(expected.cell(model, family))}</td>" in html
    for note in notes(expected):
        assert note.replace("'", "&#39;") in html


def test_it_is_a_picture_too(make_record: Make, tmp_path: Path) -> None:
    pictures = dict(draw(gathered(result(make_record, tmp_path / "r.jsonl"))))
    assert pictures["map-1"].startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", ["", "sound"])
def test_results_of_a_kind_that_is_not_known_here_have_none(
    kind: str, make_record: Make, tmp_path: Path
) -> None:
    found = gathered(result(make_record, tmp_path / "r.jsonl", kind=kind))
    assert list(maps(found)) == []
    assert "Chokepoint map: add results of" in render(found, MADE)
