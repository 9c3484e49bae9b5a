"""CPU time by stage, where results hold trials that were cut: each cut less the one before it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from pipebench.contract import Stage
from pipebench.report.gathered import Entry, Gathered, setup
from pipebench.report.pictures.bars import fitting
from pipebench.report.pictures.model import Bar, Bars, Segment, Whose
from pipebench.stats import CONFIDENCE
from pipebench.unpaired import rank_sum_interval

Cuts = Mapping[Stage, Entry]


def stages(gathered: Gathered) -> Iterator[Bars]:
    """One bar for each contestant of which at least two cuts were measured."""
    bars = [_bar(cuts) for cuts in _cut(gathered.entries) if len(cuts) > 1]
    picture = Bars(key="stages", title="CPU time by stage", axis="CPU milliseconds a sample", bars=())
    if found := fitting(picture, bars, down=False):
        yield found


def _cut(entries: Sequence[Entry]) -> list[Cuts]:
    """Entries that differ in their cut alone; of the same one given twice the last counts."""
    found: dict[tuple[object, ...], dict[Stage, Entry]] = {}
    for entry in entries:
        if entry.row.cpu_seconds_per_sample is not None:
            found.setdefault(setup(entry, without="until"), {})[Stage(entry.until)] = entry
    return [{stage: cuts[stage] for stage in sorted(cuts, key=lambda s: s.depth)} for cuts in found.values()]


def _bar(cuts: Cuts) -> Bar:
    last = cuts[max(cuts, key=lambda stage: stage.depth)]
    steps = [(None, next(iter(cuts))), *pairwise(cuts)]
    found = [_segment(cuts, before, stage) for before, stage in steps]
    segments = tuple(segment for segment, _ in found)
    whole = last.row.cpu_seconds_per_sample or 0.0
    return Bar(
        whose=Whose(entry=last.number, name=last.row.contestant),
        segments=segments,
        text=f"{1e3 * whole:.2f} ms until {last.until}",
        detail="; ".join(text for _, text in found),
    )


def _segment(cuts: Cuts, before: Stage | None, stage: Stage) -> tuple[Segment, str]:
    """What the cut costs beyond the one before it, in ms, and that in words."""
    name = "+".join(s for s in Stage if (before is None or s.depth > before.depth) and s.depth <= stage.depth)
    ours = cuts[stage].row.cpu_seconds_per_sample or 0.0
    theirs = (cuts[before].row.cpu_seconds_per_sample or 0.0) if before else 0.0
    value = 1e3 * (ours - theirs)
    text = f"{name} {value:.2f}{_bounds(cuts, before, stage)}"
    told = text if value >= 0 else f"{text} (below what can be told)"
    return Segment(name=name, value=max(0.0, value)), told


def _bounds(cuts: Cuts, before: Stage | None, stage: Stage) -> str:
    """The 95 % rank-sum interval of the difference, where the trials are enough for one."""
    if before is None:
        return ""
    found = rank_sum_interval(_trials(cuts[stage]), _trials(cuts[before]), CONFIDENCE)
    return f" [{found.low:.2f}, {found.high:.2f}]" if found else ""


def _trials(entry: Entry) -> list[float]:
    """CPU milliseconds a sample of each."""
    figures = (trial.figures for trial in entry.trials)
    return [1e3 * f.cpu_seconds_per_sample for f in figures if f and f.cpu_seconds_per_sample is not None]
