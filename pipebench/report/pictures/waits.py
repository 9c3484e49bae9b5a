"""Data wait over time and as a distribution: of each contestant the trial whose percentiles the table has."""

from collections.abc import Iterator, Sequence
from math import ceil
from operator import itemgetter
from statistics import median

from pipebench.figures import window
from pipebench.measure import Trace
from pipebench.report.gathered import Entry, Gathered, Trial
from pipebench.report.pictures.model import Strip, Strips, Whose, owners

MOST_STRIPS = 16
MOST_BINS = 200
"""Points of one strip; of more batches several share one."""
MOST_BOUNDARIES = 60
"""More epochs than that are not marked one by one."""
SHARES = (*(step / 100 for step in range(1, 100)), 0.995, 0.999, 1.0)

Waits = Sequence[tuple[float, float]]
"""Seconds since the first batch at which a batch arrived, and those that were waited for it."""


def waits(gathered: Gathered) -> Iterator[Strips]:
    """A strip for each contestant and step, the fastest first."""
    entries = [entry for entry in gathered.entries if entry.measured]
    entries.sort(key=lambda entry: (entry.row.step != "null", -(entry.row.samples_per_second or 0)))
    whose = owners(entries)
    found = [
        strip for entry in entries[:MOST_STRIPS] if (strip := _strip(entry, whose[entry.number])) is not None
    ]
    if found:
        left_out = max(0, len(entries) - MOST_STRIPS)
        yield Strips(key="waits", title="Data wait", strips=tuple(found), left_out=left_out)


def shown_trial(entry: Entry) -> Trial | None:
    """The one whose percentiles are the row's."""
    return next(
        (
            trial
            for trial in entry.trials
            if trial.figures and trial.figures.wait_seconds == entry.row.data_wait_seconds
        ),
        None,
    )


def _strip(entry: Entry, whose: Whose) -> Strip | None:
    trial = shown_trial(entry)
    if trial is None or trial.record.trace is None or trial.figures is None:
        return None
    trace = trial.record.trace
    counted = window(trial.record)
    every = _waits(trace)
    bins = _bins(every[1:])  # the first batch has its own figure
    longest = [max(held, key=itemgetter(1)) for held in bins]
    return Strip(
        whose=whose,
        trial=trial.number,
        place=trial.place,
        times=tuple(at for at, _ in longest),
        longest=tuple(wait for _, wait in longest),
        middle=tuple(median(wait for _, wait in held) for held in bins),
        a_bin=len(bins[0]),
        counted=(every[counted.first][0], every[counted.last][0]),
        boundaries=_boundaries(trace, every),
        shares=SHARES,
        quantiles=_quantiles([wait for _, wait in every[counted.first + 1 : counted.last + 1]]),
        percentiles=trial.figures.wait_seconds,
    )


def _waits(trace: Trace) -> Waits:
    begin = trace.got_ns[0]
    return [
        ((got - begin) / 1e9, (got - asked) / 1e9)
        for asked, got in zip(trace.asked_ns, trace.got_ns, strict=True)
    ]


def _bins(every: Waits) -> list[Waits]:
    size = ceil(len(every) / MOST_BINS)
    return [every[at : at + size] for at in range(0, len(every), size)]


def _boundaries(trace: Trace, every: Waits) -> tuple[float, ...]:
    found = tuple(every[start][0] for start in trace.epochs[1:] if start < len(every))
    return found if len(found) <= MOST_BOUNDARIES else ()


def _quantiles(counted: Sequence[float]) -> tuple[float, ...]:
    """By the same rule as the percentiles of `figures.py`."""
    ordered, last = sorted(counted), len(counted) - 1
    return tuple(ordered[min(last, int(share * len(ordered)))] for share in SHARES)
