"""Which trials a sweep of the emulated step is made of, and what they showed of each loader.

A few blocks on the null step give each loader's own rate. Then whole blocks: every loader on the null
step, on ten emulated rates about its own, and on the null step with fewer cores. Last come
steps that were not measured before, after they have been predicted.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from statistics import median

from pipebench.figures import Derive, Figures, cut, epoch_batches
from pipebench.goal import Goal
from pipebench.measure import LONGEST_SECONDS
from pipebench.replay import Pace, pace
from pipebench.results import CEILING, Record
from pipebench.schedule import Contestant, Plan
from pipebench.step import parse_step

FACTORS = (0.25, 0.5, 0.75, 0.87, 0.95, 1.03, 1.15, 1.4, 1.8, 2.8)
"""Emulated rates over the loader's own: dense where the loader becomes the chokepoint."""
FIRST_BLOCKS = 3
"""On the null step, from whose median rate a sweep is laid out."""
EPOCHS = 2.2
"""Epochs that a trial is to last, up to 10 s: whatever its transient takes off, a whole one is left."""
LEAST_CLEAN = 2
"""Blocks that must have been undisturbed, for the disturbed ones to be left out."""
IN_FLIGHT = 3
"""Batches that the device has to work on, at most, when an epoch's last batch has been taken."""


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
            contestants += _with_fewer_cores(contestant)
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


def core_counts(cores: int) -> list[int]:
    """1, 2, 4, ... and all."""
    return sorted({1 << power for power in range(cores.bit_length()) if 1 << power < cores} | {cores})


def fewer(label: str, cores: int) -> str:
    """The name of a loader on fewer cores than the others have."""
    return f"{label} on {cores} core{'s' * (cores > 1)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a sweep showed of one loader; by block, and there by rate or by cores."""

    contestant: str
    cores: int
    own: Mapping[int, float]
    """Samples per second on the null step."""
    shares: Mapping[int, Mapping[float, float]]
    """Utilisation by emulated rate."""
    by_cores: Mapping[int, Mapping[int, float]]
    """Samples per second on the null step by core count, all of them included."""
    pace: Pace | None = None
    """Of the null-step trial whose rate is the median."""
    core_use: float | None = None
    boundaries: bool = True
    """Whether an epoch's end was seen on the null step."""
    disturbed: int = 0
    """Blocks in which other processes kept cores busy."""
    left_out: int = 0
    """Of these, where two others remained."""
    checks: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Utilisation by step, of the steps that were predicted first."""

    @property
    def own_rate(self) -> float:
        return median(self.own.values())

    @property
    def rates_by_cores(self) -> dict[int, float]:
        """Samples per second by core count: medians over blocks."""
        counts = {count for block in self.by_cores.values() for count in block}
        return {c: median(b[c] for b in self.by_cores.values() if c in b) for c in sorted(counts)}


def own_rates(records: Iterable[Record], derive: Derive) -> dict[str, float]:
    """Each loader's median rate in the first blocks, from which its sweep is laid out."""
    found: dict[str, list[float]] = {}
    for record in records:
        if 0 <= record.block < FIRST_BLOCKS and record.spec.step == "null" and (f := derive(record)):
            found.setdefault(record.contestant, []).append(f.samples_per_second)
    return {name: median(rates) for name, rates in found.items()}


def swept_blocks(records: Iterable[Record]) -> int:
    """Blocks that the sweep itself has begun."""
    return 1 + max(
        (r.block for r in records if r.spec.step != "null" and r.spec.loader != CEILING), default=-1
    )


def floor(records: Iterable[Record], derive: Derive) -> float | None:
    """Twice the idle share that the resident loader shows on the fastest step: no smaller stall is told."""
    found = [
        f.stall
        for record in records
        if record.spec.loader == CEILING and (f := derive(record)) and f.stall is not None
    ]
    return 2 * median(found) if found else None


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


def seen(
    contestant: Contestant,
    records: Iterable[Record],
    derive: Derive,
    samples: int,
    checks: Iterable[str] = (),
    marked: AbstractSet[int] = frozenset(),
) -> Seen | None:
    """What the records show of the loader, over epochs of so many samples; None where it has no two rates.

    `checks` are the steps that were predicted first. Of the blocks those `marked` as disturbed are left out,
    where two others remain.
    """
    found = [(record, f) for record in records if record.block >= 0 and (f := derive(record))]
    blocks = {record.block for record, _ in found if record.contestant == contestant.label}
    clean = blocks - marked if len(blocks - marked) >= LEAST_CLEAN else blocks
    mine = [(record, f) for record, f in found if record.contestant == contestant.label]
    kept = [(record, f) for record, f in mine if record.block in clean]
    null = {record.block: (record, f) for record, f in kept if record.spec.step == "null"}
    end = _end([f for _, f in null.values()], samples)
    shares = _shares(kept, set(checks), end)
    if not null or len({rate for block in shares.values() for rate in block}) < 2:
        return None
    middle, figures = sorted(null.values(), key=lambda pair: pair[1].samples_per_second)[len(null) // 2]
    return Seen(
        contestant=contestant.label,
        cores=len(contestant.specs[0].cpus),
        own={block: f.samples_per_second for block, (_, f) in null.items()},
        shares=shares,
        by_cores=_by_cores(contestant, [(record, f) for record, f in found if record.block in clean]),
        pace=_pace(middle),
        core_use=figures.core_use,
        boundaries=end is not None,
        disturbed=len(marked & blocks),
        left_out=len(blocks - clean),
        checks=_told(mine, set(checks), end),
    )


Trials = Sequence[tuple[Record, Figures]]


def _shares(trials: Trials, apart: AbstractSet[str], end: "EpochEnd | None") -> dict[int, dict[float, float]]:
    """Utilisation by block and rate, of the emulated steps of the sweep itself."""
    found: dict[int, dict[float, float]] = {}
    for record, f in trials:
        if record.spec.step not in (*apart, "null"):
            own = found.setdefault(record.block, {})
            own[parse_step(record.spec.step).rate] = utilisation(record, f, end)
    return found


def _told(trials: Trials, apart: AbstractSet[str], end: "EpochEnd | None") -> dict[str, list[float]]:
    """Utilisations by step, of the steps that were predicted first."""
    found: dict[str, list[float]] = {}
    for record, f in trials:
        if record.spec.step in apart:
            found.setdefault(record.spec.step, []).append(utilisation(record, f, end))
    return found


def _by_cores(contestant: Contestant, found: Trials) -> dict[int, dict[int, float]]:
    cores = len(contestant.specs[0].cpus)
    names = {fewer(contestant.label, c): c for c in core_counts(cores)[:-1]} | {contestant.label: cores}
    rates: dict[int, dict[int, float]] = {}
    for record, f in found:
        if record.spec.step == "null" and record.contestant in names:
            rates.setdefault(record.block, {})[names[record.contestant]] = f.samples_per_second
    return rates


def _pace(record: Record) -> Pace | None:
    trace = record.trace
    return None if trace is None else pace(trace, cut(trace, len(record.spec.cpus)))


@dataclass(frozen=True, slots=True)
class EpochEnd:
    """What an epoch's end takes on the null step, and the samples between two of them."""

    seconds: float
    samples: int


def _end(found: Sequence[Figures], samples: int) -> EpochEnd | None:
    """From the null-step trials that saw one."""
    known = [f.boundary_seconds for f in found if f.boundary_seconds is not None]
    return EpochEnd(median(known), samples) if known else None


def utilisation(record: Record, found: Figures, end: EpochEnd | None = None) -> float:
    """The share of time in which the emulated device is busy, with epochs' ends at their due weight.

    Over whole epochs that is what was seen. Where the window holds a part of an epoch and its end, the end
    would weigh too much: there it is the rate over the step's. Where it holds no end, `end` is reckoned in.
    """
    trace, rate = record.trace, parse_step(record.spec.step).rate
    assert trace is not None and found.stall is not None
    window, whole = cut(trace, len(record.spec.cpus)), epoch_batches(trace)
    if not any(window.first < start <= window.last for start in trace.epochs):
        return _with_end(1 - found.stall, rate, max(trace.sizes), end)
    if whole and len(window.batches) % whole == 0:
        return 1 - found.stall
    return min(1.0, found.samples_per_second / rate)


def _with_end(share: float, rate: float, batch: int, end: EpochEnd | None) -> float:
    """Of an epoch and its end, during which the device works off what it has in flight."""
    if end is None:
        return share
    busy = end.samples / rate
    return busy / (busy / max(share, 1e-6) + max(0.0, end.seconds - IN_FLIGHT * batch / rate))
