"""Whether two series may be compared, and in what else they differ."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pipebench.errors import BadInput, one_line
from pipebench.matching import Duel

LONGEST = 200
"""Characters of what somebody else named, in a sentence."""


def refuse(duels: Iterable[Duel], across: Collection[str]) -> None:
    """Raises `BadInput` for the first whose conditions differ in an aspect that must not."""
    for duel in duels:
        differing = [aspect for aspect in differing_aspects(duel) if aspect not in across]
        if differing:
            raise BadInput(_refusal(duel, differing))


def differing_aspects(duel: Duel) -> list[str]:
    """Of the conditions; what a file does not tell differs from nothing."""
    ours, theirs = duel.series.conditions, duel.baseline.conditions
    return theirs.differing(ours) if ours is not None and theirs is not None else []


def _refusal(duel: Duel, differing: Sequence[str]) -> str:
    names = [f"{one.contestant} in {one.session.name}" for one in (duel.baseline, duel.series)]
    subject = " and ".join(one_line(name, LONGEST) for name in names)
    what = "; ".join(contrast(duel, aspect) for aspect in differing)
    options = " ".join(f"--across {aspect}" for aspect in differing)
    return f"{subject} are not alike in {what}; to compare them all the same add {options}"


def contrast(duel: Duel, aspect: str) -> str:
    """An aspect of both, such as `cache: warm against guest-cold`."""
    sides = (duel.baseline.conditions, duel.series.conditions)
    texts = (one_line(str(getattr(side, aspect, None)), LONGEST) for side in sides)
    return f"{aspect}: {' against '.join(texts)}"


def changes(duel: Duel) -> list[str]:
    """Settings and versions of one loader that are not the baseline's, each as `torch 2.4 -> 2.5`."""
    ours, theirs = duel.series, duel.baseline
    if theirs.loader != ours.loader:
        return []
    return [*_changed(theirs.settings, ours.settings), *_changed(theirs.versions, ours.versions)]


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in {**before, **after}:
        old, new = before.get(name, "none"), after.get(name, "none")
        if old != new:
            yield one_line(f"{name} {old} -> {new}", LONGEST)
