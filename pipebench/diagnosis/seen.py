"""Records of one phase -> what was seen of it, with intervals."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import exp, hypot, log, sqrt
from statistics import fmean, median, pstdev

from pipebench.distributions import student_quantile
from pipebench.figures import LONG_GAP, Figures, burst, figures, window
from pipebench.results import Record
from pipebench.stats import Interval
from pipebench.step import parse_step

CONFIDENCE = 0.90
PRIOR_CV, PRIOR_WEIGHT = 0.04, 4
"""Trials of a phase are few, so their spread is taken together with an assumed one of 4 %, which counts as
much as 4 further trials (a moderated variance; Smyth 2004). One trial alone is thus known to 9 %."""
PER_FOREIGN = 0.3
"""Of the share of the cores that others kept busy, added to the assumed spread: from one trial to the
next they may take none of it, or all."""
EMULATED_CV = 0.005
"""Of a step whose rate is set by the clock."""
PRIOR_USE, PRIOR_SECONDS = 0.03, 2.0
"""The same for core use, which is a share, in trials of up to so many seconds; longer ones tell more."""

_Found = Sequence[tuple[Record, Figures]]

KINDS_OF_WAIT = {
    "futex": "lock",
    "lock_inode": "lock",
    "nanosleep": "sleeps",
    "folio": "reads",
    "io_schedule": "reads",
    "fuse": "reads",
    "request_wait": "reads",
    "nfs": "reads",
    "rpc": "reads",
    "poll": "idle",
    "select": "idle",
    "pipe": "idle",
    "unix_stream": "idle",
    "wait_for_more_packets": "idle",
}
"""By a part of the kernel's name. `idle`: it waits for work, or for somebody to take what it made."""


@dataclass(frozen=True, slots=True)
class Requests:
    """To an object store."""

    per_second: float
    seconds: float
    """Mean, of one: from its sending to the last byte of the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One phase, over all of its trials; 90 % intervals."""

    rate: Interval
    """Samples per second, without epoch boundaries."""
    cores: int
    cpu_seconds: Interval | None = None
    """Of the whole process tree, a sample."""
    use: Interval | None = None
    """Share of the allowed cores that it used, or would have used had other processes not been there."""
    consumer: float | None = None
    """Cores that the thread which takes the batches kept busy."""
    waits: Mapping[str, float] | None = None
    """Shares of the looks at worker processes by `KINDS_OF_WAIT`; empty where there are no workers."""
    bursts: float = 0.0
    """Share of the time in gaps between batches of more than `LONG_GAP` times their mean."""
    stray: float = 0.0
    """How far arrivals stray from an even pace, over their count; counted in whole bursts."""
    stall: float | None = None
    step_rate: Interval | None = None
    """Samples per second of the step while it doesn't idle; None where the clock sets it, or without one."""
    bytes_per_second: float | None = None
    """From a device or an object store, where that is counted."""
    requests: Requests | None = None
    data_wait: float = 0.0
    """Share of the time that whoever takes the batches waits for one."""
    foreign_cores: float = 0.0
    """That other processes kept busy."""
    trials: int = 1

    @property
    def disturbed(self) -> bool:
        """Whether others were so busy that the phase's rate is not the pipeline's own."""
        return self.foreign_cores > MOST_FOREIGN

    @property
    def idle_seconds(self) -> Interval | None:
        """Core-seconds a sample during which an allowed core had nothing to do."""
        if self.use is None:
            return None
        idle = [self.cores * max(0.0, 1 - use) for use in (self.use.estimate, self.use.high, self.use.low)]
        centre, by_use = idle[0] / self.rate.estimate, (idle[2] - idle[1]) / 2 / self.rate.estimate
        half = hypot(by_use, centre * _log_half(self.rate))
        return Interval(centre, max(0.0, centre - half), centre + half)

    def share_of_waits(self, kind: str) -> float:
        """How often a worker was met in such a wait."""
        return (self.waits or {}).get(kind, 0.0)


def see(records: Sequence[Record], *, by_clock: bool = False, boundaries: bool = False) -> Seen | None:
    """What the `ok` records of one phase show; None where none has figures.

    `by_clock` says that the clock sets its rate, as that of an emulated step. `boundaries` says that epochs'
    ends are a part of it, as where the first bytes of an epoch are fetched from afar: what they bring is
    delivered afterwards, and would seem to have come in no time.
    """
    found = _long_enough([(record, f) for record in records if (f := figures(record))])
    if not found:
        return None
    own, cores, stray_share = [f for _, f in found], len(found[0][0].spec.cpus), _strays(found)
    spread = EMULATED_CV if by_clock else PRIOR_CV + disturbance(own, cores) + stray_share
    rates = [rate_in(f, boundaries) for f in own]
    cpu = [f.cpu_seconds_per_sample for _, f in found if f.cpu_seconds_per_sample]
    uses = [use for record, f in found if (use := _use(record, f)) is not None]
    stalls = [f.stall for _, f in found if f.stall is not None]
    steps = [rate for record, f in found if (rate := _step_rate(record, f)) is not None]
    consumers = [share for record, _ in found if (share := _consumer(record)) is not None]
    speeds = [speed for record, _ in found if (speed := _bytes_per_second(record)) is not None]
    return Seen(
        rate=rate_of(rates, spread),
        cores=cores,
        cpu_seconds=rate_of(cpu) if cpu else None,
        use=_share_of(uses, max(_seconds(record) for record, _ in found)) if uses else None,
        consumer=median(consumers) if consumers else None,
        waits=_waits([record for record, _ in found]),
        bursts=median(_bursts(record) for record, _ in found),
        stray=stray_share,
        stall=median(stalls) if stalls else None,
        step_rate=rate_of(steps, spread) if steps else None,
        bytes_per_second=median(speeds) if speeds else None,
        requests=_requests([record for record, _ in found]),
        data_wait=median(_data_wait(record) for record, _ in found),
        foreign_cores=median(f.foreign_cores or 0.0 for _, f in found),
        trials=len(found),
    )


def rate_in(found: Figures, boundaries: bool) -> float:
    """Samples per second of one trial, with or without epochs' ends."""
    return found.samples_per_second if boundaries else found.steady_samples_per_second


MOST_FOREIGN = 0.3
"""Cores kept busy by others, above which a phase is disturbed."""
EVEN, SOME_GAPS = 0.03, 3
"""By which arrivals may stray, and how often the longest gap must fit in, before longer trials are made."""


def seconds_for(records: Sequence[Record]) -> float:
    """What a trial must last to hold some of the longest gaps, and to stray by `EVEN` at most.

    How far arrivals stray in samples does not grow with time, so that its share shrinks. 0 where every
    trial has lasted long enough.
    """
    measured = [record for record in records if figures(record)]
    return max((n for record in measured if (n := _needed_seconds(record)) > _seconds(record)), default=0.0)


def _needed_seconds(record: Record) -> float:
    return max(_seconds(record) * _stray(record) / EVEN, SOME_GAPS * max(_inner_gaps(record)) / 1e9)


def _long_enough(found: _Found) -> _Found:
    """The trials that lasted at least half as long as the longest.

    By their length alone: to leave out short ones that met a pause would be to leave out the slow ones.
    """
    longest = max((_seconds(record) for record, _ in found), default=0.0)
    return [one for one in found if _seconds(one[0]) >= longest / 2]


def _seconds(record: Record) -> float:
    """From the first batch to the last."""
    assert record.trace is not None
    return (record.trace.got_ns[-1] - record.trace.got_ns[0]) / 1e9


def disturbance(found: Sequence[Figures], cores: int) -> float:
    """What the cores that others kept busy add to the spread that is assumed of a rate."""
    return PER_FOREIGN * median(f.foreign_cores or 0.0 for f in found) / cores


def _strays(found: _Found) -> float:
    """What uneven arrivals add to it: how far their count strays from an even pace, over the count.

    Where batches come in long bursts, a short trial may hold one more of them or one less.
    """
    return median(_stray(record) for record, _ in found)


def _stray(record: Record) -> float:
    return stray(_inner_gaps(record), burst(record))


def stray(gaps: Sequence[int], together: int) -> float:
    """The deviation at both ends of a trial together, as a share of all batches.

    Counted in whole bursts, which are no unevenness.
    """
    bursts = [sum(gaps[at : at + together]) for at in range(0, len(gaps) // together * together, together)]
    total, count = sum(bursts), len(bursts)
    if not total:
        return 0.0
    off = [n - count * passed / total for n, passed in enumerate(accumulate(bursts), 1)]
    return sqrt(2) * pstdev(off) / count


def rate_of(values: Sequence[float], prior_cv: float = PRIOR_CV) -> Interval:
    """The geometric mean of positive values with a moderated interval."""
    logs = [log(value) for value in values]
    half = _half_width(logs, prior_cv)
    return Interval(exp(fmean(logs)), exp(fmean(logs) - half), exp(fmean(logs) + half))


def _share_of(values: Sequence[float], seconds: float) -> Interval:
    """From trials of up to so many seconds."""
    half = _half_width(values, PRIOR_USE / sqrt(max(1.0, seconds / PRIOR_SECONDS)))
    return Interval(fmean(values), fmean(values) - half, fmean(values) + half)


def _half_width(values: Sequence[float], prior: float) -> float:
    centre, freedom = fmean(values), PRIOR_WEIGHT + len(values) - 1
    squares = sum((value - centre) ** 2 for value in values)
    deviation = sqrt((PRIOR_WEIGHT * prior**2 + squares) / freedom)
    return student_quantile((1 + CONFIDENCE) / 2, freedom) * deviation / sqrt(len(values))


def ratio_of(one: Interval, other: Interval) -> Interval:
    """The ratio of two independent positive quantities."""
    centre = log(one.estimate / other.estimate)
    half = sqrt(_log_half(one) ** 2 + _log_half(other) ** 2)
    return Interval(exp(centre), exp(centre - half), exp(centre + half))


def difference_of(one: Interval, other: Interval) -> Interval:
    """The difference of two independent quantities."""
    half = sqrt(((one.high - one.low) / 2) ** 2 + ((other.high - other.low) / 2) ** 2)
    centre = one.estimate - other.estimate
    return Interval(centre, centre - half, centre + half)


def _log_half(interval: Interval) -> float:
    return log(interval.high / interval.low) / 2


def _use(record: Record, found: Figures) -> float | None:
    """Core use without boundaries; what others took of it counts only as far as threads waited for a core."""
    cores, own = len(record.spec.cpus), _own_use(record, found)
    if own is None:
        return None
    foreign, wanted = (found.foreign_cores or 0.0) / cores, _wanted(record)
    return max(own, min(own + foreign, wanted)) if wanted is not None else own


def _own_use(record: Record, found: Figures) -> float | None:
    """As it was measured, where the window holds no boundary.

    Else a sample's CPU time at the steady pace, which is rougher: where batches come unevenly, looks at CPU
    time see others than the window.
    """
    assert record.trace is not None
    if found.cpu_seconds_per_sample is None:
        return None
    if not window(record).holds_boundary(record.trace):
        return found.core_use
    return found.steady_samples_per_second * found.cpu_seconds_per_sample / len(record.spec.cpus)


def _wanted(record: Record) -> float | None:
    """Share of the allowed cores on which threads ran, or would have if they had been free."""
    times = _totals(record, "runqueue_ns")
    if times is None or record.trace is None or len(record.trace.looks) < 2:
        return None
    first, last = record.trace.looks[0], record.trace.looks[-1]
    ran = last.cpu_ns - first.cpu_ns
    return (ran + times) / (last.at_ns - first.at_ns) / len(record.spec.cpus)


def _consumer(record: Record) -> float | None:
    used = _totals(record, "consumer_ns")
    if used is None or record.trace is None or len(record.trace.looks) < 2:
        return None
    looks = record.trace.looks
    return used / (looks[-1].at_ns - looks[0].at_ns)


def _totals(record: Record, name: str) -> int | None:
    """How much the total has grown between the first look and the end; None in records that lack it."""
    first, last = (record.resources.get(edge, {}).get(name) for edge in ("first", "last"))
    if not isinstance(first, int) or not isinstance(last, int):
        return None
    return last - first


def _waits(records: Sequence[Record]) -> Mapping[str, float] | None:
    """None where no record tells. What is no count counts for nothing: a file may hold anything."""
    told = [w for record in records if isinstance(w := record.resources.get("worker_waits"), dict)]
    if not told:
        return None
    counts: Counter[str] = Counter()
    for waits in told:
        for name, count in waits.items():
            counts[_kind_of_wait(name)] += count if type(count) is int and count > 0 else 0
    total = sum(counts.values())
    return {kind: count / total for kind, count in counts.items()} if total else {}


def _kind_of_wait(name: str) -> str:
    if name == "0":
        return "runs"
    return next((kind for part, kind in KINDS_OF_WAIT.items() if part in name), "else")


def _inner_gaps(record: Record, batches: Iterable[int] | None = None) -> list[int]:
    """Between those arrivals, or all, without the boundaries between epochs, which are no bursts."""
    assert record.trace is not None
    got, starts = record.trace.got_ns, set(record.trace.epochs)
    return [got[n] - got[n - 1] for n in batches or range(1, len(got)) if n not in starts]


def _bursts(record: Record) -> float:
    assert record.trace is not None
    gaps = _inner_gaps(record, window(record).batches)
    limit = LONG_GAP * fmean(gaps) if gaps else 0
    return sum(gap for gap in gaps if gap > limit) / sum(gaps) if sum(gaps) else 0.0


def _step_rate(record: Record, found: Figures) -> float | None:
    if parse_step(record.spec.step).kind == "emulate" or found.stall is None or found.stall >= 1:
        return None
    return found.samples_per_second / (1 - found.stall)


def _bytes_per_second(record: Record) -> float | None:
    """Over the whole trial, what was read ahead in it."""
    counted = record.cache.get("fetched_bytes") or record.cache.get("bytes_read")
    return counted / _whole_seconds(record) if counted else None


def _requests(records: Sequence[Record]) -> Requests | None:
    """None where a trial has not counted any."""
    counted = [(record.cache.get("requests", 0), record.cache.get("requests_ns", 0)) for record in records]
    if not all(count and ns for count, ns in counted):
        return None
    rates = [count / _whole_seconds(record) for record, (count, _) in zip(records, counted, strict=True)]
    return Requests(median(rates), median(ns / count / 1e9 for count, ns in counted))


def _whole_seconds(record: Record) -> float:
    """From asking for the first batch to the last one's arrival."""
    assert record.trace is not None
    return (record.trace.got_ns[-1] - record.trace.asked_ns[0]) / 1e9


def _data_wait(record: Record) -> float:
    assert record.trace is not None
    trace, counted = record.trace, window(record)
    waited = sum(trace.got_ns[n] - trace.asked_ns[n] for n in counted.batches)
    return waited / (trace.got_ns[counted.last] - trace.got_ns[counted.first])
