"""CPU time by stage, where results hold a loader and cuts of it, reckoned as `diagnose` does."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from pipebench.contract import Stage
from pipebench.diagnosis.evidence import Evidence
from pipebench.diagnosis.seen import Seen, see
from pipebench.diagnosis.stages import StageCost, stage_costs
from pipebench.report.alike import setup
from pipebench.report.gathered import Entry, Gathered
from pipebench.report.pictures.bars import fitting
from pipebench.report.pictures.model import Bar, Bars, Segment, owner

Cuts = Mapping[Stage, Entry]


def stages(gathered: Gathered) -> Iterator[Bars]:
    """One bar for each loader that was measured whole and with at least one cut."""
    bars = [bar for cuts in _cut(gathered.entries) if len(cuts) > 1 and (bar := _bar(cuts))]
    picture = Bars(key="stages", title="CPU time by stage", axis="CPU milliseconds a sample", bars=())
    yield from fitting(picture, bars, down=False)


def _cut(entries: Sequence[Entry]) -> list[Cuts]:
    """Entries that differ in their cut alone; of the same one given twice the last counts."""
    found: dict[tuple[object, ...], dict[Stage, Entry]] = {}
    for entry in entries:
        if entry.row.cpu_seconds_per_sample is not None and entry.until in list(Stage):
            found.setdefault(setup(entry, without="until"), {})[Stage(entry.until)] = entry
    return [*found.values()]


def _bar(cuts: Cuts) -> Bar | None:
    seen = {stage: told for stage, entry in cuts.items() if (told := _seen(entry))}
    loader = seen.get(Stage.BATCH)
    if loader is None or loader.cpu_seconds is None:
        return None
    costs = stage_costs(Evidence(cores=loader.cores, loader=loader, cuts=seen))
    whole = cuts[Stage.BATCH]
    return Bar(
        whose=owner(whole, [whole]),
        segments=tuple(Segment(name=c.name, value=max(0.0, 1e3 * c.cpu_seconds.estimate)) for c in costs),
        text=f"{1e3 * loader.cpu_seconds.estimate:.2f} ms",
        detail="; ".join(map(_told, costs)),
    )


def _seen(entry: Entry) -> Seen | None:
    """By the looks of the traces; the rest of what a diagnosis sees matters not here, and may be anything."""
    return see([replace(trial.record, resources={}) for trial in entry.trials])


def _told(cost: StageCost) -> str:
    """`decode 0.81 [0.78, 0.84]`, in ms."""
    own = cost.cpu_seconds
    text = f"{cost.name} {1e3 * own.estimate:.2f} [{1e3 * own.low:.2f}, {1e3 * own.high:.2f}]"
    return text if own.low > 0 else f"{text} (cannot be told from nothing)"
