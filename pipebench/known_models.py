"""What is known of models and of accelerators' peaks, and the *derived* tier that follows from both.

A training step takes three times the forward pass's work (one forward, two backward: Kaplan et al. 2020,
section 2.1), a multiplication and an addition are two operations, and a transformer takes about six
operations for each parameter and token (the same source). A derived rate is

    peak x utilisation / operations of a training step on one sample

with the utilisation that the model's row states.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from pipebench.errors import BadInput, unknown
from pipebench.strict_csv import Line, lines

OPERATIONS = 6
"""Of a training step, for each parameter and token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model."""

    name: str
    kind: str
    """Of its data: `image`, `text`, `volume`, `latents` or `table`."""
    input_size: int | None = None
    """Pixels of an image's side."""
    parameters: float | None = None
    tokens_per_sample: float | None = None
    flops_per_sample: float | None = None
    """Operations of a training step on one sample."""
    utilisation: float | None = None
    """Share of the accelerator's dense peak that a derived rate assumes."""
    source: str = ""
    note: str = ""

    @property
    def training_flops(self) -> float | None:
        """As stated, or from parameters and tokens; None where neither is known."""
        if self.flops_per_sample is not None:
            return self.flops_per_sample
        if self.parameters is None or self.tokens_per_sample is None:
            return None
        return OPERATIONS * self.parameters * self.tokens_per_sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """What an accelerator reaches at best, dense and at 16 bits."""

    accelerator: str
    teraflops: float
    source: str


def derived_rate(model: Model, peak: Peak) -> float | None:
    """Samples per second, or None where the model's work or utilisation is not known."""
    if model.training_flops is None or model.utilisation is None:
        return None
    return peak.teraflops * 1e12 * model.utilisation / model.training_flops


def model_named(name: str) -> Model:
    """The model of that name; raises `BadInput`."""
    if name not in models():
        raise unknown("model", name, models())
    return models()[name]


@lru_cache(maxsize=1)
def models() -> Mapping[str, Model]:
    """All models of the shipped file, by name."""
    return {model.name: model for model in map(_model, _shipped("models.csv", _MODEL_COLUMNS))}


@lru_cache(maxsize=1)
def peaks() -> tuple[Peak, ...]:
    """Of the accelerators for which rates are derived, in the shipped file's order: by generation."""
    return tuple(map(_peak, _shipped("peaks.csv", ("accelerator", "teraflops", "source"))))


_MODEL_COLUMNS = (
    *("model", "kind", "input_size", "parameters", "tokens_per_sample", "training_gigaflops_per_sample"),
    *("utilisation", "source", "note"),
)
_KINDS = ("image", "text", "volume", "latents", "table")


def shipped_text(name: str) -> str:
    """A data file of this package."""
    return (files("pipebench") / "profiles" / name).read_text(encoding="utf-8")


def _shipped(name: str, columns: tuple[str, ...]) -> list[Line]:
    return list(lines(shipped_text(name), name, columns))


def _model(line: Line) -> Model:
    gigaflops, size, share = map(
        line.positive, ("training_gigaflops_per_sample", "input_size", "utilisation")
    )
    return Model(
        name=line.needed("model"),
        kind=line.choice("kind", _KINDS),
        input_size=None if size is None else int(size),
        parameters=line.positive("parameters"),
        tokens_per_sample=line.positive("tokens_per_sample"),
        flops_per_sample=None if gigaflops is None else gigaflops * 1e9,
        utilisation=checked_share(share),
        source=line.needed("source"),
        note=line.text("note"),
    )


def checked_share(share: float | None) -> float | None:
    """The utilisation itself; raises `BadInput` above 1."""
    if share is not None and not 0 < share <= 1:
        raise BadInput(f"utilisation must lie between 0 and 1, not {share:g}")
    return share


def _peak(line: Line) -> Peak:
    teraflops = line.positive("teraflops")
    assert teraflops is not None
    return Peak(accelerator=line.needed("accelerator"), teraflops=teraflops, source=line.needed("source"))
