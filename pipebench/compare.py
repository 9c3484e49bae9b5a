"""Results -> comparison: contestants against a baseline, paired by block, disturbance taken into account."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from statistics import median
from typing import TypeVar

from pipebench.figures import Derive, Figures, figures
from pipebench.results import CEILING, Record
from pipebench.stats import Comparison, Outcome, compare_many

FOREIGN_CORES = 0.05
"""A block in which other processes kept more than this busy is marked as disturbed."""

K = TypeVar("K", bound=Hashable)
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


def measured(records: Iterable[Record], step: str, derive: Derive = figures) -> dict[str, dict[int, Figures]]:
    """Figures by contestant and block on one step; the ceiling left out, a repeated trial's last counts."""
    found: dict[str, dict[int, Figures]] = defaultdict(dict)
    for record in records:
        if record.spec.step == step and record.spec.loader != CEILING and (f := derive(record)):
            found[record.contestant][record.block] = f
    return dict(found)


def marked_blocks(records: Iterable[Record], derive: Derive = figures) -> set[int]:
    """Blocks in which other processes disturbed a trial."""
    found = ((record.block, derive(record)) for record in records if record.spec.loader != CEILING)
    return {block for block, f in found if f and (f.foreign_cores or 0) > FOREIGN_CORES}


def standings(
    records: Sequence[Record], step: str, baseline: str | None = None, derive: Derive = figures
) -> list[Standing]:
    """Each contestant's rate over the baseline's (by default the fastest's), fastest first.

    Contestants that share no block with the baseline are left out.
    """
    rates = {
        name: {block: f.samples_per_second for block, f in blocks.items()}
        for name, blocks in measured(records, step, derive).items()
    }
    if not rates:
        return []
    marked = marked_blocks(records, derive)
    return against(rates, baseline or _ranked(rates, marked)[0], marked)


def against(rates: Rates, baseline: str, marked: set[int]) -> list[Standing]:
    """`standings` from rates alone; marked blocks have no vote, but where they object nothing is decided."""
    others = [
        name
        for name in _ranked(rates, marked)
        if name != baseline and rates[name].keys() & rates[baseline].keys()
    ]
    ratios = {name: block_ratios(rates[name], rates[baseline], marked) for name in others}
    compared = judge(ratios)
    return [
        Standing(contestant=name, baseline=baseline, comparison=compared[name], marked=ratios[name].left_out)
        for name in others
    ]


def _ranked(rates: Rates, marked: set[int]) -> list[str]:
    """Fastest first, by the blocks that have a vote, or by all where none has."""

    def speed(name: str) -> float:
        clean = [rate for block, rate in rates[name].items() if block not in marked]
        return median(clean or rates[name].values())

    return sorted(rates, key=speed, reverse=True)


@dataclass(frozen=True, slots=True)
class BlockRatios:
    """Log ratios of two contestants within the blocks that held both."""

    every: list[float]
    clean: list[float]
    """Of the undisturbed blocks."""

    @property
    def left_out(self) -> int:
        return len(self.every) - len(self.clean)


def block_ratios(
    ours: Mapping[int, float], theirs: Mapping[int, float], marked: set[int] | frozenset[int]
) -> BlockRatios:
    """Of two contestants' rates by block."""
    shared = sorted(ours.keys() & theirs.keys())
    logs = {block: log(ours[block] / theirs[block]) for block in shared}
    return BlockRatios(list(logs.values()), [logs[block] for block in shared if block not in marked])


def judge(ratios: Mapping[K, BlockRatios]) -> dict[K, Comparison]:
    """What each of several comparisons shows that are made at once."""
    main = compare_many({key: found.clean or found.every for key, found in ratios.items()})
    with_marked = compare_many({key: found.every for key, found in ratios.items()})
    return {
        key: undisturbed(main[key], with_marked[key], any_clean=bool(found.clean))
        for key, found in ratios.items()
    }


def undisturbed(main: Comparison, with_marked: Comparison, *, any_clean: bool) -> Comparison:
    """`main`, unless no block was undisturbed or the marked ones would turn its conclusion."""
    if any_clean and _conclusion(main) in (0, _conclusion(with_marked)):
        return main
    return replace(main, outcome=Outcome.DISTURBED)


def _conclusion(comparison: Comparison) -> int:
    """-1 slower, 1 faster, 0 neither."""
    if comparison.outcome is not Outcome.DIFFERS:
        return 0
    return 1 if comparison.ratio.estimate > 1 else -1
