"""The map's cells against loaders whose truth is known, and the forms that it is shown in."""

import json
import re
from typing import Any

import pytest

from pipebench.accelerators import NOT_VALIDATED, profiles
from pipebench.chokepoint_map import Panel, panel
from pipebench.diagnosis.evidence import Detail, Named, Narrow
from pipebench.report import map_html, map_png, map_text
from pipebench.seen import Seen
from pipebench.sweep import FACTORS
from pipebench.targets import targets


def seen(own: float = 2000.0, core_use: float = 0.97, loss: float = 0.0, **fields: Any) -> Seen:
    """A loader that keeps a device used by min(1, own / rate), less `loss`."""
    shares = {own * f: (1 - loss) * min(1, 1 / f) for f in FACTORS}
    raw: dict[str, Any] = {
        "contestant": "dali",
        "cores": 2,
        "own": {0: own, 1: own},
        "shares": {0: shares, 1: shares},
        "by_cores": {0: {1: own * 0.6, 2: own}, 1: {1: own * 0.6, 2: own}},
        "core_use": core_use,
    }
    return Seen(**(raw | fields))


def made(cores: int | None = None, size: int = 224, **fields: Any) -> Panel:
    return panel(seen(**fields), targets(profiles()), "image", size, cores)


def test_a_cell_is_the_loaders_rate_over_the_accelerators_at_each_tier() -> None:
    cell = made().cell("resnet50", "H100")
    found = {rate.tier: rate.share.estimate for rate in cell.rates}
    assert found["tuned"] == pytest.approx(2000 / 7162, rel=0.01)
    assert found["stock"] == pytest.approx(2000 / 2790, rel=0.02)
    assert found["emulated"] == pytest.approx(1, abs=0.01)
    assert cell.standing == NOT_VALIDATED
    assert cell.shares == (min(found.values()), max(found.values()))


def test_the_chokepoint_moves_from_the_step_to_the_loader_as_accelerators_grow() -> None:
    found = made()
    assert found.cell("resnet50", "V100").rates[0].holds == "step"
    assert found.cell("resnet50", "A100").rates[0].holds == "loader CPU"
    assert found.cell("vit-h14", "H100").rates[0].holds == "step"
    assert found.families[:2] == ("V100", "A100")
    assert found.families.index("H100") < found.families.index("GB300")


def test_cores_that_stood_idle_are_not_the_loaders_work() -> None:
    assert made(core_use=0.5).cell("resnet50", "A100").rates[0].holds == "overhead"


@pytest.mark.parametrize(
    ("named", "letter"),
    [(Named(Narrow.DECODE), "d"), (Named(Narrow.OVERHEAD, Detail.HAND_OVER), "h"), (None, "c")],
)
def test_what_the_loaders_cuts_name_holds_it_back(named: Named | None, letter: str) -> None:
    found = made(named=named)
    assert map_text.text(found.cell("resnet50", "H100")).endswith(letter)
    assert map_text.text(found.cell("resnet50", "V100")).endswith("s")
    assert f"\n{letter}: " in map_text.render(found)


def test_a_loader_that_is_fast_enough_on_average_is_held_back_by_bursts() -> None:
    assert made(loss=0.1).cell("resnet50", "V100").rates[0].holds == "bursts"


@pytest.mark.parametrize(
    ("model", "family", "says"),
    [
        ("llama2-70b", "GB300", "takes text, and the dataset holds image"),
        ("retinanet", "H100", "takes 800 px, and 224 px were measured"),
        ("gpt-4", "H100", "its size is not public: give your own figure"),
        ("resnet50", "MI355X", "no rate is known"),
    ],
)
def test_cells_without_a_prediction_say_why(model: str, family: str, says: str) -> None:
    cell = made().cell(model, family)
    assert not cell.rates
    assert says in cell.why


def test_another_size_greys_what_was_made_for_224() -> None:
    found = made(size=160)
    assert "takes 224 px" in found.cell("resnet50", "H100").why
    assert found.fitting == ()


def test_more_cores_than_were_measured_are_extrapolated_within_bounds() -> None:
    share = made(cores=4).cell("resnet50", "H100").rates[0].share
    assert share.low == pytest.approx(3000 / 7162, rel=0.02)  # Amdahl: 1/P = 1/6000 + 1/1500c, in 1/s
    assert share.high == pytest.approx(4000 / 7162, rel=0.02)
    assert "5 cores are more than twice those measured" in made(cores=5).cell("resnet50", "H100").why


def test_fewer_cores_are_as_they_were_measured() -> None:
    share = made(cores=1).cell("resnet50", "H100").rates[0].share
    assert share.estimate == pytest.approx(1200 / 7162, rel=0.01)


def test_the_table_fits_80_columns_and_names_what_it_leaves_out() -> None:
    text = map_text.render(made())
    rows = text.split("\n\n")[1:-1]
    assert max(len(line) for row in rows for line in row.splitlines()) <= 80
    line = next(line for line in text.splitlines() if line.startswith("resnet50"))
    assert "28-100c" in line.split()
    assert "llama2-70b" in text
    assert "takes text, and the dataset holds image" in text
    assert NOT_VALIDATED in text


def test_blocks_that_others_disturbed_are_told() -> None:
    kept, left = made(disturbed=1), made(disturbed=1, left_out=1)
    assert "disturbed: 1, kept, since fewer than two others remain" in map_text.render(kept)
    assert "disturbed: 1, left out" in map_text.render(left)
    assert "disturbed" not in map_text.render(made())
    assert ["disturbed" in map_png.title(one) for one in (kept, left, made())] == [True, False, False]
    assert "indicative, from 2 blocks" in map_png.title(kept)


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "</script><b>", "\x1b[31mred", "$x^2$", "a" * 500]
)
def test_whatever_a_loader_is_called_the_page_holds_it_as_text(name: str) -> None:
    page = map_html.render([made(contestant=name)])
    assert page.count("</script>") == 2
    assert "\x1b" not in page
    [data] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert "<" not in data
    held = json.loads(data)["panels"][0]
    assert held["contestant"] == name.replace("\x1b", "?")
    assert len(held["cells"]) == len(held["models"]) * len(held["families"])
    assert not re.search(r"(src|href)=|https?://|@import|innerHTML|eval\(", page.replace(data, ""))


@pytest.mark.parametrize("name", ["dali", "$x^2$", "\x1b[31mred", "名前"])
@pytest.mark.filterwarnings("ignore:Glyph:UserWarning")  # the one font that is always there lacks some
def test_the_picture(name: str) -> None:
    pytest.importorskip("matplotlib")
    drawn = map_png.draw([made(contestant=name), made()])
    assert drawn.startswith(b"\x89PNG")
    assert len(drawn) > 10_000
