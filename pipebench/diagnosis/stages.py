"""CPU seconds a sample by stage, from what neighbouring cuts differ in."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import chdir
from typing import NamedTuple

from pipebench import registry
from pipebench.contract import Stage
from pipebench.diagnosis.evidence import Detail, Evidence, Named, Narrow
from pipebench.diagnosis.seen import Seen, difference_of
from pipebench.results import TrialSpec
from pipebench.stats import Interval

Groups = tuple[tuple[Stage, ...], ...]
CLEARLY = 0.95
"""A term is the lowest if its ratio to the next lies below this as a whole, and their intervals apart.
A stage leads if its interval as a whole lies that far above the next one's: what two neighbours take is not
independent, since the cut between them belongs to both."""
CONSUMER_SHARE = 0.5
"""Of the work of batching: if the consuming thread does more of it, the hand-over is what costs."""


class StageCost(NamedTuple):
    """One stage, or several that cannot be told apart."""

    stages: tuple[Stage, ...]
    cpu_seconds: Interval

    @property
    def name(self) -> str:
        return "+".join(self.stages)


def stage_costs(evidence: Evidence) -> list[StageCost]:
    """In order; stages that the loader fuses, or after which it could not be cut, are one with the next."""
    costs: list[StageCost] = []
    before: Interval | None = None
    pending: tuple[Stage, ...] = ()
    for stage, seen in _cuts(evidence):
        pending += (stage,)
        if seen is None or seen.cpu_seconds is None:
            continue
        own = seen.cpu_seconds if before is None else difference_of(seen.cpu_seconds, before)
        costs.append(StageCost(pending, own))
        before, pending = seen.cpu_seconds, ()
    return costs


def _cuts(evidence: Evidence) -> Iterator[tuple[Stage, Seen | None]]:
    for stage in Stage:
        seen = evidence.loader if stage is Stage.BATCH else evidence.cuts.get(stage)
        yield stage, None if is_inside(stage, evidence.fused) else seen


def is_inside(stage: Stage, fused: Groups) -> bool:
    """Whether a loader fuses the stage with its successor, so that a cut between them says nothing."""
    return any(stage in group and stage is not group[-1] for group in fused)


def fused_by(spec: TrialSpec) -> Groups:
    """The groups of stages that the loader's class says it does in one, where this process can ask it."""
    if spec.python != sys.executable or not spec.data:
        return ()
    with chdir(spec.source or "."):
        return registry.loader(spec.loader).fused


_NAMES: Mapping[tuple[Stage, ...], Narrow] = {
    (Stage.DECODE,): Narrow.DECODE,
    (Stage.TRANSFORM,): Narrow.TRANSFORM,
    (Stage.DECODE, Stage.TRANSFORM): Narrow.DECODE_TRANSFORM,
    (Stage.BATCH,): Narrow.BATCHING,
}


def largest_stage(evidence: Evidence) -> Named:
    """The stage that takes most of the loader's CPU time; `undecided` where two cannot be told apart."""
    costs = sorted(stage_costs(evidence), key=lambda cost: -cost.cpu_seconds.estimate)
    if len(costs) < 2:
        return Named(Narrow.UNDECIDED, why=("the loader's own work fills the cores, and no cut divides it",))
    first, second = costs[:2]
    told = f"{first.name} takes {_ms(first)} of CPU a sample, {second.name} {_ms(second)}"
    if second.cpu_seconds.high >= CLEARLY * first.cpu_seconds.low:
        return Named(Narrow.UNDECIDED, why=(f"{told}, which cannot be told apart",))
    if first.stages == (Stage.BATCH,) and _is_hand_over(evidence, first):
        return Named(Narrow.OVERHEAD, Detail.HAND_OVER, (told, "most of it in the thread that takes batches"))
    if first.stages not in _NAMES:
        return Named(Narrow.UNDECIDED, why=(f"{told}; stages in it were not told apart",))
    return Named(_NAMES[first.stages], why=(told,))


def _is_hand_over(evidence: Evidence, cost: StageCost) -> bool:
    loader = evidence.loader
    if loader.consumer is None or not loader.share_of_waits("idle") + loader.share_of_waits("runs"):
        return False  # there are no workers to hand anything over
    return loader.consumer / loader.rate.estimate > CONSUMER_SHARE * cost.cpu_seconds.estimate


def _ms(cost: StageCost) -> str:
    seconds = cost.cpu_seconds
    return f"{1000 * seconds.estimate:.2f} ms [{1000 * seconds.low:.2f}, {1000 * seconds.high:.2f}]"
