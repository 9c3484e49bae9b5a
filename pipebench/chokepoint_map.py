"""The chokepoint map: how busy a loader keeps each accelerator at each model, and what holds it back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipebench.crossover import SHARES, Predictor
from pipebench.held_back import Holds, held_back
from pipebench.known_models import Model, models
from pipebench.scaling import scaled
from pipebench.seen import Seen
from pipebench.stats import Interval
from pipebench.targets import Target, families_in_order, misfit


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One tier's rate in a cell."""

    tier: str
    accelerator: str
    samples_per_second: float
    share: Interval
    """Utilisation."""
    holds: Holds
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One model on one accelerator family."""

    model: str
    family: str
    rates: tuple[Rate, ...] = ()
    """The fastest first; none where `why` says so."""
    why: str = ""
    """Why nothing is predicted."""
    standing: str = ""
    """What must be said beside the rates."""

    @property
    def shares(self) -> tuple[float, float] | None:
        """The least and the most used, over tiers."""
        found = [rate.share.estimate for rate in self.rates]
        return (min(found), max(found)) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One loader's map."""

    contestant: str
    models: tuple[str, ...]
    families: tuple[str, ...]
    cells: tuple[Cell, ...]
    """By model, and there by family."""
    own_rate: float
    cores: int
    """That feed one accelerator."""
    measured_cores: int
    blocks: int
    indicative: bool
    disturbed: int
    """Blocks; `left_out` of them had no vote."""
    left_out: int

    def cell(self, model: str, family: str) -> Cell:
        """One of them."""
        return self.cells[self.models.index(model) * len(self.families) + self.families.index(family)]

    @property
    def fitting(self) -> tuple[str, ...]:
        """The models of which some cell is predicted."""
        kept = {cell.model for cell in self.cells if cell.rates}
        return tuple(model for model in self.models if model in kept)

    @property
    def holding(self) -> frozenset[Holds]:
        """What holds the fastest of some cell back."""
        return frozenset(cell.rates[0].holds for cell in self.cells if cell.rates)


def panel(
    seen: Seen, targets: Sequence[Target], kind: str, size: int | None, cores: int | None = None
) -> Panel:
    """The map of a loader over a dataset of that kind, with so many cores for one accelerator."""
    found = {(target.model, target.family): target for target in targets}
    names = [*models(), *dict.fromkeys(t.model for t in targets if t.model not in models())]
    families = families_in_order(targets)
    feeding = _Feeding(seen, cores or seen.cores)
    return Panel(
        contestant=seen.contestant,
        models=tuple(names),
        families=tuple(families),
        cells=tuple(
            _cell(feeding, model, family, found.get((model, family)), kind, size)
            for model in names
            for family in families
        ),
        own_rate=seen.own_rate,
        cores=feeding.cores,
        measured_cores=seen.cores,
        blocks=feeding.predictor.blocks,
        indicative=feeding.predictor.indicative,
        disturbed=seen.disturbed,
        left_out=seen.left_out,
    )


class _Feeding:
    """Predicts for a loader on so many cores, which need not have been measured."""

    def __init__(self, seen: Seen, cores: int) -> None:
        self.predictor, self.cores, self.seen = Predictor(seen), cores, seen
        self.pace = scaled(seen.rates_by_cores or {seen.cores: seen.own_rate}, cores)

    def rate(self, samples_per_second: float) -> tuple[Interval, Holds]:
        """How much is used, and what holds it back."""
        assert self.pace is not None
        own = self.seen.own_rate
        found = [
            self.predictor.at(samples_per_second * own / pace).share
            for pace in (self.pace.low, self.pace.estimate, self.pace.high)
        ]
        share = Interval(found[1].estimate, min(one.low for one in found), max(one.high for one in found))
        return share, self._holds(share.estimate, samples_per_second * own / self.pace.estimate)

    def _holds(self, share: float, rate: float) -> Holds:
        if share >= SHARES[0]:
            return "step"
        if rate < SHARES[0] * self.seen.own_rate:
            return "bursts"
        return held_back(self.seen)


def _cell(
    feeding: _Feeding, model: str, family: str, target: Target | None, kind: str, size: int | None
) -> Cell:
    if target is None:
        return Cell(model=model, family=family, why=_no_rate(models().get(model), kind))
    why = misfit(target, kind, size)
    if why is None and feeding.pace is None:
        most = 2 * feeding.seen.cores
        why = f"{feeding.cores} cores are more than twice those measured, and nothing is said beyond {most}"
    if why is not None:
        return Cell(model=model, family=family, why=why)
    return Cell(model=model, family=family, rates=tuple(_rates(feeding, target)), standing=target.standing)


def _no_rate(model: Model | None, kind: str) -> str:
    if model is not None and "not public" in model.source:
        return f"{model.source}: give your own figure"
    if model is not None and model.kind != kind:
        return f"takes {model.kind}, and the dataset holds {kind}"
    return "no rate is known"


def _rates(feeding: _Feeding, target: Target) -> Iterator[Rate]:
    for profile, rate in target.rates:
        share, holds = feeding.rate(rate)
        yield Rate(
            tier=profile.tier,
            accelerator=profile.accelerator,
            samples_per_second=rate,
            share=share,
            holds=holds,
            source="; ".join(filter(None, [profile.source, profile.note])),
        )
