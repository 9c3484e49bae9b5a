"""One trial as a timeline in the Trace Event Format, which Perfetto and chrome://tracing open.

The format is Google's "Trace Event Format": an object whose `traceEvents` are complete events (`ph` X, with
`ts` and `dur` in microseconds), counters (C) and metadata (M). Complete events of one track must nest or be
apart: Perfetto drops what overlaps by a nanosecond. Time 0 is the start of the trial's process.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import inf, nextafter
from typing import Any

from pipebench.errors import one_line
from pipebench.figures import window
from pipebench.measure import LOOKS_AT_MEMORY, Trace
from pipebench.results import Record
from pipebench.step import device_times, parse_step

MOST_BATCHES = 10_000
"""That are drawn, the first ones: some 4 MB, where a trial may hold 50 000 batches."""
LONGEST_NAME = 200

Event = Mapping[str, Any]

_PROCESS = 1
_TRACKS = ("start-up", "counted window", "epochs", "epoch boundaries", "training loop", "device")
"""Each under its number, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class _Timeline:
    """A trial that ended `ok`, and its parts as events."""

    record: Record
    trace: Trace

    @property
    def shown(self) -> int:
        """Batches that are drawn."""
        return min(len(self.trace.got_ns), MOST_BATCHES)

    def since_start(self, moment_ns: int) -> float:
        """In microseconds, since the process started."""
        return micros(moment_ns - self.record.times_ns["spawned"])

    def span(self, track: str, name: str, begin_ns: int, end_ns: int, **args: Any) -> Event:
        """A complete event."""
        times = {"ts": self.since_start(begin_ns), "dur": micros(end_ns - begin_ns)}
        where = {"pid": _PROCESS, "tid": _TRACKS.index(track)}
        return {"name": name, "ph": "X", **times, **where, "args": args}

    def counter(self, name: str, at_ns: int, **values: float) -> Event:
        """A counter's values from that moment on."""
        return {"name": name, "ph": "C", "ts": self.since_start(at_ns), "pid": _PROCESS, "args": values}


def micros(duration_ns: int) -> float:
    """In microseconds, so that times 1000 it is the whole number again.

    Perfetto multiplies; since 2025 it rounds then, and before it cut off what was not whole.
    """
    value = duration_ns / 1000
    return value if int(value * 1000) == duration_ns else nextafter(value, inf if value > 0 else -inf)


def lines(record: Record) -> Iterator[str]:
    """The file's lines; the record is of a trial that ended `ok` and brought a batch."""
    assert record.trace is not None
    timeline = _Timeline(record, record.trace)
    yield '{"displayTimeUnit":"ms","otherData":' + _dumps(_told(timeline)) + ',"traceEvents":['
    possible = (event for event in _events(timeline) if event.get("dur", 0.0) >= 0)
    events = sorted(possible, key=lambda event: (event["ts"], -event.get("dur", 0.0)))
    before = ""
    for event in [*_names(timeline), *events]:
        yield before + _dumps(event)
        before = ","
    yield "]}"


def _dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), default=str)


def left_out(record: Record) -> int:
    """Batches of the trial that are not drawn."""
    return max(0, len(record.trace.got_ns) - MOST_BATCHES) if record.trace else 0


def title(record: Record) -> str:
    """What tells the trial from others of its results."""
    return one_line(f"{record.contestant}, block {record.block}, step {record.spec.step}", LONGEST_NAME)


def _told(timeline: _Timeline) -> dict[str, Any]:
    record, batches = timeline.record, len(timeline.trace.got_ns)
    return {
        "trial": title(record),
        "run": record.run,
        "started": record.started,
        "batches": batches,
        "drawn": "all batches" if timeline.shown == batches else f"the first {timeline.shown} batches",
        "settings": record.settings,
        "versions": record.versions,
        "device": _device_clock(record),
    }


def _device_clock(record: Record) -> str:
    if record.device_ns:
        return "on its own clock; its first step is drawn where the first batch arrived"
    kind = parse_step(record.spec.step).kind
    return "emulated, reckoned from the arrivals" if kind == "emulate" else "none beside the host"


def _names(timeline: _Timeline) -> Iterator[Event]:
    left = left_out(timeline.record)
    cut_off = f" (the first {timeline.shown} of {timeline.shown + left} batches)" if left else ""
    yield _named("process_name", 0, f"pipebench: {title(timeline.record)}{cut_off}")
    for number, name in enumerate(_TRACKS):
        yield _named("thread_name", number, name)
        yield {**_named("thread_sort_index", number, ""), "args": {"sort_index": number}}


def _named(kind: str, track: int, name: str) -> Event:
    return {"name": kind, "ph": "M", "ts": 0, "pid": _PROCESS, "tid": track, "args": {"name": name}}


def _events(timeline: _Timeline) -> Iterator[Event]:
    yield from _start_up(timeline)
    yield from _window(timeline)
    yield from _epochs(timeline)
    yield from _loop(timeline)
    yield from _device(timeline)
    yield from _processor(timeline)
    yield from _memory(timeline)


def _start_up(timeline: _Timeline) -> Iterator[Event]:
    times, trace = timeline.record.times_ns, timeline.trace
    names = ("imports", "building the step", "building the loader")
    moments = [times[name] for name in ("spawned", "imported", "step_ready", "loader_ready")]
    for name, (begin, end) in zip(names, pairwise(moments), strict=True):
        yield timeline.span("start-up", name, begin, end)
    if timeline.record.spec.cache == "cold":
        yield timeline.span("start-up", "evicting, building the loader again", moments[-1], trace.asked_ns[0])
    yield timeline.span("start-up", "first batch", trace.asked_ns[0], trace.got_ns[0])


def _window(timeline: _Timeline) -> Iterator[Event]:
    got = timeline.trace.got_ns
    if len(got) >= 3:
        counted = window(timeline.record)
        batches = len(counted.batches)
        name = "what figures are derived from"
        yield timeline.span("counted window", name, got[counted.first], got[counted.last], batches=batches)


def _epochs(timeline: _Timeline) -> Iterator[Event]:
    asked, got, starts = timeline.trace.asked_ns, timeline.trace.got_ns, timeline.trace.epochs
    begun = [start for start in starts if start < timeline.shown]
    ends = [*(asked[start] for start in begun[1:]), got[timeline.shown - 1]]
    for number, (first, end) in enumerate(zip(begun, ends, strict=True)):
        yield timeline.span("epochs", f"epoch {number}", asked[first], end, first_batch=first)
        if first:
            yield timeline.span("epoch boundaries", f"into epoch {number}", got[first - 1], got[first])


def _loop(timeline: _Timeline) -> Iterator[Event]:
    asked, got, sizes = timeline.trace.asked_ns, timeline.trace.got_ns, timeline.trace.sizes
    for batch in range(timeline.shown):
        yield timeline.span(
            "training loop", "wait", asked[batch], got[batch], batch=batch, samples=sizes[batch]
        )
        if batch + 1 < timeline.shown:
            yield timeline.span("training loop", "step", got[batch], asked[batch + 1], batch=batch)


def _device(timeline: _Timeline) -> Iterator[Event]:
    """Each batch on the device: reckoned for an emulated one, from its own events for a real one."""
    record, trace = timeline.record, timeline.trace
    step, offset_ns = parse_step(record.spec.step), 0
    times = record.device_ns
    if times:
        offset_ns = trace.got_ns[0] - times[0][0]
    elif step.kind == "emulate":
        times = tuple(device_times(trace.got_ns, trace.sizes, step.rate))
    free = 0
    for batch, (begin, end) in enumerate(times[: timeline.shown]):
        if free <= begin <= end:  # what a file says of a device's own clock may be anything
            yield timeline.span("device", "busy", begin + offset_ns, end + offset_ns, batch=batch)
            free = end


def _processor(timeline: _Timeline) -> Iterator[Event]:
    """Cores that the process tree, its workers included, and everybody else kept busy, and the pace."""
    sizes, looks = timeline.trace.sizes, timeline.trace.looks
    for before, after in pairwise(look for look in looks if look.batches <= timeline.shown):
        took = after.at_ns - before.at_ns
        own = (after.cpu_ns - before.cpu_ns) / took
        others = max(0.0, (after.host_busy_ns - before.host_busy_ns) / took - own)
        pace = sum(sizes[before.batches : after.batches]) / (took / 1e9)
        yield timeline.counter("cores busy: this trial", before.at_ns, cores=round(own, 3))
        yield timeline.counter("cores busy: others", before.at_ns, cores=round(others, 3))
        yield timeline.counter("samples/s", before.at_ns, rate=round(pace, 1))


def _memory(timeline: _Timeline) -> Iterator[Event]:
    """Of the process tree: seen just before the first look, and at each `LOOKS_AT_MEMORY`th after it."""
    looks = timeline.trace.looks[::LOOKS_AT_MEMORY]
    seen = timeline.record.resources.get("memory_bytes", [])[:-1]  # the last is of the loop's end
    if len(seen) == len(looks):
        for look, size in zip(looks, seen, strict=True):
            if look.batches <= timeline.shown:
                yield timeline.counter("memory", look.at_ns, MB=round(size / 1e6, 1))
