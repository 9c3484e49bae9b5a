"""Throughput, time to the first batch, CPU time and idle time, as bars."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from pipebench.report.gathered import Entry, Gathered
from pipebench.report.pictures.model import Bar, Bars, Segment, Whose, owners
from pipebench.report.terminal import stall_text

MOST_BARS = 40
"""Of one picture."""
MOST_STEPS = 3
"""That have a picture of their own; the null step comes first."""

Draw = Callable[[Entry, Whose], Bar | None]


def throughput(gathered: Gathered) -> Iterator[Bars]:
    """Samples per second, a picture for each of the first few steps."""
    entries = [entry for entry in gathered.entries if entry.measured]
    steps = sorted({entry.row.step: None for entry in entries}, key=lambda step: step != "null")
    for number, step in enumerate(steps[:MOST_STEPS], 1):
        own = [entry for entry in entries if entry.row.step == step]
        key, title = "throughput", "Samples per second"
        if len(steps) > 1:
            key, title = f"throughput_{number}", f"{title}, step {step}"
        picture = Bars(key=key, title=title, axis="samples/s, 95 % interval", bars=())
        yield from fitting(picture, _drawn(own, _rate), down=True)


def first_batch(gathered: Gathered) -> Iterator[Bars]:
    """From the start of the process: start-up and first batch."""
    picture = Bars(key="first_batch", title="Time to the first batch", axis="seconds", bars=())
    yield from fitting(picture, _drawn(mains(gathered), _first), down=False)


def cpu(gathered: Gathered) -> Iterator[Bars]:
    """CPU time for one sample."""
    axis = "CPU milliseconds a sample"
    picture = Bars(key="cpu", title="CPU time for a sample", axis=axis, bars=())
    yield from fitting(picture, _drawn(mains(gathered), _cpu), down=False)


def idle(gathered: Gathered, but: Collection[int] = ()) -> Iterator[Bars]:
    """The share of time that the device idles, a picture for each of the first few steps that have one.

    `but` are the numbers of entries that are drawn elsewhere.
    """
    entries = [e for e in gathered.entries if e.row.stall is not None and e.number not in but]
    steps = list(dict.fromkeys(entry.row.step for entry in entries))
    for number, step in enumerate(steps[:MOST_STEPS], 1):
        own = [entry for entry in entries if entry.row.step == step]
        picture = Bars(
            key=f"idle_{number}", title=f"Idle time, step {step}", axis="share of time, %", bars=()
        )
        yield from fitting(picture, _drawn(own, _idle), down=False)


def mains(gathered: Gathered) -> list[Entry]:
    """Of each contestant in each result the entry on the null step, or else its first, as `run` has it."""
    found: dict[tuple[str, str], Entry] = {}
    for entry in gathered.entries:
        key = entry.result, entry.row.contestant
        if entry.measured and (key not in found or entry.row.step == "null"):
            found[key] = entry
    return [*found.values()]


def _drawn(entries: Sequence[Entry], draw: Draw) -> list[Bar]:
    whose = owners(entries)
    return [bar for entry in entries if (bar := draw(entry, whose[entry.number]))]


def fitting(picture: Bars, bars: Sequence[Bar], *, down: bool) -> Iterator[Bars]:
    """The picture with the longest or the shortest bars first, as many as there is place for, if any."""
    ordered = sorted(bars, key=lambda bar: bar.length, reverse=down)
    if ordered:
        left_out = max(0, len(ordered) - MOST_BARS)
        yield replace(picture, bars=tuple(ordered[:MOST_BARS]), left_out=left_out)


def _rate(entry: Entry, whose: Whose) -> Bar | None:
    row = entry.row
    assert row.samples_per_second is not None
    bounds = (row.ci_low, row.ci_high) if row.trials > 1 else (None, None)
    whole = entry.until == "batch"  # what stops before decoding has another limit
    limit = f"{row.efficiency:.0%} of the limit" if whole and row.efficiency is not None else ""
    known = None not in bounds
    return Bar(
        whose=whose,
        segments=(Segment(name="samples/s", value=row.samples_per_second),),
        text=f"{row.samples_per_second:.0f}",
        detail=", ".join(filter(None, (f"{bounds[0]:.0f}-{bounds[1]:.0f}" if known else "", limit))),
        low=bounds[0],
        high=bounds[1],
    )


def _first(entry: Entry, whose: Whose) -> Bar | None:
    start, first = entry.row.startup_seconds or 0.0, entry.row.first_batch_seconds or 0.0
    return Bar(
        whose=whose,
        segments=(Segment(name="start-up", value=start), Segment(name="first batch", value=first)),
        text=f"{start + first:.1f} s",
        detail=f"start-up {start:.2f} s, first batch {first:.2f} s",
    )


def _cpu(entry: Entry, whose: Whose) -> Bar | None:
    """As long as the window's figure; user and system share it as they share the whole loop."""
    total, used = entry.row.cpu_seconds_per_sample, entry.row.usage
    if total is None:
        return None
    parts: tuple[Segment, ...] = (Segment(name="CPU", value=1e3 * total),)
    both = used["user_seconds_per_sample"] + used["system_seconds_per_sample"] if used else 0.0
    detail = ""
    if used and both > 0:
        share = used["user_seconds_per_sample"] / both
        parts = (
            Segment(name="user", value=1e3 * total * share),
            Segment(name="system", value=1e3 * total * (1 - share)),
        )
        detail = f"{share:.0%} user, {1 - share:.0%} system"
    return Bar(whose=whose, segments=parts, text=f"{1e3 * total:.2f} ms", detail=detail)


def _idle(entry: Entry, whose: Whose) -> Bar | None:
    """Without bounds: the trials' medians. What lies below the ceiling's own idle time is said to be so."""
    stall = 100 * (entry.row.stall or 0.0)
    return Bar(whose=whose, segments=(Segment(name="idle", value=stall),), text=stall_text(entry.row))
