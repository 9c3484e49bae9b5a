"""Evidence -> verdict. A wrong answer is a defect, and `undecided` is none.

The order is that of the method's page: two terms that are equal; a pipeline slower than all of its terms, or
a loader that leaves cores idle; the lowest term.
"""

from collections.abc import Mapping

from pipebench.contract import Stage
from pipebench.diagnosis.evidence import Detail, Evidence, Named, Narrow, Verdict
from pipebench.diagnosis.idle import explain, takes_turns
from pipebench.diagnosis.seen import EVEN, ratio_of
from pipebench.diagnosis.stages import CLEARLY, largest_stage
from pipebench.stats import Interval
from pipebench.watching.facts import FINE, FULL, MODERATE

BALANCED = 0.9, 1 / 0.9
"""Two terms whose ratio lies in this are equal."""
REACHED, MISSED = 0.85, 0.9
"""Of its bound: what a pipeline is at least found to reach that nothing else holds back, and what it
misses for certain if something does."""
SURELY_FULL = 0.80
"""What the lower bound of the use must be too."""
BURSTS = 0.15
"""Share of the time in gaps of more than three times the mean from which batches come in bursts."""

Terms = Mapping[Narrow | str, Interval]
LOADER = "loader"
"""The term that is none of the verdicts: it is split further."""


def judge(evidence: Evidence) -> Verdict:
    """The verdict, with what a perfect loader would gain."""
    return Verdict(
        named=name(evidence),
        severity=severity(evidence.whole.stall if evidence.end_to_end else None),
        stall=evidence.whole.stall if evidence.end_to_end else None,
        slowdown=slowdown(evidence),
        gain=gain(evidence),
    )


def severity(stall: float | None) -> str:
    """By stall: below 5 % fine, up to 20 % moderate, above severe."""
    if stall is None:
        return "unknown"
    return "fine" if stall < FINE else "moderate" if stall <= MODERATE else "severe"


def slowdown(evidence: Evidence) -> float | None:
    """1 - E/G: what is lost of the step's own rate, for whatever reason."""
    if evidence.step is None:
        return None
    return 1 - evidence.whole.rate.estimate / evidence.step.rate.estimate


def gain(evidence: Evidence) -> Interval | None:
    """The rate with a loader that takes neither time nor cores, over what was measured."""
    found = terms(evidence)
    others = [found[term] for term in (Narrow.STEP, Narrow.TRANSFER) if term in found]
    if not others:
        return None
    return ratio_of(min(others, key=lambda rate: rate.estimate), evidence.whole.rate)


def terms(evidence: Evidence) -> dict[str, Interval]:
    """What bounds the rate, by name. The shared CPU is one of them only where both sides need much of it."""
    measured = {
        Narrow.STEP: evidence.step,
        Narrow.TRANSFER: evidence.transfer,
        LOADER: evidence.loader,
        Narrow.STORAGE: evidence.storage,
    }
    found = {str(term): seen.rate for term, seen in measured.items() if seen is not None}
    found.pop(_nested(evidence), None)
    shared = shared_cpu(evidence)
    lowest = min(rate.estimate for rate in found.values())
    if shared is not None and shared.estimate < BALANCED[0] * lowest and _step_needs_cores(evidence):
        found[str(Narrow.CPU_SHARED)] = shared
    return found


def _nested(evidence: Evidence) -> str:
    """Of the loader and the bare transfer, which the loader's rate holds, the one that is no term besides.

    A loader that is no slower than its bare copies and leaves cores idle waits for them. One that is clearly
    faster than they are makes its batches on the device, and copies none.
    """
    if evidence.transfer is None:
        return ""
    reached, use = ratio_of(evidence.loader.rate, evidence.transfer.rate), evidence.loader.use
    if reached.low > BALANCED[1]:
        return Narrow.TRANSFER
    return LOADER if reached.low >= BALANCED[0] and use is not None and use.high < FULL else ""


def _step_needs_cores(evidence: Evidence) -> bool:
    """A tenth of what the loader needs, at least."""
    step, loader = evidence.step and evidence.step.cpu_seconds, evidence.loader.cpu_seconds
    return bool(step and loader and step.estimate >= (1 - BALANCED[0]) * loader.estimate)


def shared_cpu(evidence: Evidence) -> Interval | None:
    """c / (a + b): the rate at which loader and step together would fill the cores."""
    if evidence.step is None or evidence.step.cpu_seconds is None or evidence.loader.cpu_seconds is None:
        return None
    a, b, cores = evidence.loader.cpu_seconds, evidence.step.cpu_seconds, evidence.cores
    return Interval(cores / (a.estimate + b.estimate), cores / (a.high + b.high), cores / (a.low + b.low))


def bound(evidence: Evidence) -> Interval:
    """The least of all terms, the shared CPU in any case."""
    shared = shared_cpu(evidence)
    return min([*terms(evidence).values(), *([shared] if shared else [])], key=lambda rate: rate.estimate)


def name(evidence: Evidence) -> Named:
    """What holds the pipeline back."""
    if evidence.lacks:
        told = f"the {evidence.lacks} alone was not measured, and may be what is narrow"
        return Named(Narrow.UNDECIDED, why=(told,))
    ranked = sorted(terms(evidence).items(), key=lambda item: item[1].estimate)
    lowest = ranked[0]
    if len(ranked) > 1:
        equal = _compare(*ranked[:2])
        if equal is not None:
            return equal
    return _short_of_bound(evidence) or _lowest(evidence, lowest[0])


def _compare(lowest: tuple[str, Interval], runner_up: tuple[str, Interval]) -> Named | None:
    """`balanced` or `undecided`, or None where the first is clearly the lower one."""
    ratio = ratio_of(lowest[1], runner_up[1])
    told = f"{lowest[0]} over {runner_up[0]} is {ratio.estimate:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]"
    if ratio.low >= BALANCED[0] and ratio.high <= BALANCED[1]:
        return Named(Narrow.BALANCED, why=(told,))
    if ratio.high > CLEARLY or lowest[1].high >= runner_up[1].low:
        return Named(Narrow.UNDECIDED, why=(f"{told}, so neither is shown to be the lower",))
    return None


def _short_of_bound(evidence: Evidence) -> Named | None:
    """Where the pipeline is slower than all of its terms; `undecided` where that cannot be told."""
    if evidence.end_to_end is None:
        return None
    reached = ratio_of(evidence.end_to_end.rate, bound(evidence))
    told = f"the pipeline reaches {reached.estimate:.2f} [{reached.low:.2f}, {reached.high:.2f}] of its bound"
    if reached.high < MISSED:
        return _beyond_terms(evidence, told)
    if reached.estimate < REACHED:
        return Named(Narrow.UNDECIDED, why=(f"{told}: something else may hold it back",))
    return None


def _beyond_terms(evidence: Evidence, told: str) -> Named:
    """Loader and step are each fast enough, and together they are not."""
    read, loader = evidence.cuts.get(Stage.READ), evidence.loader
    if loader.disturbed or evidence.whole.disturbed:
        return Named(Narrow.UNDECIDED, why=(f"{told}, but other processes were busy meanwhile",))
    if read is None or loader.bursts < BURSTS or read.bursts > BURSTS / 2:
        return Named(Narrow.UNDECIDED, why=(f"{told}, and no phase shows why", *_interference(evidence)))
    bursts = f"{loader.bursts:.0%} of the time passes in gaps of more than three times the mean"
    return Named(Narrow.OVERHEAD, Detail.HAND_OVER, (told, f"batches come in bursts: {bursts}"))


def _interference(evidence: Evidence) -> tuple[str, ...]:
    """How much slower the step is while the loader works, where that is for certain."""
    if evidence.step is None or evidence.step_beside is None:
        return ()
    kept = ratio_of(evidence.step_beside, evidence.step.rate)
    told = f"beside the loader the step by itself makes {kept.estimate:.2f} [{kept.low:.2f}, {kept.high:.2f}]"
    return (f"{told} of its rate: they slow each other",) if kept.high < MISSED else ()


_NOT_WARM = (
    "the loader is the lowest term, and read from the device what was to be in memory; "
    "--cache cold tells what the device costs"
)


def _lowest(evidence: Evidence, lowest: str) -> Named:
    if lowest != LOADER:
        slowed = _interference(evidence) if lowest == Narrow.CPU_SHARED else ()
        return Named(Narrow(lowest), why=(f"{lowest} is the lowest of all terms", *slowed))
    if evidence.not_warm:
        return Named(Narrow.UNDECIDED, why=(_NOT_WARM,))
    use = evidence.loader.use
    if use is None:
        return Named(Narrow.UNDECIDED, why=("the loader is the lowest term, and its CPU time is not known",))
    if use.estimate >= FULL and use.low >= SURELY_FULL:
        return _full(evidence)
    if use.high < FULL:
        return explain(evidence)
    return _full_or_idle(evidence, use)


def _full_or_idle(evidence: Evidence, use: Interval) -> Named:
    """Where cores are neither full for certain nor idle: what they are found to be held back by as either."""
    told = f"the loader uses {use.estimate:.0%} [{use.low:.0%}, {min(use.high, 1):.0%}] of its cores"
    full, idle = _full(evidence), explain(evidence)
    if (full.verdict, full.detail) != (idle.verdict, idle.detail) or idle.verdict is Narrow.UNDECIDED:
        return Named(Narrow.UNDECIDED, why=(f"{told}: neither full nor idle",))
    return Named(idle.verdict, idle.detail, (told, *full.why, *idle.why))


def _full(evidence: Evidence) -> Named:
    """The loader's work fills its cores. In uneven bursts it is not that of the samples delivered meanwhile.

    Workers that wait for each other don't fill them, though beside other processes it may seem so.
    """
    if takes_turns(evidence, evidence.loader):
        share = f"{evidence.loader.share_of_waits('lock'):.0%} of the looks"
        told = f"workers were met waiting for a lock in {share}, and yet the cores seem full"
        return Named(Narrow.UNDECIDED, why=(told,))
    if evidence.loader.bursts > BURSTS and evidence.loader.stray > EVEN:
        told = f"{evidence.loader.bursts:.0%} of the time passes in gaps of more than three times the mean"
        return Named(Narrow.UNDECIDED, why=(f"{told}: too uneven to tell stages apart",))
    return largest_stage(evidence)
