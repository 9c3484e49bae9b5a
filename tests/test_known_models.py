"""Derived rates against the formula, and the shipped files against themselves."""

import pytest

from pipebench.errors import BadInput
from pipebench.known_models import Model, Peak, derived_rate, model_named, models, peaks


def test_a_derived_rate_is_peak_times_utilisation_over_operations() -> None:
    peak = Peak(accelerator="X1", teraflops=100, source="s")
    vision = Model(name="v", kind="image", flops_per_sample=2e9, utilisation=0.5)
    assert derived_rate(vision, peak) == pytest.approx(25_000)
    text = Model(name="t", kind="text", parameters=1e9, tokens_per_sample=1000, utilisation=0.3)
    assert derived_rate(text, peak) == pytest.approx(100e12 * 0.3 / (6 * 1e9 * 1000))


@pytest.mark.parametrize("missing", ["parameters", "tokens_per_sample", "utilisation"])
def test_what_is_not_known_is_not_derived(missing: str) -> None:
    known = {"parameters": 1e9, "tokens_per_sample": 1000.0, "utilisation": 0.3} | {missing: None}
    text = Model(name="t", kind="text", **known)  # type: ignore[arg-type] # numbers
    assert derived_rate(text, Peak(accelerator="X1", teraflops=100, source="s")) is None


def test_a_vision_models_work_is_six_times_its_forward_multiplications() -> None:
    """One forward and two backward passes, and two operations a multiplication."""
    for name, gmacs in (
        ("alexnet", 0.714),
        ("resnet18", 1.814),
        ("resnet50", 4.089),
        ("resnet152", 11.514),
        ("vit-b16", 17.564),
        ("vit-h14", 167.295),
    ):
        assert models()[name].training_flops == pytest.approx(6 * gmacs * 1e9)


def test_sizes_that_are_not_public_have_no_rate() -> None:
    for name in ("gpt-4", "gemini"):
        assert models()[name].training_flops is None
        assert all(derived_rate(models()[name], peak) is None for peak in peaks())


def test_every_derivable_model_states_its_utilisation() -> None:
    assert all(m.utilisation is not None for m in models().values() if m.training_flops is not None)


def test_unknown_models() -> None:
    with pytest.raises(BadInput, match="did you mean 'alexnet'"):
        model_named("alexnett")
