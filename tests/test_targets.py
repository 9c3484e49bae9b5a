"""Which accelerators a dataset's loaders may have to feed."""

import pytest

from pipebench.accelerators import NOT_VALIDATED, Profile, profiles
from pipebench.targets import Target, around, families_in_order, misfit, targets


def profile(rate: float, tier: str = "tuned", model: str = "resnet50", accelerator: str = "H100") -> Profile:
    return Profile(model=model, accelerator=accelerator, rate=rate, unit="images/s", tier=tier, source="s")


def found(model: str, family: str) -> Target:
    [target] = [t for t in targets(profiles()) if (t.model, t.family) == (model, family)]
    return target


def test_tiers_of_one_family_are_together_and_the_fastest_first() -> None:
    h100 = found("resnet50", "H100")
    assert [(p.tier, rate) for p, rate in h100.rates] == [
        ("tuned", 7162),
        ("stock", 2790),
        ("emulated", 1785.7),
    ]
    assert h100.standing == NOT_VALIDATED


def test_a_users_own_figure_stands_alone() -> None:
    [target] = targets([profile(3000, "measured"), profile(7162), profile(2790, "stock")])
    assert [rate for _, rate in target.rates] == [3000]
    assert target.standing == "a user's own figure"


@pytest.mark.parametrize(
    ("model", "family", "size", "says"),
    [
        ("resnet50", "H100", 224, None),
        ("resnet50", "H100", 160, "takes 224 px, and 160 px were measured"),
        ("retinanet", "H100", 224, "takes 800 px"),
        ("llama2-70b", "GB300", 224, "takes text, and the dataset holds image"),
        ("unet3d", "A100", 224, "takes volume"),
        ("alexnet", "GB300", 224, None),
    ],
)
def test_what_a_dataset_is_not_for(model: str, family: str, size: int, says: str | None) -> None:
    why = misfit(found(model, family), "image", size)
    assert why is None if says is None else says in (why or "")


def test_a_model_of_which_nobody_told_its_data_takes_any() -> None:
    """As a user's own row in samples/s, which docs/accelerators.md shows."""
    row = Profile(
        model="my-model", accelerator="H100", rate=450, unit="samples/s", tier="measured", source="s"
    )
    [target] = targets([row])
    assert misfit(target, "image", 224) is None


def test_those_on_either_side() -> None:
    table = [profile(rate, accelerator=f"X{number}") for number, rate in enumerate((50, 10, 30, 20, 40))]
    astride = [profile(25, "stock", accelerator="Y1"), profile(100, accelerator="Y1")]
    sides = around(targets([*table, *astride]), 30, 2)
    assert [t.rates[0][1] for t in sides.below] == [20, 30]
    assert [t.family for t in sides.astride] == ["Y1"]
    assert [t.rates[0][1] for t in sides.above] == [40, 50]


def test_generations_in_order() -> None:
    names = families_in_order(targets(profiles()))
    assert names[:7] == ["V100", "A100", "L40S", "H100", "H200", "B200", "GB200"]
    assert names[7] == "GB300"
