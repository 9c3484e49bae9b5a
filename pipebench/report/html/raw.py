"""The records behind each figure: where they stand, what shows them, and some of their raw values."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields

from pipebench.figures import window
from pipebench.measure import Trace
from pipebench.report.gathered import Entry, Trial
from pipebench.report.pictures.waits import shown_trial
from pipebench.results import Record
from pipebench.summary import Row

MOST_TRIALS = 60
"""Trials that a block names one by one."""
FIRST, LONGEST, EVENLY = 8, 8, 16
"""Batches whose raw values are shown: the first ones, the longest waits, and others between them."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Raw values of one batch; times in ns since the first batch was asked for."""

    number: int
    asked_ns: int
    got_ns: int
    samples: int
    counts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What one contestant's figures on one step come from."""

    entry: Entry
    figures: tuple[tuple[str, str], ...]
    """To the last digit, under their names in `--json`."""
    trials: tuple[Trial, ...]
    more: int
    """Trials that are not named."""
    commands: tuple[tuple[str, str], ...]
    """What each shows, and the command line."""
    shown: Trial | None
    """Whose batches these are: the trial of which the data wait is drawn."""
    batches: tuple[Batch, ...]
    of_batches: int


def chosen_entries(entries: Sequence[Entry], drawn: Collection[int], most: int) -> list[Entry]:
    """So many of them, in order; those that are drawn go first."""
    kept = sorted(entries, key=lambda entry: entry.number not in drawn)[:most]
    return sorted(kept, key=lambda entry: entry.number)


def blocks(entries: Iterable[Entry]) -> Iterator[Block]:
    """One for each entry."""
    for entry in entries:
        shown = shown_trial(entry)
        trace = shown.record.trace if shown else None
        yield Block(
            entry=entry,
            figures=tuple(_figures(entry.row)),
            trials=entry.trials[:MOST_TRIALS],
            more=max(0, len(entry.trials) - MOST_TRIALS),
            commands=_commands(entry),
            shown=shown,
            batches=tuple(_batches(shown.record)) if shown else (),
            of_batches=len(trace.got_ns) if trace else 0,
        )


def _figures(row: Row) -> Iterator[tuple[str, str]]:
    for field in fields(row):
        value = getattr(row, field.name)
        if isinstance(value, float) or (isinstance(value, int) and field.name != "cores"):
            yield field.name, repr(value)
    for percentile, wait in zip((50, 95, 99), row.data_wait_seconds or (), strict=False):
        yield f"wait_p{percentile}_seconds", repr(wait)
    yield from ((f"usage.{name}", repr(value)) for name, value in (row.usage or {}).items())


_COLUMNS = "contestant,task,rate,cpu_seconds_per_sample,core_use,efficiency,first_batch_seconds,stall"


def _commands(entry: Entry) -> tuple[tuple[str, str], ...]:
    path = entry.path
    found = (
        ("these figures", f"pipebench compare {path} --format json --columns {_COLUMNS}"),
        ("each trial's, derived a second time", f"pipebench audit {path} --figures"),
        ("all that is known of each trial", f"pipebench export {path} --of trials"),
    )
    batches = ("each batch of each trial", f"pipebench export {path} --of batches")
    return (*found, batches) if entry.blocks else found  # a file of benchmarks is not exported by batches


def _batches(record: Record) -> Iterator[Batch]:
    trace = record.trace
    if trace is None:
        return
    counted, begin = window(record).batches, trace.asked_ns[0]
    for n in chosen(trace):
        asked, got = trace.asked_ns[n] - begin, trace.got_ns[n] - begin
        yield Batch(n, asked, got, trace.sizes[n], n in counted)


def chosen(trace: Trace) -> list[int]:
    """Numbers of the batches to show, in order."""
    count = len(trace.got_ns)
    by_wait = sorted(range(count), key=lambda n: trace.asked_ns[n] - trace.got_ns[n])
    evenly = range(0, count, max(1, count // EVENLY))
    return sorted({*range(min(FIRST, count)), *by_wait[:LONGEST], *evenly})
