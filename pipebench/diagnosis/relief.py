"""What would relieve a named resource: the end-to-end trial with more of it, and what that should bring."""

from dataclasses import replace
from typing import NamedTuple

from pipebench.diagnosis.evidence import Detail, Evidence, Named, Narrow
from pipebench.diagnosis.phases import Bench
from pipebench.diagnosis.verdict import LOADER, terms
from pipebench.results import TrialSpec
from pipebench.step import parse_step

FASTER = 2.0
"""Times as fast as the step is emulated where it is relieved."""


class Relief(NamedTuple):
    """One intervention."""

    what: str
    """For the report, as in `with 8 workers instead of 4`."""
    spec: TrialSpec
    predicted: float
    """Rate, over that without it."""


def relief(bench: Bench, evidence: Evidence, named: Named) -> Relief | None:
    """Relieves what was named; None where nothing here can."""
    if named.verdict is Narrow.STEP:
        return faster_step(bench, evidence)
    if named.verdict is Narrow.CPU_SHARED:
        return step_elsewhere(bench, evidence)
    if named.verdict is Narrow.STORAGE and bench.meets_storage:
        return from_memory(bench, evidence)
    if named.detail is Detail.WORKERS:
        return more_workers(bench, evidence)
    if named.detail is Detail.HAND_OVER:
        return larger_batches(bench, evidence)
    return None


def runner_up(bench: Bench, evidence: Evidence, named: Named) -> Relief | None:
    """Relieves the lowest of the other terms, which should bring less; None where nothing here can."""
    if named.verdict is Narrow.CPU_SHARED:  # a faster step takes less of the cores too
        return more_workers(bench, evidence)
    own = named.verdict if named.verdict in (Narrow.STEP, Narrow.STORAGE) else LOADER
    for term, _ in sorted(terms(evidence).items(), key=lambda item: item[1].estimate):
        found = None if term == own else _relief_of(term, bench, evidence)
        if found is not None:
            return found
    return None


def _relief_of(term: str, bench: Bench, evidence: Evidence) -> Relief | None:
    if term == Narrow.STEP:
        return faster_step(bench, evidence)
    if term == Narrow.STORAGE and bench.meets_storage:
        return from_memory(bench, evidence)
    return more_workers(bench, evidence) if term == LOADER else None


def reaches(evidence: Evidence, without: str, instead: float) -> float:
    """The lowest of all terms, one of them replaced, over what was measured end to end."""
    others = [rate.estimate for name, rate in terms(evidence).items() if name != without]
    return min([*others, instead]) / evidence.whole.rate.estimate


def faster_step(bench: Bench, evidence: Evidence) -> Relief | None:
    """An emulated step at twice its rate."""
    step = parse_step(bench.spec.step)
    if step.kind != "emulate" or evidence.step is None:
        return None
    text = f"emulate:{FASTER * step.rate:g},depth={step.depth},host_cpu={step.host_cpu:g}"
    predicted = reaches(evidence, Narrow.STEP, FASTER * evidence.step.rate.estimate)
    return Relief(
        f"with a step of {FASTER * step.rate:g} samples/s", replace(bench.spec, step=text), predicted
    )


def step_elsewhere(bench: Bench, evidence: Evidence) -> Relief | None:
    """The same step, emulated without taking the loader's cores."""
    if evidence.step is None:
        return None
    rate = evidence.step.rate.estimate
    predicted = reaches(evidence, Narrow.CPU_SHARED, rate)
    spec = replace(bench.spec, step=f"emulate:{rate:.6g}")
    return Relief("with a step that needs none of these cores", spec, predicted)


def more_workers(bench: Bench, evidence: Evidence) -> Relief | None:
    """Twice as many."""
    if not bench.worker_knob:
        return None
    probed = evidence.more_workers or evidence.loader
    predicted = reaches(evidence, LOADER, probed.rate.estimate)
    wanted = 2 * bench.workers
    return Relief(
        f"with {bench.worker_knob}={wanted}", bench.with_options({bench.worker_knob: str(wanted)}), predicted
    )


def larger_batches(bench: Bench, evidence: Evidence) -> Relief | None:
    """Batches of twice the size, so that each hand-over serves twice as many samples."""
    if evidence.larger_batch is None:
        return None
    predicted = reaches(evidence, LOADER, evidence.larger_batch.rate.estimate)
    size = 2 * bench.spec.batch_size
    return Relief(f"with batches of {size}", replace(bench.spec, batch_size=size), predicted)


def from_memory(bench: Bench, evidence: Evidence) -> Relief:
    """The same bytes from the page cache, or from memory."""
    predicted = reaches(evidence, Narrow.STORAGE, evidence.loader.rate.estimate)
    return Relief(
        "with all bytes in memory",
        replace(bench.spec, cache="warm", data=bench.memory or bench.spec.data),
        predicted,
    )
