"""Which trials a sweep of the emulated step is made of.

A few blocks on the null step give each loader's own rate. Then whole blocks: every loader on the null
step, on ten emulated rates about its own, and on the null step with fewer cores and cut after each stage.
Last come steps that were not measured before, after they have been predicted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pipebench.contract import Stage
from pipebench.diagnosis.phases import CUTS
from pipebench.diagnosis.stages import fused_by, is_inside
from pipebench.goal import Goal
from pipebench.measure import LONGEST_SECONDS
from pipebench.results import CEILING, Record
from pipebench.scaling import core_counts
from pipebench.schedule import Contestant, Plan
from pipebench.step import parse_step

FACTORS = (0.25, 0.5, 0.75, 0.87, 0.95, 1.03, 1.15, 1.4, 1.8, 2.8)
"""Emulated rates over the loader's own: dense where the loader becomes the chokepoint."""
FIRST_BLOCKS = 3
"""On the null step, from whose median rate a sweep is laid out."""
EPOCHS = 2.2
"""Epochs that a trial is to last, up to 10 s: whatever its transient takes off, a whole one is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks(Goal):
    """So many blocks, whether they were disturbed or not."""

    def reached(self, records: Sequence[Record], blocks: int, seconds: float) -> bool:  # noqa: ARG002 - a goal
        """Whether to stop; a time limit is kept, but for the first block."""
        if blocks and self.max_seconds is not None and seconds * (blocks + 1) / blocks > self.max_seconds:
            return True
        return blocks >= self.blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How the trials of a sweep are laid out."""

    blocks: int
    samples: int
    """Of an epoch."""
    max_seconds: float | None = None


def first_plan(plan: Plan) -> Plan:
    """The null step alone, of the plan's loaders: the first trial may find a cold cache, or a busy host."""
    return replace(plan, goal=Blocks(blocks=FIRST_BLOCKS))


def sweep_plan(
    plan: Plan, own_rates: Mapping[str, float], shape: Shape, extra: Mapping[str, Sequence[str]] | None = None
) -> Plan:
    """All blocks, with the emulated steps of the loaders whose own rate is known.

    `extra` gives further steps.
    """
    steps = {name: list(map(step, rates_about(rate))) for name, rate in own_rates.items()}
    fastest = max((s for found in steps.values() for s in found), key=lambda s: parse_step(s).rate)
    for name, more in (extra or {}).items():
        steps[name] += more
    contestants = [_with_steps(c, [fastest], shape, 0.0) for c in plan.contestants if c.is_ceiling]
    for contestant in plan.rivals:
        own = own_rates.get(contestant.label)
        if own is None:
            contestants.append(contestant)  # its trials are in the file
        else:
            contestants.append(_with_steps(contestant, steps[contestant.label], shape, own))
            contestants += [*_with_fewer_cores(contestant), *_cut(contestant)]
    goal = Blocks(blocks=shape.blocks, max_seconds=shape.max_seconds)
    return replace(plan, contestants=tuple(contestants), goal=goal)


def step(rate: float) -> str:
    """The emulated step of a rate, with four digits."""
    return f"emulate:{float(f'{rate:.4g}'):.10g}"


def rates_about(own: float) -> list[float]:
    """The rates of a sweep."""
    return [own * factor for factor in FACTORS]


def _with_steps(contestant: Contestant, steps: Iterable[str], shape: Shape, own: float) -> Contestant:
    """The contestant on the null step and on those, each long enough for an epoch."""
    null = contestant.specs[0]
    specs = [
        replace(null, step=s, seconds=_seconds(null.seconds, shape, own, parse_step(s).rate)) for s in steps
    ]
    return replace(contestant, specs=(null, *specs))


def _seconds(asked: float, shape: Shape, own: float, rate: float) -> float:
    epoch = shape.samples / min(own, rate) if own else 0.0
    return round(max(asked, min(EPOCHS * epoch, LONGEST_SECONDS)), 1)


def _with_fewer_cores(contestant: Contestant) -> list[Contestant]:
    null = contestant.specs[0]
    return [
        Contestant(label=fewer(contestant.label, count), specs=(replace(null, cpus=null.cpus[:count]),))
        for count in core_counts(len(null.cpus))[:-1]
    ]


def _cut(contestant: Contestant) -> list[Contestant]:
    null = contestant.specs[0]
    fused = fused_by(null)
    return [
        Contestant(label=cut(contestant.label, stage), specs=(replace(null, until=str(stage)),))
        for stage in CUTS.values()
        if not is_inside(stage, fused)
    ]


def cut(label: str, stage: Stage) -> str:
    """The name of a loader that does no more than that."""
    return f"{label} until {stage}"


def fewer(label: str, cores: int) -> str:
    """The name of a loader on fewer cores than the others have."""
    return f"{label} on {cores} core{'s' * (cores > 1)}"


def swept_blocks(records: Iterable[Record]) -> int:
    """Blocks that the sweep itself has begun."""
    return 1 + max(
        (r.block for r in records if r.spec.step != "null" and r.spec.loader != CEILING), default=-1
    )


def is_swept(records: Iterable[Record]) -> bool:
    """Whether the sweep itself has begun; its first trial is the ceiling's on the fastest step."""
    return any(record.spec.step != "null" for record in records)


def beyond(records: Iterable[Record], plan: Plan) -> dict[str, list[str]]:
    """The steps of loaders that the records hold and the plan does not: those that were tried afterwards."""
    planned = {(contestant.label, spec.step) for contestant in plan.rivals for spec in contestant.specs}
    names = {label for label, _ in planned}
    found: dict[str, dict[str, None]] = {}
    for record in records:
        name, step = record.contestant, record.spec.step
        if name in names and (name, step) not in planned:
            found.setdefault(name, {})[step] = None
    return {name: list(steps) for name, steps in found.items()}
