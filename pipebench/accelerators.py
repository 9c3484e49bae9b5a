"""Accelerator profiles: cited rates of models on accelerators, each with its tier and its source.

The shipped table comes first; a file that `PIPEBENCH_ACCELERATORS` names adds to it. Tiers:

tuned      the best that was published, such as an MLPerf Training submission
stock      unmodified training code, timed by somebody else
emulated   what an emulating benchmark takes for the accelerator, such as MLPerf Storage
derived    from operations, peak and a stated utilisation (`known_models.py`); timed by nobody
measured   a user's own figure, which goes before all others
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pipebench.errors import BadInput, unknown
from pipebench.known_models import Model, Peak, derived_rate, models, peaks, shipped_text
from pipebench.strict_csv import Line, lines, read_text

OWN_FILE = "PIPEBENCH_ACCELERATORS"
"""Environment variable that names a user's own file."""
TIERS = ("measured", "tuned", "stock", "emulated", "derived")
NOT_VALIDATED = "not validated on hardware"
"""Said of every rate that no accelerator of this host has shown."""
UNITS = {"images/s": "image", "samples/s": "", "sequences/s": "text", "tokens/s": "text"}
"""A rate's units, with the data kind that they tell."""
COLUMNS = ("model", "unit", "accelerator", "rate_per_accelerator", "tier", "source")
OPTIONAL = ("batch_per_accelerator", "precision", "note")

_NAME = re.compile(r"[\w.+-]+")
_FAMILY = re.compile(r"[A-Za-z]+-?\d+[A-Za-z]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One rate."""

    model: str
    accelerator: str
    rate: float
    """In `unit`, of one accelerator."""
    unit: str
    tier: str
    source: str
    batch: str = ""
    """Per accelerator."""
    precision: str = ""
    note: str = ""

    @property
    def family(self) -> str:
        """`H100` of `H100-SXM5-80GB`."""
        return family(self.accelerator)

    @property
    def name(self) -> str:
        """`resnet50@H100-SXM5-80GB/tuned`."""
        return f"{self.model}@{self.accelerator}/{self.tier}"

    @property
    def kind(self) -> str:
        """Of the model's data; empty where nobody told."""
        known = models().get(self.model)
        return known.kind if known else UNITS[self.unit]

    @property
    def samples_per_second(self) -> float | None:
        """None for tokens of a model whose tokens a sample are not known."""
        if self.unit != "tokens/s":
            return self.rate
        known = models().get(self.model)
        tokens = known.tokens_per_sample if known else None
        return None if tokens is None else self.rate / tokens


def family(accelerator: str) -> str:
    """The name without its variant, in capitals."""
    found = _FAMILY.match(accelerator)
    return (found.group() if found else accelerator).upper()


def profiles() -> list[Profile]:
    """The user's own rows, then the shipped ones, then what is derived where neither has a rate."""
    given = [*_own(), *shipped()]
    return [*given, *_derived(given)]


@lru_cache(maxsize=1)
def shipped() -> tuple[Profile, ...]:
    """The rows of the shipped file."""
    return tuple(parse(shipped_text("accelerators.csv"), "accelerators.csv"))


def parse(text: str, name: str) -> Iterator[Profile]:
    """The rows of a file's text; raises `BadInput` with the line for anything else than a profile."""
    seen = set()
    for line in lines(text, name, COLUMNS, OPTIONAL):
        found = _profile(line)
        key = found.name, found.source, found.note
        if key in seen:
            raise line.wrong(f"{found.name} stands there twice from one source")
        seen.add(key)
        yield found


def _profile(line: Line) -> Profile:
    names = {column: line.needed(column) for column in ("model", "accelerator")}
    for column, text in names.items():
        if not _NAME.fullmatch(text):
            raise line.wrong(f"{column} {text!r} may hold letters, digits and . _ + - only")
    rate = line.positive("rate_per_accelerator")
    if rate is None:
        raise line.wrong("rate_per_accelerator is empty")
    return Profile(
        **names,
        rate=rate,
        unit=line.choice("unit", list(UNITS)),
        tier=line.choice("tier", [tier for tier in TIERS if tier != "derived"]),
        source=line.needed("source"),
        batch=line.text("batch_per_accelerator"),
        precision=line.text("precision"),
        note=line.text("note"),
    )


def _own() -> list[Profile]:
    path = os.environ.get(OWN_FILE, "")
    return list(parse(read_text(Path(path)), path)) if path else []


def _derived(given: Iterable[Profile]) -> Iterator[Profile]:
    cited = {(profile.model, profile.family) for profile in given}
    for model in models().values():
        for peak in peaks():
            if (model.name, family(peak.accelerator)) not in cited:
                yield from derive(model, peak)


def derive(model: Model, peak: Peak) -> Iterator[Profile]:
    """The derived profile, if the model's work is known."""
    rate = derived_rate(model, peak)
    if rate is None or model.training_flops is None or model.utilisation is None:
        return
    share = f"{model.utilisation:.0%}"
    work = f"{model.training_flops / 1e9:.4g} GFLOP a sample in training"
    yield Profile(
        model=model.name,
        accelerator=peak.accelerator,
        rate=rate,
        unit="images/s" if model.kind == "image" else "samples/s",
        tier="derived",
        source=f"{work} ({model.source}), {share} of {peak.teraflops:g} TFLOP/s ({peak.source})",
        note=model.note,
    )


def matching(model: str, accelerator: str, table: Sequence[Profile]) -> list[Profile]:
    """The model's rows on that accelerator, whose name may lack its variant; raises `BadInput`."""
    own = [profile for profile in table if profile.model == model]
    if not own:
        if model in models():
            raise BadInput(f"{model}@{accelerator}: {_why_none(models()[model])}")
        raise unknown("model", model, {*(profile.model for profile in table), *models()})
    wanted = accelerator.upper()
    found = [profile for profile in own if wanted in (profile.family, profile.accelerator.upper())]
    if not found:
        known = {profile.family for profile in own}
        raise BadInput(f"{model}@{accelerator}: {unknown('rate on', wanted, known)}")
    return found


def _why_none(model: Model) -> str:
    what = model.source if "not public" in model.source else "no rate is known, nor can one be derived"
    return (
        f"{what}; give your own figure, as {model.name}@...,parameters=N,tokens=N,utilisation=SHARE or as a "
        f"row of the file that {OWN_FILE} names"
    )
