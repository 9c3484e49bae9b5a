"""Steps named by a profile, `resnet50@h100`, become emulated steps: one for each rate that is known."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pipebench.accelerators import (
    NOT_VALIDATED,
    TIERS,
    Profile,
    derive,
    family,
    matching,
    profiles,
)
from pipebench.errors import BadInput, unknown
from pipebench.known_models import Model, checked_share, model_named, peaks
from pipebench.options import parse_pairs
from pipebench.step import StepSpec, parse_step

_OWN = {"parameters": "parameters", "tokens": "tokens_per_sample", "utilisation": "utilisation"}
_PASSED = ("depth", "host_cpu")
_OPTIONS = (*_OWN, *_PASSED, "tier")


def resolved(steps: Iterable[str]) -> list[str]:
    """The steps, with those of the form `MODEL@ACCELERATOR[,option=value]` replaced by emulated ones.

    Raises `BadInput` for models and accelerators without a rate.
    """
    return [text for step in steps for text in (_emulated(step) if is_profile(step) else [step])]


def resolved_one(step: str) -> str:
    """As `resolved`, for commands of a single step; raises `BadInput` where the profile has several rates."""
    found = resolved([step])
    if len(found) > 1:
        tiers = ", ".join((profile_name(each) or "").rpartition("/")[2] for each in found)
        raise BadInput(
            f"step {step} has {len(found)} rates ({tiers}), and the answer depends on which; choose one with "
            f"{step},tier=... or name emulate:RATE"
        )
    return found[0]


def is_profile(step: str) -> bool:
    """Whether the step names a profile."""
    return "@" in step.partition(":")[0].partition(",")[0]


def _emulated(step: str) -> list[str]:
    named, _, rest = step.partition(",")
    options = parse_pairs(rest, "step option")
    for key in options:
        if key not in _OPTIONS:
            raise unknown("step option", key, _OPTIONS)
    passed = "".join(f",{key}={options[key]}" for key in _PASSED if key in options)
    return [f"{step_of(profile)}{passed}" for profile in _chosen(named, options)]


def step_of(profile: Profile) -> str:
    """`emulate:7162,name=resnet50@H100-SXM5-80GB/tuned`."""
    rate = profile.samples_per_second
    if rate is None:
        raise BadInput(
            f"{profile.name}: its rate is in {profile.unit}, and how many tokens a sample has is not known; "
            "give it in samples/s"
        )
    return f"emulate:{rate:.6g},name={profile.name}"


def _chosen(named: str, options: Mapping[str, str]) -> Sequence[Profile]:
    """A user's own measured rates alone, or else all that is known, fastest first."""
    model, _, accelerator = named.partition("@")
    own = {field: _number(options[key], key) for key, field in _OWN.items() if key in options}
    if own:
        return _derived(replace(model_named(model), **own), accelerator)  # type: ignore[arg-type] # numbers
    found = matching(model, accelerator, profiles())
    if "tier" in options:
        return _of_tier(found, options["tier"])
    measured = [profile for profile in found if profile.tier == "measured"]
    return sorted(measured or found, key=lambda profile: (-profile.rate, profile.name))


def _of_tier(found: Sequence[Profile], tier: str) -> Sequence[Profile]:
    if tier not in {profile.tier for profile in found}:
        raise unknown(f"tier of {found[0].model} on {found[0].family}", tier, {p.tier for p in found})
    return [profile for profile in found if profile.tier == tier]


def _number(text: str, what: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise BadInput(f"step option {what} must be a number above 0, not {text!r}")
    return number


def _derived(model: Model, accelerator: str) -> Sequence[Profile]:
    checked_share(model.utilisation)
    known = {family(peak.accelerator): peak for peak in peaks()}
    if family(accelerator) not in known:
        raise unknown("accelerator with a known peak", accelerator.upper(), known)
    found = list(derive(model, known[family(accelerator)]))
    if not found:
        raise BadInput(
            f"{model.name}@{accelerator}: a rate is derived from parameters, tokens and utilisation; give "
            "all that are not known"
        )
    return found


def profile_name(step: str) -> str | None:
    """`resnet50@H100-SXM5-80GB/tuned` of a step that was named by a profile; None of any other."""
    try:
        spec = parse_step(step)
    except BadInput:
        return None  # of pytest-benchmark a task may be anything
    return spec.name if _is_named(spec) else None


def _is_named(spec: StepSpec) -> bool:
    return spec.kind == "emulate" and "@" in spec.name


def validity(step: str) -> str | None:
    """What must be said of a step that stands for an accelerator; None of any other."""
    name = profile_name(step)
    if name is None:
        return None
    rate = f"{name} as {parse_step(step).rate:g} samples/s"
    return f"{rate}: a user's own figure" if name.endswith("/measured") else f"{rate}: {NOT_VALIDATED}"


def tiers_told(steps: Iterable[str]) -> list[str]:
    """One sentence for each model and accelerator among the steps: its rates by tier, and their standing."""
    groups: dict[str, list[str]] = {}
    for step in dict.fromkeys(steps):
        if name := profile_name(step):
            groups.setdefault(_of_any_variant(name), []).append(step)
    return [_told(name, found) for name, found in groups.items()]


def _of_any_variant(name: str) -> str:
    model, _, rest = name.partition("@")
    return f"{model}@{family(rest.rpartition('/')[0])}"


def _told(name: str, steps: Sequence[str]) -> str:
    rates: dict[str, list[float]] = {tier: [] for tier in TIERS}
    for step in steps:
        rates[(profile_name(step) or "").rpartition("/")[2]].append(parse_step(step).rate)
    tiers = [f"{tier} {', '.join(f'{rate:g}/s' for rate in found)}" for tier, found in rates.items() if found]
    own = rates["measured"] and len(tiers) == 1
    standing = "a user's own figure, before any table" if own else NOT_VALIDATED
    return f"{name}: {'; '.join(tiers)}: {standing}."
