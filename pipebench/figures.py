"""One record -> its figures. The transient is cut here, afterwards, from the raw arrivals.

Definitions: `samples_per_second` is over the window with epoch boundaries in it;
`steady_samples_per_second` leaves boundaries out; `stall` is the share of time in which the device
idles because no batch is there.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import sub
from statistics import fmean, mode
from typing import NamedTuple

from pipebench.measure import Look, Trace
from pipebench.page_cache import label
from pipebench.results import WORKER_KNOBS, Record
from pipebench.stats import is_steady, transient_end
from pipebench.step import StepSpec, device_times, parse_step

MIN_SECONDS = 2.0
"""A window below this is labelled `short`."""
LONG_GAP, LONG_GAPS = 3, 3
"""Between batches: a long one takes more than so many times their mean, and so many show a period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one trial measured."""

    samples_per_second: float
    steady_samples_per_second: float
    cpu_seconds_per_sample: float | None
    """Of the whole process tree; None where the window holds fewer than two looks."""
    core_use: float | None
    """CPU seconds per second of the window, over the cores allowed."""
    foreign_cores: float | None
    """Cores that processes outside the trial kept busy during the window."""
    startup_seconds: float
    """From the process's start, imports included, to the loader built; the step's start left out."""
    first_batch_seconds: float
    """From asking for epoch 0 until its first batch."""
    boundary_seconds: float | None
    """Mean gap between the last batch of an epoch and the first of the next, if one was seen."""
    stall: float | None
    """None for a step without a device to idle (`null`)."""
    wait_seconds: tuple[float, float, float]
    """Data wait a batch: 50th, 95th and 99th percentile."""
    batch_seconds: float
    """Mean time between batches."""
    window_seconds: float
    cache: str
    """What the trial proved about where its bytes came from (`page_cache.label`)."""
    steady: bool
    short: bool


@dataclass(frozen=True, slots=True)
class Window:
    """The batches that count: gaps first+1 .. last of the arrivals."""

    first: int
    last: int

    @property
    def batches(self) -> range:
        """Numbers of the batches whose arrival gap counts."""
        return range(self.first + 1, self.last + 1)

    def holds_boundary(self, trace: Trace) -> bool:
        """Whether the gap before some epoch's first batch is among those that count."""
        return any(self.first < start <= self.last for start in trace.epochs)


def figures(record: Record) -> Figures | None:
    """The figures of an `ok` measuring trial, or None for any other or one of fewer than three batches.

    None too where the clock did not advance.
    """
    trace = record.trace
    if record.status != "ok" or trace is None or len(trace.got_ns) < 3:
        return None
    seen = _see(trace)
    counted = _cut(seen, _burst(record, seen))
    seconds, steady = seen.between(counted.first, counted.last), _steady(seen, counted)
    if seconds <= 0 or steady is None:
        return None
    looks = [look for look in trace.looks if counted.first < look.batches <= counted.last + 1]
    cpu = _cpu(seen, looks, len(record.spec.cpus))
    return Figures(
        samples_per_second=_headline(trace, seen, counted, steady),
        steady_samples_per_second=steady,
        cpu_seconds_per_sample=cpu and cpu[0],
        core_use=cpu and cpu[1],
        foreign_cores=cpu and cpu[2],
        startup_seconds=startup_seconds(record),
        first_batch_seconds=(trace.got_ns[0] - trace.asked_ns[0]) / 1e9,
        boundary_seconds=_boundary(trace),
        stall=stall(record, trace, counted),
        wait_seconds=_waits(seen, counted),
        batch_seconds=seconds / len(counted.batches),
        window_seconds=seconds,
        cache=label(record.cache),
        steady=is_steady(seen.gaps_of(seen.alike(counted.first + 1, counted.last + 1))),
        short=seconds < MIN_SECONDS,
    )


Derive = Callable[[Record], Figures | None]
"""`figures`, or something that gives the same."""


def remembered() -> Derive:
    """`figures` that derives each record's once, and keeps the records that it has seen."""
    known: dict[int, tuple[Record, Figures | None]] = {}

    def derive(record: Record) -> Figures | None:
        if id(record) not in known:
            known[id(record)] = record, figures(record)
        return known[id(record)][1]

    return derive


class _Seen(NamedTuple):
    """A trace as lists: of some hundred batches they are done with sooner than arrays.

    Times are in ns, whole numbers, so that equal gaps have no variance at all.
    """

    asked: list[int]
    got: list[int]
    sizes: list[int]
    gaps: list[int]
    """From the arrival before each batch to its own; the first has none."""
    starts: Sequence[int]
    """The first batch of each epoch, in order."""
    epoch: int | None
    """Batches of a whole one (`epoch_batches`)."""

    def between(self, first: int, last: int) -> float:
        """Seconds from one arrival to the other."""
        return (self.got[last] - self.got[first]) / 1e9

    def samples(self, first: int, last: int) -> int:
        """In the batches after `first` until `last`."""
        return sum(self.sizes[first + 1 : last + 1])

    def inside(self, begin: int, end: int) -> Sequence[int]:
        """The batches that begin no epoch, or all where each does."""
        starts = {start for start in self.starts if begin <= start < end}
        if not starts:
            return range(begin, end)
        return [batch for batch in range(begin, end) if batch not in starts] or range(begin, end)

    def alike(self, begin: int, end: int) -> Sequence[int]:
        """The batches inside epochs that are as large as any: a short last one tells nothing of the pace."""
        inside, sizes = self.inside(begin, end), self.sizes
        if len(set(sizes[begin:end])) == 1:
            return inside
        largest = max(map(sizes.__getitem__, inside))
        return [batch for batch in inside if sizes[batch] == largest]

    def gaps_of(self, batches: Iterable[int]) -> list[int]:
        return list(map(self.gaps.__getitem__, batches))


def _see(trace: Trace) -> _Seen:
    asked, got, sizes = (values.tolist() for values in (trace.asked_ns, trace.got_ns, trace.sizes))
    gaps = [0, *map(sub, got[1:], got)]
    return _Seen(asked, got, sizes, gaps, trace.epochs, epoch_batches(trace))


def burst(record: Record) -> int:
    """How many batches come together: as many as from one long gap to the next, if that is always the same.

    Else one from each worker, if settings tell how many, or core. The record holds at least two batches.
    """
    assert record.trace is not None
    return _burst(record, _see(record.trace))


def _burst(record: Record, seen: _Seen) -> int:
    told = [record.settings.get(knob) for knob in WORKER_KNOBS]
    return _period(seen) or max(len(record.spec.cpus), *(count for count in told if type(count) is int), 1)


def _period(seen: _Seen) -> int | None:
    """Batches from one long gap to the next, where there are three at least and always at one distance."""
    inside = seen.inside(1, len(seen.got))
    gaps = seen.gaps_of(inside)
    long = LONG_GAP * sum(gaps)
    if not gaps or len(gaps) * max(gaps) <= long:
        return None
    after = [batch for batch, gap in zip(inside, gaps, strict=True) if len(gaps) * gap > long]
    distances = {later - batch for batch, later in pairwise(after)}
    return distances.pop() if len(after) >= LONG_GAPS and len(distances) == 1 else None


def window(record: Record) -> Window:
    """What figures are derived from: after the transient, whole epochs if one fits, else whole bursts.

    The record holds at least three batches.
    """
    assert record.trace is not None
    seen = _see(record.trace)
    return _cut(seen, _burst(record, seen))


def _cut(seen: _Seen, together: int) -> Window:
    alike = seen.alike(1, len(seen.got))
    first = alike[transient_end(seen.gaps_of(alike))] - 1
    available = len(seen.got) - 1 - first
    fitting = [unit for unit in (seen.epoch, together, 1) if unit and unit <= available]
    return Window(first, first + available // fitting[0] * fitting[0])


def _headline(trace: Trace, seen: _Seen, window: Window, steady: float) -> float:
    """Samples per second with each epoch boundary at its due weight.

    Over whole epochs that is samples over time. A window that holds less than one would weigh a
    boundary in it too much: then an epoch is reckoned at the steady rate and one mean boundary.
    """
    whole = seen.epoch and len(window.batches) % seen.epoch == 0
    if whole or not window.holds_boundary(trace):
        return seen.samples(window.first, window.last) / seen.between(window.first, window.last)
    samples = sum(seen.sizes[: trace.epochs[1]])
    return samples / ((samples - trace.sizes[0]) / steady + (_boundary(trace) or 0.0))


def _steady(seen: _Seen, window: Window) -> float | None:
    """Samples per second without the boundaries; None where no time passed."""
    inside = seen.inside(window.first + 1, window.last + 1)
    took_ns = sum(map(seen.gaps.__getitem__, inside))
    return sum(map(seen.sizes.__getitem__, inside)) / (took_ns / 1e9) if took_ns > 0 else None


def epoch_batches(trace: Trace) -> int | None:
    """Batches of a whole epoch, if one was seen to its end."""
    lengths = [after - before for before, after in pairwise(trace.epochs)]
    if len(set(lengths)) > 1:
        return mode(lengths)
    return lengths[0] if lengths else None


def startup_seconds(record: Record) -> float:
    """Process start to loader ready, without building the step."""
    times = record.times_ns
    step = times["step_ready"] - times["imported"]
    return (times["loader_ready"] - times["spawned"] - step) / 1e9


def stall(record: Record, trace: Trace, window: Window) -> float | None:
    """Share of the window in which the device idled for want of a batch.

    On a step that runs on the CPU the device is the host, which idles while it waits.
    """
    step = parse_step(record.spec.step)
    if step.kind == "null":
        return None
    times = _device(record, trace, step)
    if times:
        busy = sum(end - begin for begin, end in times[window.first + 1 : window.last + 1])
        return 1 - busy / (times[window.last][1] - times[window.first][1])
    waited = sum(trace.got_ns[i] - trace.asked_ns[i] for i in window.batches)
    return waited / (trace.got_ns[window.last] - trace.got_ns[window.first])


def _device(record: Record, trace: Trace, step: StepSpec) -> Sequence[tuple[int, int]]:
    if step.kind == "emulate":
        return device_times(trace.got_ns, trace.sizes, step.rate)
    return record.device_ns


def _boundary(trace: Trace) -> float | None:
    got = trace.got_ns
    gaps = [(got[i] - got[i - 1]) / 1e9 for i in trace.epochs[1:] if i < len(got)]
    return fmean(gaps) if gaps else None


def _cpu(seen: _Seen, looks: Sequence[Look], cores: int) -> tuple[float, float, float] | None:
    if len(looks) < 2:
        return None
    begin, end = looks[0], looks[-1]
    cpu_seconds = (end.cpu_ns - begin.cpu_ns) / 1e9
    seconds = (end.at_ns - begin.at_ns) / 1e9
    busy = (end.host_busy_ns - begin.host_busy_ns) / 1e9
    samples = sum(seen.sizes[begin.batches : end.batches])
    return cpu_seconds / samples, cpu_seconds / seconds / cores, max(0.0, (busy - cpu_seconds) / seconds)


def _waits(seen: _Seen, window: Window) -> tuple[float, float, float]:
    counted = slice(window.first + 1, window.last + 1)
    waits = sorted(map(sub, seen.got[counted], seen.asked[counted]))
    p50, p95, p99 = (waits[min(len(waits) - 1, int(share * len(waits)))] / 1e9 for share in (0.5, 0.95, 0.99))
    return p50, p95, p99
