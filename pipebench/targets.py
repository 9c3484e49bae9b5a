"""The accelerators that a loader may have to feed: profiles by model and family, with their tiers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pipebench.accelerators import NOT_VALIDATED, TIERS, Profile
from pipebench.kinds import kind
from pipebench.known_models import models, peaks


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One model on one accelerator family."""

    model: str
    family: str
    profiles: tuple[Profile, ...]
    """Of which there is one at least: a user's own alone, or else all; the fastest first."""

    @property
    def name(self) -> str:
        """`resnet50@H100`."""
        return f"{self.model}@{self.family}"

    @property
    def rates(self) -> list[tuple[Profile, float]]:
        """With samples per second."""
        return [(profile, profile.samples_per_second or 0.0) for profile in self.profiles]

    @property
    def standing(self) -> str:
        """What must be said beside its rates."""
        return "a user's own figure" if self.profiles[0].tier == "measured" else NOT_VALIDATED


def targets(table: Sequence[Profile]) -> list[Target]:
    """All that have a rate in samples, in the table's order."""
    groups: dict[tuple[str, str], list[Profile]] = {}
    for profile in table:
        if profile.samples_per_second is not None:
            groups.setdefault((profile.model, profile.family), []).append(profile)
    return [
        Target(model=model, family=family, profiles=tuple(_first(found)))
        for (model, family), found in groups.items()
    ]


def _first(found: Sequence[Profile]) -> list[Profile]:
    own = [profile for profile in found if profile.tier == "measured"]
    return sorted(own or found, key=lambda p: (-(p.samples_per_second or 0.0), TIERS.index(p.tier)))


def misfit(target: Target, held: str, size: int | None) -> str | None:
    """Why the dataset is none of the model's, or None: another kind of data, or another picture size.

    A model of which nobody told the kind, as with a user's own row in samples/s, takes any.
    """
    wanted = target.profiles[0].kind
    if wanted and wanted != held:
        return f"takes {wanted}, and the dataset holds {held}"
    known = models().get(target.model)
    if known and known.input_size and size is not None and known.input_size != size:
        return f"takes {known.input_size} px, and {size} px were measured (--preprocessing size=...)"
    return None


def picture_size(kind_name: str, options: Mapping[str, str]) -> int | None:
    """Pixels of a picture's side after preprocessing, where samples are pictures."""
    size = getattr(kind(kind_name).preprocessing(options), "size", None)
    return size if isinstance(size, int) else None


class Sides(NamedTuple):
    """Targets by where their rates lie."""

    below: list[Target]
    """All tiers at most at a rate."""
    astride: list[Target]
    """Some tiers above it: the answer depends on the tier."""
    above: list[Target]


def around(found: Sequence[Target], rate: float, each: int) -> Sides:
    """The targets nearest to a rate on either side of it, so many at most, and those astride of it."""
    ordered = sorted(found, key=lambda target: target.rates[0][1])
    below = [target for target in ordered if target.rates[0][1] <= rate]
    above = sorted((t for t in ordered if t.rates[-1][1] > rate), key=lambda target: target.rates[-1][1])
    astride = [target for target in ordered if target.rates[-1][1] <= rate < target.rates[0][1]]
    return Sides(below[-each:], astride[:each], above[:each])


def families_in_order(found: Sequence[Target]) -> list[str]:
    """By generation as far as it is known, then by name."""
    known = [peak.accelerator.partition("-")[0] for peak in peaks()]
    names = {target.family for target in found}
    return [*(n for n in known if n in names), *sorted(names - set(known))]
