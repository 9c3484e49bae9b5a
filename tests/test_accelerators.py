"""Accelerator profiles: the shipped table, a user's own file, and what is derived."""

from pathlib import Path

import pytest

from pipebench.accelerators import (
    COLUMNS,
    OWN_FILE,
    Profile,
    family,
    matching,
    parse,
    profiles,
    shipped,
)
from pipebench.errors import BadInput

HEAD = ",".join(COLUMNS)
ROW = "resnet50,images/s,H100,3000,measured,my own run"


def own(monkeypatch: pytest.MonkeyPatch, path: Path, *rows: str) -> None:
    path.write_text("\n".join([HEAD, *rows]))
    monkeypatch.setenv(OWN_FILE, str(path))


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("H100-SXM5-80GB", "H100"),
        ("A100-SXM4", "A100"),
        ("RTX-3090", "RTX-3090"),
        ("L40S", "L40S"),
        ("GB200", "GB200"),
        ("MI355X", "MI355X"),
        ("h100", "H100"),
        ("tpu", "TPU"),
    ],
)
def test_families(name: str, short: str) -> None:
    assert family(name) == short


def test_every_shipped_row_has_its_tier_and_source() -> None:
    assert len(shipped()) == 52
    assert all(row.source and row.tier in ("tuned", "stock", "emulated") for row in shipped())
    assert all(row.samples_per_second is not None for row in shipped())


def test_tokens_become_samples() -> None:
    [row] = [r for r in shipped() if r.model == "gpt3-175b" and r.family == "H100"]
    assert row.samples_per_second == pytest.approx(816 / 2048)


def test_rates_are_derived_only_where_none_is_cited() -> None:
    found = {(p.model, p.family): p.tier for p in profiles()}
    assert found["alexnet", "GB300"] == "derived"
    assert found["resnet50", "GB300"] == "derived"
    assert "derived" not in {p.tier for p in profiles() if (p.model, p.family) == ("resnet50", "H100")}
    assert {"gpt-4", "gemini"}.isdisjoint(model for model, _ in found)
    [row] = matching("llama2-70b", "gb300", profiles())
    assert "40% of 2500 TFLOP/s" in row.source


def test_names_may_lack_their_variant_and_do_not_mix() -> None:
    assert {p.tier for p in matching("resnet50", "h100", profiles())} == {"tuned", "stock", "emulated"}
    assert [p.tier for p in matching("resnet50", "H100-SXM5-80GB", profiles())] == ["tuned"]
    assert {p.accelerator for p in matching("retinanet", "b200", profiles())} == {"B200-SXM-180GB", "B200"}


@pytest.mark.parametrize(
    ("model", "accelerator", "says"),
    [
        ("resnet5", "h100", "there is no model 'resnet5'; did you mean 'resnet50'"),
        ("resnet50", "h101", "there is no rate on 'H101'; did you mean 'H100'"),
        ("gpt-4", "h100", "its size is not public; give your own figure"),
        ("<script>", "h100", "there is no model '<script>'"),
    ],
)
def test_unknown_names(model: str, accelerator: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        matching(model, accelerator, profiles())


def test_a_users_own_file_adds_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = profiles()
    own(monkeypatch, tmp_path / "own.csv", ROW, "gpt-4,samples/s,H100,2,measured,we know")
    assert len(profiles()) == len(before) + 2
    assert profiles()[0].name == "resnet50@H100/measured"
    assert [p.rate for p in matching("gpt-4", "h100", profiles())] == [2]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (
            "resnet50,images/s,H100,0,measured,s",
            "own.csv, line 2: rate_per_accelerator must be a",
        ),
        ("resnet50,images/s,H100,,measured,s", "rate_per_accelerator is empty"),
        ("resnet50,images,H100,1,measured,s", "there is no unit 'images'; did you mean 'images/s'"),
        ("resnet50,images/s,H100,1,derived,s", "there is no tier 'derived'"),
        ("resnet50,images/s,H100,1,tuned,", "source is empty"),
        ("<script>,images/s,H100,1,tuned,s", "model '<script>' may hold letters"),
        ("m,images/s,H 100,1,tuned,s", "accelerator 'H 100' may hold letters"),
        (f"{ROW}\n{ROW}", "line 3: resnet50@H100/measured stands there twice"),
    ],
)
def test_wrong_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, row: str, says: str) -> None:
    own(monkeypatch, tmp_path / "own.csv", row)
    with pytest.raises(BadInput, match=says):
        profiles()


def test_tokens_of_an_unknown_model_have_no_rate() -> None:
    [row] = parse(f"{HEAD}\nm,tokens/s,H100,5,measured,s", "t")
    assert isinstance(row, Profile)
    assert row.samples_per_second is None
    assert row.kind == "text"
