"""What `crossover` answers about one loader, before it is printed."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from pipebench.crossover import SHARES, Crossing, Prediction, Predictor
from pipebench.held_back import Holds, held_back
from pipebench.scaling import Need, need
from pipebench.seen import Seen, Tried
from pipebench.stats import Interval, mean_interval, rate_interval
from pipebench.step import parse_step
from pipebench.targets import Target, around

EACH_SIDE = 4
"""Accelerators that are shown on either side of the crossover."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fed:
    """One rate of an accelerator: how busy it would be, and the cores that feed it."""

    target: str
    tier: str
    accelerator: str
    source: str
    standing: str
    prediction: Prediction
    cores: Need


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A step that was predicted before it was measured."""

    step: str
    predicted: Prediction
    at_pace: float
    """The utilisation that is predicted for the pace which the loader had in these trials."""
    pace: float
    """That pace, over the usual one."""
    measured: Interval
    """The median over blocks, of which predictions are too."""
    trials: int

    @property
    def off(self) -> float:
        """Measured less predicted utilisation."""
        return self.measured.estimate - self.predicted.share.estimate

    @property
    def off_at_pace(self) -> float:
        """The same, had the pace been known."""
        return self.measured.estimate - self.at_pace


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """All of it."""

    contestant: str
    cores: int
    blocks: int
    indicative: bool
    own_rate: Interval
    core_use: float | None
    held_back: Holds
    """What holds the loader itself back."""
    why: tuple[str, ...]
    """What that rests on, where it was named."""
    crossings: tuple[Crossing, ...]
    below: tuple[Fed, ...]
    """Accelerators that are fed."""
    astride: tuple[Fed, ...]
    """Those that are at some of their tiers."""
    above: tuple[Fed, ...]
    points: tuple[tuple[float, Interval], ...]
    """The sweep: rate and utilisation."""
    rates_by_cores: dict[int, float]
    checks: tuple[Check, ...]
    boundaries: bool
    disturbed: int
    """Blocks; `left_out` of them had no vote."""
    left_out: int
    floor: float | None
    """Stalls below it are not told: twice the harness's own."""


def answer(seen: Seen, targets: Sequence[Target], floor: float | None = None) -> Answer:
    """The answer, with the fitting targets on either side of the crossover."""
    predictor = Predictor(seen)
    crossings = tuple(map(predictor.crossing, SHARES))
    reached = crossings[0].rate.estimate if crossings[0].rate else 0.0
    sides = around(targets, reached, EACH_SIDE)
    return Answer(
        contestant=seen.contestant,
        cores=seen.cores,
        blocks=predictor.blocks,
        indicative=predictor.indicative,
        own_rate=rate_interval(list(seen.own.values())),
        core_use=seen.core_use,
        held_back=held_back(seen),
        why=seen.named.why if seen.named else (),
        crossings=crossings,
        below=_fed(predictor, sides.below),
        astride=_fed(predictor, sides.astride),
        above=_fed(predictor, sides.above),
        points=tuple(_points(seen)),
        rates_by_cores=seen.rates_by_cores,
        checks=tuple(_checks(predictor)),
        boundaries=seen.boundaries,
        disturbed=seen.disturbed,
        left_out=seen.left_out,
        floor=floor,
    )


def _fed(predictor: Predictor, targets: Sequence[Target]) -> tuple[Fed, ...]:
    return tuple(fed for target in targets for fed in feeds(predictor, target))


def feeds(predictor: Predictor, target: Target) -> list[Fed]:
    """Each of the target's rates."""
    seen = predictor.seen
    return [
        Fed(
            target=target.name,
            tier=profile.tier,
            accelerator=profile.accelerator,
            source=profile.source,
            standing=target.standing,
            prediction=predictor.at(rate),
            cores=need(rate, seen.rates_by_cores, list(seen.by_cores.values())),
        )
        for profile, rate in target.rates
    ]


def _points(seen: Seen) -> list[tuple[float, Interval]]:
    rates = sorted({rate for block in seen.shares.values() for rate in block})
    return [
        (rate, mean_interval([block[rate] for block in seen.shares.values() if rate in block]))
        for rate in rates
    ]


def _checks(predictor: Predictor) -> list[Check]:
    return [_check(predictor, step, trials) for step, trials in predictor.seen.checks.items()]


def _check(predictor: Predictor, step: str, trials: Sequence[Tried]) -> Check:
    rate = parse_step(step).rate
    return Check(
        step=step,
        predicted=predictor.at(rate),
        at_pace=median(predictor.at(rate / trial.pace).share.estimate for trial in trials),
        pace=median(trial.pace for trial in trials),
        measured=_middle([trial.share for trial in trials]),
        trials=len(trials),
    )


def _middle(values: Sequence[float]) -> Interval:
    """The median, within the interval of the mean or at its end."""
    middle, mean = median(values), mean_interval(values)
    return Interval(middle, min(mean.low, middle), max(mean.high, middle))
