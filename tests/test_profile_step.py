"""Steps named by a profile: every tier's rate, a user's own figure first, and never unlabelled."""

from pathlib import Path

import pytest

from pipebench import cli
from pipebench.accelerators import COLUMNS, NOT_VALIDATED, OWN_FILE
from pipebench.errors import BadInput
from pipebench.profile_step import is_profile, profile_name, resolved, resolved_one, tiers_told, validity
from pipebench.step import parse_step

H100 = [
    "emulate:7162,name=resnet50@H100-SXM5-80GB/tuned",
    "emulate:2790,name=resnet50@H100/stock",
    "emulate:1785.7,name=resnet50@H100/emulated",
]


def test_a_profile_becomes_a_step_for_each_tier_and_others_stay() -> None:
    assert resolved(["null", "resnet50@h100", "emulate:5"]) == ["null", *H100, "emulate:5"]
    assert [parse_step(step).rate for step in H100] == [7162, 2790, 1785.7]
    assert resolved(["resnet50@H100-SXM5-80GB,depth=3"]) == [f"{H100[0]},depth=3"]


def test_other_steps_are_none() -> None:
    assert not any(map(is_profile, ("null", "emulate:5", "model:resnet18", "emulate:5,name=a@b")))
    assert profile_name("emulate:5") is profile_name("model:resnet18") is profile_name("whatever") is None
    assert validity("null") is None


def test_what_nobody_ran_is_said_so() -> None:
    assert validity(H100[0]) == f"resnet50@H100-SXM5-80GB/tuned as 7162 samples/s: {NOT_VALIDATED}"
    assert tiers_told(["null", *H100]) == [
        f"resnet50@H100: tuned 7162/s; stock 2790/s; emulated 1785.7/s: {NOT_VALIDATED}."
    ]


def test_a_users_own_figure_goes_before_the_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text(f"{','.join(COLUMNS)}\nresnet50,images/s,H100,3000,measured,my run\n")
    monkeypatch.setenv(OWN_FILE, str(path))
    [step] = resolved(["resnet50@h100"])
    assert step == "emulate:3000,name=resnet50@H100/measured"
    assert validity(step) == "resnet50@H100/measured as 3000 samples/s: a user's own figure"
    assert tiers_told([step]) == ["resnet50@H100: measured 3000/s: a user's own figure, before any table."]


def test_ones_own_sizes_give_a_derived_rate() -> None:
    [step] = resolved(["gpt-4@h100,parameters=1e12,tokens=1000,utilisation=0.4"])
    assert parse_step(step).rate == pytest.approx(989.5e12 * 0.4 / (6 * 1e12 * 1000), rel=1e-5)
    assert (profile_name(step) or "").endswith("/derived")
    [step] = resolved(["resnet50@h100,utilisation=0.5"])
    assert parse_step(step).rate == pytest.approx(989.5e12 * 0.5 / 24.534e9, rel=1e-5)


def test_a_tier_is_chosen() -> None:
    assert resolved(["resnet50@h100,tier=stock"]) == [H100[1]]
    assert resolved_one("resnet50@h100,tier=stock,depth=1") == f"{H100[1]},depth=1"
    assert resolved_one("null") == "null"
    assert resolved_one("llama2-70b@gb300").startswith("emulate:0.58")
    with pytest.raises(BadInput, match=r"has 3 rates \(tuned, stock, emulated\).* choose one with"):
        resolved_one("resnet50@h100")


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ("resnet50@h100,tier=best", "there is no tier of resnet50 on H100 'best'"),
        ("resnet50@", "there is no rate on ''"),
        ("@h100", "there is no model ''"),
        ("resnet50@h100,speed=3", "there is no step option 'speed'"),
        ("resnet50@h100,utilisation=1.5", "between 0 and 1"),
        ("resnet50@h100,utilisation=x", "utilisation must be a number above 0"),
        ("gpt-4@h100,parameters=1e12", "give all that are not known"),
        ("gpt-4@abacus,parameters=1e12", "there is no accelerator with a known peak 'ABACUS'"),
        ("gpt-4@h100", "its size is not public"),
    ],
)
def test_wrong_profiles(step: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        resolved([step])


def test_a_diagnosis_asks_for_one_rate(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["diagnose", "nowhere", "--step", "resnet50@h100"]) == 2
    assert "has 3 rates (tuned, stock, emulated)" in capsys.readouterr().err
    assert cli.main(["diagnose", "nowhere", "--step", "resnet50@h100,tier=stock"]) == 2
    assert "there is no folder nowhere" in capsys.readouterr().err
