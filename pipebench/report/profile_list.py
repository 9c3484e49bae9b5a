"""Accelerator profiles as a list for people, within 80 columns: every row with its tier and its source."""

from collections.abc import Iterator, Sequence
from textwrap import wrap

from pipebench.accelerators import NOT_VALIDATED, OWN_FILE, TIERS, Profile
from pipebench.known_models import models

WIDTH = 80
_HEADING = ("model", "accelerator", "rate", "unit", "tier", "source")


def render(profiles: Sequence[Profile]) -> str:
    """The rows, by model and in the table's order; then the sources by number, and what the tiers mean."""
    sources = {text: number for number, text in enumerate(dict.fromkeys(map(_source, profiles)), 1)}
    ordered = sorted(profiles, key=lambda profile: (profile.model, TIERS.index(profile.tier)))
    rows = [_HEADING, *(_row(profile, sources) for profile in ordered)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(_padded, row, widths, _RIGHT)).rstrip() for row in rows]
    notes = [*(f"[{number}] {text}" for text, number in sources.items()), "", *_ends()]
    return "\n".join([*lines, "", *(part for note in notes for part in _wrapped(note))]) + "\n"


_RIGHT = (False, False, True, False, False, True)


def _padded(cell: str, width: int, right: bool) -> str:
    return cell.rjust(width) if right else cell.ljust(width)


def _row(profile: Profile, sources: dict[str, int]) -> tuple[str, ...]:
    number = f"[{sources[_source(profile)]}]"
    return profile.model, profile.accelerator, _number(profile.rate), profile.unit, profile.tier, number


def _number(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 1000 else f"{rate:.4g}"


def _source(profile: Profile) -> str:
    """A derived row's formula would be another for each row; JSON has it whole."""
    if profile.tier == "derived":
        return _DERIVED
    return "; ".join(filter(None, [profile.source, profile.note]))


_DERIVED = (
    "peak x utilisation / operations of a training step on one sample; 'list accelerators --json' has the "
    "figures and their sources for each row"
)


def _ends() -> Iterator[str]:
    yield (
        "measured: a user's own figure, which goes before all others. tuned: the best published. stock: "
        "unmodified code. emulated: what an emulating benchmark takes. derived: computed, timed by nobody."
    )
    yield f"All but measured ones: {NOT_VALIDATED}."
    unsized = [model.name for model in models().values() if "not public" in model.source]
    yield f"The sizes of {' and '.join(unsized)} are not public: give your own figures."
    yield f"Rows of your own: a CSV file with the columns of the shipped one, named by {OWN_FILE}."


def _wrapped(text: str) -> list[str]:
    indent = " " * (text.index("]") + 2) if text.startswith("[") else ""
    return wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False) or [""]
