"""Series against their baselines: how each comparison is made, and what it shows."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from statistics import fmean, stdev
from typing import Literal

from pipebench.compare import BlockRatios, block_ratios, judge, undisturbed
from pipebench.likeness import differing_aspects, refuse
from pipebench.matching import Duel, Pair, match
from pipebench.series import Series
from pipebench.stats import Comparison, Outcome
from pipebench.summary import OVERHEAD
from pipebench.unpaired import DRIFT, Allowance, Moments, compare_moments, compare_samples

Method = Literal["baseline", "paired", "unpaired", "unpaired, two sessions", "unpaired, two hosts", "none"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """One series against its baseline."""

    series: Series
    baseline: Series | None
    method: Method
    comparison: Comparison | None = None
    left_out: int = 0
    """Disturbed blocks that have no vote."""
    remark: str = ""
    """Why there is no comparison, or no verdict."""

    @property
    def duel(self) -> Duel | None:
        """What was compared, if anything was."""
        return Pair(self.series, self.baseline).duel

    @property
    def direction(self) -> int:
        """-1 where it is shown to be slower than its baseline, 1 faster, 0 neither."""
        if self.comparison is None or self.comparison.outcome is not Outcome.DIFFERS:
            return 0
        return 1 if self.comparison.ratio.estimate > 1 else -1


def naming(lines: Sequence[Line]) -> Callable[[Line], str]:
    """How lines are called: by the contestant, and by the result where that is not plain."""
    compared = {line.series.session for line in lines if line.comparison is not None}
    every = {line.series.session for line in lines}

    def name(line: Line) -> str:
        session = line.series.session
        plain = len(every) == 1 or compared == {session}
        return line.series.contestant if plain else f"{line.series.contestant} in {session.name}"

    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms things are compared."""

    baseline: str | None = None
    across: frozenset[str] = frozenset()
    """Aspects of the conditions that may differ."""
    drift: float = DRIFT


def contest(series: Sequence[Series], terms: Terms) -> list[Line]:
    """A line for each series, by task, the fastest against its baseline first.

    All that are made at once share one error rate: paired comparisons by Holm, others by Bonferroni.
    Raises `BadInput` where conditions differ that are not in `terms.across`.
    """
    pairs = match(series, terms.baseline)
    duels = [duel for pair in pairs if (duel := pair.duel)]
    refuse(duels, terms.across)
    paired = {duel: _ratios(duel) for duel in duels if _method(duel) == "paired"}
    compared = {duel: (comparison, paired[duel].left_out) for duel, comparison in judge(paired).items()}
    allowance = Allowance(terms.drift, len(duels) - len(paired))
    compared |= {duel: _unpaired(duel, allowance) for duel in duels if duel not in paired}
    return _sorted([_line(pair, compared) for pair in pairs])


def _sorted(lines: Sequence[Line]) -> list[Line]:
    tasks = list(dict.fromkeys(line.series.task for line in lines))
    return sorted(lines, key=lambda line: (tasks.index(line.series.task), *_rank(line)))


def _rank(line: Line) -> tuple[bool, float]:
    """Lines with a ratio first, a baseline among them as 1."""
    if line.comparison is not None:
        return False, -line.comparison.ratio.estimate
    return line.method != "baseline", -1.0 if line.method == "baseline" else -(line.series.speed or 0.0)


def _line(pair: Pair, compared: Mapping[Duel, tuple[Comparison, int]]) -> Line:
    series, duel = pair.series, pair.duel
    if duel is None:
        own = pair.baseline is series and series.measured
        why = pair.why if series.measured else _unmeasured(series)
        return Line(
            series=series,
            baseline=pair.baseline,
            method="baseline" if own else "none",
            remark="" if own else why,
        )
    comparison, left_out = compared[duel]
    remark = _withheld(duel)
    return Line(
        series=series,
        baseline=duel.baseline,
        method=_method(duel),
        comparison=replace(comparison, outcome=Outcome.NO_VERDICT) if remark else comparison,
        left_out=left_out,
        remark=remark,
    )


def _unmeasured(series: Series) -> str:
    """A proof that ended `ok` is no trial."""
    return "no trial" if series.status == "ok" else f"{series.status}: {series.reason}"


def _method(duel: Duel) -> Method:
    series, baseline = duel
    if series.session == baseline.session:
        both = series.in_blocks and baseline.in_blocks
        return "paired" if both and series.speeds.keys() & baseline.speeds.keys() else "unpaired"
    ours, theirs = series.conditions, baseline.conditions
    same = ours is not None and theirs is not None and ours.same_machine(theirs)
    return "unpaired, two sessions" if same else "unpaired, two hosts"


def _withheld(duel: Duel) -> str:
    """Why a verdict would be one on something else than the contestants."""
    if _method(duel) == "unpaired, two hosts":
        return "it cannot be told that both come from one host"
    differing = differing_aspects(duel)
    if differing:
        return f"they differ in {' and '.join(differing)}"
    if any(one.row is not None and OVERHEAD in one.row.labels for one in duel):
        return OVERHEAD
    return ""


def _ratios(duel: Duel) -> BlockRatios:
    series, baseline = duel
    return block_ratios(series.speeds, baseline.speeds, series.marked | baseline.marked)


def _unpaired(duel: Duel, allowance: Allowance) -> tuple[Comparison, int]:
    """By the undisturbed trials, unless all of them would turn the conclusion; and how many were left out."""
    if any(one.moments is not None for one in duel):
        return compare_moments(_moments(duel.series), _moments(duel.baseline), allowance), 0
    ours, theirs = (_logs(one, ()) for one in duel)
    clean_ours, clean_theirs = (_logs(one, one.marked) for one in duel)
    left_out = len(ours) + len(theirs) - len(clean_ours) - len(clean_theirs)
    main = compare_samples(clean_ours or ours, clean_theirs or theirs, allowance)
    with_marked = compare_samples(ours, theirs, allowance)
    any_clean = bool(clean_ours and clean_theirs)
    return undisturbed(main, with_marked, any_clean=any_clean), left_out


def _logs(series: Series, without: Collection[int]) -> list[float]:
    return [log(speed) for block, speed in series.speeds.items() if block not in without]


def _moments(series: Series) -> Moments:
    if series.moments is not None:
        return series.moments
    seconds = [1 / speed for speed in series.speeds.values()]
    deviation = stdev(seconds) if len(seconds) > 1 else None
    return Moments(mean=fmean(seconds), deviation=deviation, rounds=len(seconds))
