"""A diagnosis from its first trial to its verdict; time goes to the terms that may decide it."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pipebench.dataset import open_dataset
from pipebench.diagnosis.confirm import Confirmation, confirm
from pipebench.diagnosis.evidence import Detail, Evidence, Named, Narrow, Verdict
from pipebench.diagnosis.phases import CUTS, Bench, Phase
from pipebench.diagnosis.seen import Seen, seconds_for, see
from pipebench.diagnosis.session import Session, Trials
from pipebench.diagnosis.stages import fused_by
from pipebench.diagnosis.tries import Try, try_settings
from pipebench.diagnosis.verdict import LOADER, judge, terms
from pipebench.diagnosis.warming import warm_up, was_warm
from pipebench.errors import BadInput
from pipebench.results import WORKER_KNOBS, Record
from pipebench.scaling import core_counts
from pipebench.step import parse_step
from pipebench.watching.facts import FULL

WARMING_SHARE = 0.3
"""Of the time: until then data is read into memory that a trial was to find there."""
PHASES_SHARE, CONFIRM_SHARE = 0.55, 0.85
"""Of the time: until then phases are run, and until then the intervention; the rest is for other settings."""
NEAR = 1.5
"""Terms within this factor of the lowest are measured on."""
QUICKLY_ENOUGH, ENOUGH = 2, 3
"""Blocks after which phases end where a verdict is given."""
IMPORT_SECONDS = 4.0
"""That the first trial on a number of cores takes besides, since a process is started for it."""
FIRST_SECONDS, SECONDS = 1.0, 2.0
"""Measured in a phase's first trial, and in each further one."""
MOST_OF_TIME = 1 / 8
"""That one trial may last because batches arrive unevenly."""
MUCH_LONGER = 1.5
"""Than the trial before it, for another one to be worth it."""
LENGTHENED = frozenset(
    {Phase.WARM, Phase.END_TO_END, Phase.TRANSFORM, Phase.MORE_WORKERS, Phase.LARGER_BATCH}
)
"""Phases of which the rate decides, and in which batches arrive as unevenly as in `warm`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What is to be printed."""

    bench: Bench
    evidence: Evidence
    verdict: Verdict
    confirmation: Confirmation | None
    unconfirmed: str = ""
    """Why nothing was relieved, where something is named."""
    tries: tuple[Try, ...]
    records: tuple[Record, ...]
    seconds: float


def diagnose(session: Session, bench: Bench, *, quick: bool) -> Diagnosis:
    """Runs the phases, names what is narrow, relieves it, and tries other settings.

    The session has begun. Raises `BadInput` where the loader cannot be measured at all.
    """
    bench = _first(session, bench)
    phases_share = 1.0 if quick else PHASES_SHARE
    seconds, enough = (FIRST_SECONDS, QUICKLY_ENOUGH) if quick else (SECONDS, ENOUGH)
    _run_phases(session, bench, phases_share, seconds=seconds, enough=enough)
    evidence = gather(session, bench)
    verdict = judge(evidence)
    confirmation = None if quick else confirm(session, bench, evidence, verdict.named, CONFIRM_SHARE)
    tries = () if quick else tuple(try_settings(session, bench))
    if confirmation is None:  # nothing rests on the verdict yet, and time may be left
        _more_blocks(session, bench, 1.0, seconds=seconds, enough=enough)
        evidence = gather(session, bench)
        verdict = judge(evidence)
    return Diagnosis(
        bench=bench,
        evidence=evidence,
        verdict=verdict,
        confirmation=confirmation,
        unconfirmed="" if confirmation else _unconfirmed(verdict.named, quick=quick),
        tries=tries,
        records=tuple(session.records),
        seconds=session.seconds,
    )


_NAMELESS = (Narrow.UNDECIDED, Narrow.BALANCED)
_UNRELIEVED = (Narrow.TRANSFORM, Narrow.BATCHING, Narrow.TRANSFER)


def _unconfirmed(named: Named, *, quick: bool) -> str:
    if named.verdict in _NAMELESS:
        return ""
    if quick:
        return "nothing is relieved with --quick"
    if named.verdict in _UNRELIEVED or named.detail is Detail.LOCK:
        return "pipebench has nothing that relieves it"
    return "what relieves it could not be tried here, or would not bring enough to be seen"


def _first(session: Session, bench: Bench) -> Bench:
    """The loader into the null step, for as long as its arrivals ask for; its record names the settings."""
    lasts, record = FIRST_SECONDS, _alone(session, bench, FIRST_SECONDS)
    if not was_warm(record):
        dataset = open_dataset(bench.trial(Phase.WARM).data)
        warm_up(dataset, lambda: session.allows(WARMING_SHARE))
        record = _alone(session, bench, FIRST_SECONDS)
    while (needed := _seconds_if_uneven(session, Phase.WARM)) > MUCH_LONGER * lasts:
        lasts, record = needed, _alone(session, bench, needed)
    return with_workers(replace(bench, fused=fused_by(bench.spec)), record)


def _alone(session: Session, bench: Bench, seconds: float) -> Record:
    """The loader into the null step."""
    record = session.attempt(Phase.WARM, replace(bench.trial(Phase.WARM), seconds=seconds), 0)
    if session.seen(Phase.WARM) is None:
        hint = "" if bench.is_own else "; try a smaller --batch-size"
        reason = record.reason or f"fewer than three batches arrived{hint}"
        raise BadInput(f"{session.loader} cannot be diagnosed here: {reason}")
    return record


def with_workers(bench: Bench, record: Record) -> Bench:
    """The bench with the setting that says how many workers there are, as a trial of the loader names it."""
    knob = next((name for name in WORKER_KNOBS if type(record.settings.get(name)) is int), "")
    return replace(bench, worker_knob=knob, workers=record.settings[knob] if knob else 0)


def _run_phases(session: Session, bench: Bench, share: float, *, seconds: float, enough: int) -> None:
    """Block after block, until the time for it is up or a verdict stands on enough of them."""
    for stage in (_ends, _cheapest_cut, _probes, _other_cuts, _scaling):
        for phase in stage(session, bench):
            _try_phase(session, bench, phase, 0, FIRST_SECONDS, share)
        _check_step(session)
    _more_blocks(session, bench, share, seconds=seconds, enough=enough)
    _try_core_counts(session, bench, share)


def _more_blocks(session: Session, bench: Bench, share: float, *, seconds: float, enough: int) -> None:
    """Of the terms that may decide."""
    block = 1 + max(record.block for record in session.records)
    while session.allows(share) and not (block >= enough and _is_settled(session, bench)):
        phases = [*_narrow(session, bench), *_probes(session, bench)]
        random.Random(f"{bench.spec.seed}/{block}").shuffle(phases)  # noqa: S311 - an order, not a secret
        ran = [_try_phase(session, bench, phase, block, seconds, share) for phase in phases]
        if not any(ran):
            break
        block += 1


def _check_step(session: Session) -> None:
    """Raises `BadInput` where loader and step can't run together."""
    failed = [record for record in session.of(Phase.END_TO_END) if record.status != "ok"]
    if failed:
        raise BadInput(f"{session.loader} and the step cannot run together: {failed[0].reason}")


def _try_phase(
    session: Session, bench: Bench, phase: Phase, block: int, seconds: float, share: float
) -> bool:
    """Whether it was run: not where it would take too long, or has failed before."""
    lasts = max(seconds, _seconds_if_uneven(session, phase))
    if session.failed(phase) or not session.allows(share, lasts):
        return False
    session.attempt(phase, replace(bench.trial(phase), seconds=lasts), block)
    return True


def _try_core_counts(session: Session, bench: Bench, share: float) -> None:
    """2, 4, 8, ... of them, where there are more and time is left: no verdict rests on them."""
    for count in core_counts(len(bench.spec.cpus))[1:-1]:
        if session.allows(share, IMPORT_SECONDS + FIRST_SECONDS):
            spec = replace(bench.on_cores(count), seconds=FIRST_SECONDS)
            session.attempt(Phase.FEWER_CORES, spec, 0, str(count))


def _seconds_if_uneven(session: Session, phase: Phase) -> float:
    """So long that uneven arrivals matter little, but no large part of the time."""
    if phase not in LENGTHENED:
        return 0.0
    needed = max(seconds_for(session.of(seen)) for seen in {Phase.WARM, phase})
    return min(MOST_OF_TIME * session.max_seconds, needed)


def _ends(session: Session, bench: Bench) -> list[Phase]:  # noqa: ARG001 - one of several
    """What bounds the pipeline besides the loader, which has run."""
    phases = {
        Phase.END_TO_END: bench.whole is Phase.END_TO_END,
        Phase.STEP_ONLY: bench.has_step,
        Phase.TRANSFER_ONLY: bench.has_device,
        Phase.COLD_READ: bench.meets_storage,
    }
    return [phase for phase, wanted in phases.items() if wanted]


def _cheapest_cut(session: Session, bench: Bench) -> list[Phase]:
    return [Phase.READ] if _loader_matters(session, bench) else []


def _other_cuts(session: Session, bench: Bench) -> list[Phase]:
    return [Phase.TRANSFORM, Phase.DECODE] if _loader_matters(session, bench) else []


def _scaling(session: Session, bench: Bench) -> list[Phase]:  # noqa: ARG001 - as above
    return [Phase.ONE_CORE] if len(bench.spec.cpus) > 1 else []


def _loader_matters(session: Session, bench: Bench) -> bool:
    return not bench.is_own and LOADER in _near(gather(session, bench))


def _probes(session: Session, bench: Bench) -> list[Phase]:
    """What tells idle cores' reasons apart, where the loader is narrow and leaves cores idle."""
    use = gather(session, bench).loader.use
    if use is None or use.low >= FULL or not _loader_matters(session, bench):
        return []
    more = [Phase.MORE_WORKERS] if bench.worker_knob else []
    return [Phase.LARGER_BATCH, *more, Phase.READ_ONE_CORE]


def _near(evidence: Evidence) -> list[str]:
    """The terms within `NEAR` of the lowest."""
    found = terms(evidence)
    lowest = min(rate.estimate for rate in found.values())
    return [name for name, rate in found.items() if rate.estimate <= NEAR * lowest]


_OF_TERM = {
    Narrow.STEP: Phase.STEP_ONLY,
    Narrow.TRANSFER: Phase.TRANSFER_ONLY,
    LOADER: Phase.WARM,
    Narrow.STORAGE: Phase.COLD_READ,
}


def _narrow(session: Session, bench: Bench) -> list[Phase]:
    """The terms that may decide, and the cuts where the loader does."""
    evidence = gather(session, bench)
    near = _near(evidence)
    both = [Phase.WARM, Phase.STEP_ONLY] if Narrow.CPU_SHARED in near else []
    phases = [*(_OF_TERM[name] for name in near if name in _OF_TERM), *both]
    if bench.whole is Phase.END_TO_END:
        phases.append(Phase.END_TO_END)
    return [*dict.fromkeys(phases), *(CUTS if LOADER in near and not bench.is_own else ())]


def _is_settled(session: Session, bench: Bench) -> bool:
    return judge(gather(session, bench)).named.verdict is not Narrow.UNDECIDED


def gather(session: Trials, bench: Bench) -> Evidence:
    """What the phases have shown so far."""
    meets_storage = {"boundaries": bench.meets_storage}
    ways = {
        Phase.STEP_ONLY: {"by_clock": _is_emulated(bench)},
        Phase.COLD_READ: meets_storage,
        Phase.END_TO_END: meets_storage,
    }
    seen = {phase: see(session.of(phase), **ways.get(phase, {})) for phase in Phase}
    loader = seen[Phase.WARM]
    assert loader is not None
    cuts = {stage: found for phase, stage in CUTS.items() if (found := seen[phase]) is not None}
    return Evidence(
        cores=len(bench.spec.cpus),
        loader=loader,
        step=seen[Phase.STEP_ONLY],
        transfer=seen[Phase.TRANSFER_ONLY],
        storage=seen[Phase.COLD_READ],
        end_to_end=seen[Phase.END_TO_END],
        one_core=seen[Phase.ONE_CORE],
        by_cores=_by_cores(session, len(bench.spec.cpus)),
        cuts=cuts,
        read_one_core=seen[Phase.READ_ONE_CORE],
        more_workers=seen[Phase.MORE_WORKERS],
        larger_batch=seen[Phase.LARGER_BATCH],
        workers=bench.workers,
        is_remote=bench.is_remote and not bench.memory,
        fused=bench.fused,
        lacks=_lacks(bench, seen),
        not_warm=not was_warm(session.of(Phase.WARM)[0]),
    )


def _lacks(bench: Bench, seen: Mapping[Phase, Seen | None]) -> str:
    """A term that there is and that was not measured alone; empty where there is none."""
    if bench.has_step and seen[Phase.STEP_ONLY] is None:
        return "step"
    return "transfer" if bench.has_device and seen[Phase.TRANSFER_ONLY] is None else ""


def _by_cores(session: Trials, cores: int) -> dict[int, Seen]:
    found = {count: session.seen(Phase.FEWER_CORES, str(count)) for count in core_counts(cores)[1:-1]}
    return {count: seen for count, seen in found.items() if seen is not None}


def _is_emulated(bench: Bench) -> bool:
    return parse_step(bench.spec.step).kind == "emulate"
