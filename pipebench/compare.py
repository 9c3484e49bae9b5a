"""Results -> comparison: contestants against a baseline, paired by block, disturbance taken into account."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from statistics import median

from pipebench.figures import Figures, figures
from pipebench.results import CEILING, Record
from pipebench.stats import Comparison, Outcome, compare_many

FOREIGN_CORES = 0.05
"""A block in which other processes kept more than this busy is marked as disturbed."""

Rates = dict[str, dict[int, float]]
"""Samples per second by contestant and block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One contestant against the baseline."""

    contestant: str
    baseline: str
    comparison: Comparison
    marked: int
    """Blocks left out of it for disturbance."""


def measured(records: Iterable[Record], step: str) -> dict[str, dict[int, Figures]]:
    """Figures by contestant and block on one step; the ceiling left out, a repeated trial's last counts."""
    found: dict[str, dict[int, Figures]] = defaultdict(dict)
    for record in records:
        if record.spec.step == step and record.spec.loader != CEILING and (f := figures(record)):
            found[record.contestant][record.block] = f
    return dict(found)


def marked_blocks(records: Iterable[Record]) -> set[int]:
    """Blocks in which other processes disturbed a trial."""
    found = ((record.block, figures(record)) for record in records if record.spec.loader != CEILING)
    return {block for block, f in found if f and (f.foreign_cores or 0) > FOREIGN_CORES}


def standings(records: Sequence[Record], step: str, baseline: str | None = None) -> list[Standing]:
    """Each contestant's rate over the baseline's (by default the fastest's), fastest first.

    Contestants that share no block with the baseline are left out.
    """
    rates = {
        name: {block: f.samples_per_second for block, f in blocks.items()}
        for name, blocks in measured(records, step).items()
    }
    if not rates:
        return []
    ranked = sorted(rates, key=lambda name: -median(rates[name].values()))
    return against(rates, baseline or ranked[0], marked_blocks(records))


def against(rates: Rates, baseline: str, marked: set[int]) -> list[Standing]:
    """`standings` from rates alone; marked blocks have no vote, but where they object nothing is decided."""
    ranked = sorted(rates, key=lambda name: -median(rates[name].values()))
    others = [name for name in ranked if name != baseline and rates[name].keys() & rates[baseline].keys()]
    every = {name: _logs(rates[name], rates[baseline], set()) for name in others}
    clean = {name: _logs(rates[name], rates[baseline], marked) for name in others}
    main = compare_many({name: clean[name] or every[name] for name in others})
    with_marked = compare_many(every)
    return [
        Standing(
            contestant=name,
            baseline=baseline,
            comparison=_undisturbed(main[name], with_marked[name], any_clean=bool(clean[name])),
            marked=len(every[name]) - len(clean[name]),
        )
        for name in others
    ]


def _logs(ours: Mapping[int, float], theirs: Mapping[int, float], without: set[int]) -> list[float]:
    return [log(ours[block] / theirs[block]) for block in sorted(ours.keys() & theirs.keys() - without)]


def _undisturbed(main: Comparison, with_marked: Comparison, *, any_clean: bool) -> Comparison:
    """`main`, unless no block was undisturbed or the marked ones would turn its conclusion."""
    if any_clean and _conclusion(main) in (0, _conclusion(with_marked)):
        return main
    return replace(main, outcome=Outcome.DISTURBED)


def _conclusion(comparison: Comparison) -> int:
    """-1 slower, 1 faster, 0 neither."""
    if comparison.outcome is not Outcome.DIFFERS:
        return 0
    return 1 if comparison.ratio.estimate > 1 else -1
