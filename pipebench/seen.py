"""What a sweep showed of each loader: its own rate, utilisations by emulated rate, rates by core count, and
what its work is.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from math import log
from statistics import median

from pipebench.contract import Stage
from pipebench.diagnosis.evidence import Evidence, Named, Narrow
from pipebench.diagnosis.phases import CUTS
from pipebench.diagnosis.seen import see
from pipebench.diagnosis.verdict import name
from pipebench.figures import Derive, Figures, epoch_batches, window
from pipebench.monotone import Falling
from pipebench.replay import Pace, pace
from pipebench.results import CEILING, Record
from pipebench.scaling import core_counts
from pipebench.schedule import Contestant
from pipebench.step import parse_step
from pipebench.sweep import FIRST_BLOCKS, cut, fewer

NEAREST = 3
"""Rates whose trials tell what CPU time is usual at another."""
LEAST_CLEAN = 2
"""Blocks that must have been undisturbed, for the disturbed ones to be left out."""
IN_FLIGHT = 3
"""Batches that the device has to work on, at most, when an epoch's last batch has been taken."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A trial on a step that was predicted first."""

    share: float
    """Utilisation."""
    pace: float
    """The loader's, over its usual one."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What tells the pace that a loader has in a trial: hosts change their speed from one to the next.

    Where the loader's work fills the cores its rate is that of the cores over its CPU seconds a sample, which
    are known of every trial, on whichever step. Where only a share of the cores is used, the rest of a
    sample's time doesn't change with the host's speed: -d ln P / d ln(CPU seconds) is that share.
    """

    cpu_seconds: Mapping[float, Sequence[float]]
    """Of a sample, by the emulated rates of the sweep: work that is interrupted more often takes longer."""

    def pace(self, rate: float, found: Figures) -> float:
        """In that trial on a step of that rate, over the usual one; 1 where CPU time is not known."""
        near = sorted(self.cpu_seconds, key=lambda known: abs(log(known / rate)))[:NEAREST]
        usual = [seconds for known in near for seconds in self.cpu_seconds[known]]
        if not usual or not found.cpu_seconds_per_sample or found.core_use is None:
            return 1.0
        return float((median(usual) / found.cpu_seconds_per_sample) ** min(1.0, found.core_use))


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a sweep showed of one loader; by block, and there by rate or by cores."""

    contestant: str
    cores: int
    own: Mapping[int, float]
    """Samples per second on the null step."""
    shares: Mapping[int, Mapping[float, float]]
    """Utilisation by emulated rate, at the loader's usual pace."""
    by_cores: Mapping[int, Mapping[int, float]]
    """Samples per second on the null step by core count, all of them included."""
    pace: Pace | None = None
    """Of the null-step trial whose rate is the median."""
    core_use: float | None = None
    named: Named | None = None
    """What holds the loader back on the null step; None where its cuts don't tell."""
    boundaries: bool = True
    """Whether an epoch's end was seen on the null step."""
    disturbed: int = 0
    """Blocks in which other processes kept cores busy."""
    left_out: int = 0
    """Of these, where two others remained."""
    checks: Mapping[str, Sequence[Tried]] = field(default_factory=dict)
    """By step, of the steps that were predicted first."""

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


def floor(records: Iterable[Record], derive: Derive) -> float | None:
    """Twice the idle share that the resident loader shows on the fastest step: no smaller stall is told."""
    found = [
        f.stall
        for record in records
        if record.spec.loader == CEILING and (f := derive(record)) and f.stall is not None
    ]
    return 2 * median(found) if found else None


def seen(
    contestant: Contestant,
    records: Iterable[Record],
    derive: Derive,
    samples: int,
    checks: Collection[str] = (),
    marked: AbstractSet[int] = frozenset(),
) -> Seen | None:
    """What the records show of the loader, over epochs of so many samples; None where it has no two rates.

    `checks` are the steps that were predicted first. Of the blocks those `marked` as disturbed are left out,
    where two others remain.
    """
    found = [(record, f) for record in records if record.block >= 0 and (f := derive(record))]
    mine = [(record, f) for record, f in found if record.contestant == contestant.label]
    blocks = {record.block for record, _ in mine}
    swept = {record.block for record, _ in mine if record.spec.step not in (*checks, "null")}
    clean = blocks - marked if len(swept - marked) >= LEAST_CLEAN else blocks
    kept = [(record, f) for record, f in mine if record.block in clean]
    null = {record.block: (record, f) for record, f in kept if record.spec.step == "null"}
    undisturbed = [(record, f) for record, f in found if record.block in clean]
    end = _end([f for _, f in null.values()], samples)
    usual = _usual(kept, set(checks))
    shares = _shares(kept, set(checks), end, usual)
    if not null or len({rate for block in shares.values() for rate in block}) < 2:
        return None
    middle, figures = sorted(null.values(), key=lambda pair: pair[1].samples_per_second)[len(null) // 2]
    return Seen(
        contestant=contestant.label,
        cores=len(contestant.specs[0].cpus),
        own={block: f.samples_per_second for block, (_, f) in null.items()},
        shares=shares,
        by_cores=_by_cores(contestant, undisturbed),
        pace=_pace(middle),
        core_use=figures.core_use,
        named=_named(contestant, [record for record, _ in null.values()], undisturbed),
        boundaries=end is not None,
        disturbed=len(marked & blocks),
        left_out=len(blocks - clean),
        checks=_told(kept, set(checks), end, usual),
    )


Trials = Sequence[tuple[Record, Figures]]


LEAST = 1e-6
"""Utilisation below which nothing is distinguished."""


def points(shares: Mapping[float, float]) -> list[tuple[float, float]]:
    """Of a curve, whose axes are logarithmic."""
    return [(rate, max(LEAST, share)) for rate, share in shares.items()]


def _usual(trials: Trials, apart: AbstractSet[str]) -> Usual:
    seconds: dict[float, list[float]] = {}
    for record, f in trials:
        if record.spec.step not in (*apart, "null") and f.cpu_seconds_per_sample:
            seconds.setdefault(parse_step(record.spec.step).rate, []).append(f.cpu_seconds_per_sample)
    return Usual(seconds)


def _shares(
    trials: Trials, apart: AbstractSet[str], end: "EpochEnd | None", usual: Usual
) -> dict[int, dict[float, float]]:
    """Utilisation by block and rate, of the emulated steps of the sweep itself, at the usual pace.

    A loader of p times its usual pace feeds a step of rate r as the usual one feeds one of r / p.
    """
    measured: dict[int, dict[float, float]] = {}
    asked: dict[int, list[float]] = {}
    for record, f in trials:
        if record.spec.step not in (*apart, "null"):
            rate = parse_step(record.spec.step).rate
            asked.setdefault(record.block, []).append(rate)
            measured.setdefault(record.block, {})[rate / usual.pace(rate, f)] = utilisation(record, f, end)
    curves = {block: Falling(points(own)) for block, own in measured.items() if len(own) > 1}
    return {
        block: {rate: min(1.0, curve.at(rate)) for rate in asked[block]} for block, curve in curves.items()
    }


def _told(
    trials: Trials, apart: AbstractSet[str], end: "EpochEnd | None", usual: Usual
) -> dict[str, list[Tried]]:
    """The trials on steps that were predicted first, by step."""
    found: dict[str, list[Tried]] = {}
    for record, f in trials:
        if record.spec.step in apart:
            pace = usual.pace(parse_step(record.spec.step).rate, f)
            tried = Tried(utilisation(record, f, end), pace)
            found.setdefault(record.spec.step, []).append(tried)
    return found


def _by_cores(contestant: Contestant, found: Trials) -> dict[int, dict[int, float]]:
    cores = len(contestant.specs[0].cpus)
    names = {fewer(contestant.label, c): c for c in core_counts(cores)[:-1]} | {contestant.label: cores}
    rates: dict[int, dict[int, float]] = {}
    for record, f in found:
        if record.spec.step == "null" and record.contestant in names:
            rates.setdefault(record.block, {})[names[record.contestant]] = f.samples_per_second
    return rates


def _named(contestant: Contestant, null: Sequence[Record], found: Trials) -> Named | None:
    """By the rules of a diagnosis, which has further phases; without them less is named."""
    labels = {cut(contestant.label, stage): stage for stage in CUTS.values()}
    trials: dict[Stage, list[Record]] = {}
    for record, _ in found:
        if record.contestant in labels:
            trials.setdefault(labels[record.contestant], []).append(record)
    cuts = {stage: seen for stage, own in trials.items() if (seen := see(own))}
    loader = see(null)
    if loader is None or not cuts:
        return None
    named = name(Evidence(cores=loader.cores, loader=loader, cuts=cuts))
    return named if named.verdict is not Narrow.UNDECIDED else None


def _pace(record: Record) -> Pace | None:
    trace = record.trace
    return None if trace is None else pace(trace, window(record))


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
    counted, whole = window(record), epoch_batches(trace)
    if not counted.holds_boundary(trace):
        return _with_end(1 - found.stall, rate, max(trace.sizes), end)
    if whole and len(counted.batches) % whole == 0:
        return 1 - found.stall
    return min(1.0, found.samples_per_second / rate)


def _with_end(share: float, rate: float, batch: int, end: EpochEnd | None) -> float:
    """Of an epoch and its end, during which the device works off what it has in flight."""
    if end is None:
        return share
    busy = end.samples / rate
    return busy / (busy / max(share, 1e-6) + max(0.0, end.seconds - IN_FLIGHT * batch / rate))
