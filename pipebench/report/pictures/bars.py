"""Throughput, time to the first batch and CPU time, as bars."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from pipebench.report.gathered import Entry, Gathered
from pipebench.report.pictures.model import Bar, Bars, Segment, Whose, owners

MOST_BARS = 40
"""Of one picture."""

Draw = Callable[[Entry, Whose], Bar | None]


def throughput(gathered: Gathered) -> Iterator[Bars]:
    """Samples per second, a picture for each step."""
    return _by_step(gathered, "throughput", "Samples per second", "samples/s, 95 % interval", _rate)


def first_batch(gathered: Gathered) -> Iterator[Bars]:
    """From the start of the process, start-up and first batch, a picture for each step."""
    return _by_step(gathered, "first_batch", "Time to the first batch", "seconds", _first, down=False)


def cpu(gathered: Gathered) -> Iterator[Bars]:
    """CPU time for one sample, a picture for each step."""
    return _by_step(gathered, "cpu", "CPU time for a sample", "CPU milliseconds a sample", _cpu, down=False)


def _by_step(
    gathered: Gathered, key: str, title: str, axis: str, draw: Draw, *, down: bool = True
) -> Iterator[Bars]:
    entries = [entry for entry in gathered.entries if entry.measured]
    steps = list(dict.fromkeys(entry.row.step for entry in entries))
    for number, step in enumerate(steps):
        own = [entry for entry in entries if entry.row.step == step]
        of_step = f"{title}, step {step}" if steps != ["null"] else title
        picture = Bars(
            key=f"{key}_{number + 1}" if len(steps) > 1 else key, title=of_step, axis=axis, bars=()
        )
        if found := fitting(picture, _drawn(own, draw), down=down):
            yield found


def _drawn(entries: Sequence[Entry], draw: Draw) -> list[Bar]:
    whose = owners(entries)
    return [bar for entry in entries if (bar := draw(entry, whose[entry.number]))]


def fitting(picture: Bars, bars: Sequence[Bar], *, down: bool) -> Bars | None:
    """The picture with the longest or the shortest bars first, as many as there is place for."""
    ordered = sorted(bars, key=lambda bar: bar.length, reverse=down)
    if not ordered:
        return None
    return replace(picture, bars=tuple(ordered[:MOST_BARS]), left_out=max(0, len(ordered) - MOST_BARS))


def _rate(entry: Entry, whose: Whose) -> Bar | None:
    row = entry.row
    assert row.samples_per_second is not None
    bounds = (row.ci_low, row.ci_high) if row.trials > 1 else (None, None)
    limit = f"{row.efficiency:.0%} of the limit" if row.efficiency is not None else ""
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
