"""A diagnosis once more, from the trials that a results file holds."""

from collections.abc import Iterator, Sequence

from pipebench import registry
from pipebench.contract import Stage
from pipebench.diagnosis.phases import Bench, Phase, phase_of
from pipebench.diagnosis.run import Diagnosis, gather, with_workers
from pipebench.diagnosis.session import Trials
from pipebench.diagnosis.verdict import judge
from pipebench.errors import BadInput
from pipebench.files import is_local
from pipebench.results import Record


def again(records: Sequence[Record]) -> Iterator[Diagnosis]:
    """What their phases show, a loader and a run at a time; whether it was confirmed is not told.

    Loaders that are not installed are not imported: a file may name anything.
    """
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        if found := phase_of(record):
            groups.setdefault((record.run, found[0]), []).append(record)
    for (_, loader), trials in groups.items():
        if (diagnosis := _diagnosis(Trials(loader=loader, records=trials))) is not None:
            yield diagnosis


def _diagnosis(trials: Trials) -> Diagnosis | None:
    """None where the loader alone was not measured."""
    if trials.seen(Phase.WARM) is None:
        return None
    bench = _bench(trials)
    evidence = gather(trials, bench)
    return Diagnosis(
        bench=bench,
        evidence=evidence,
        verdict=judge(evidence),
        confirmation=None,
        tries=(),
        records=tuple(trials.records),
        seconds=0.0,
    )


def _bench(trials: Trials) -> Bench:
    loader = trials.of(Phase.WARM)[0]
    spec = (trials.of(Phase.END_TO_END) or [loader])[0].spec
    bench = Bench(
        spec=spec,
        is_remote=bool(spec.data) and not is_local(spec.data),
        memory=loader.spec.data if loader.spec.data != spec.data else "",
        fused=_fused(spec.loader),
    )
    return with_workers(bench, loader)


def _fused(loader: str) -> tuple[tuple[Stage, ...], ...]:
    if registry.is_path(loader):
        return ()
    try:
        return registry.loader(loader).fused
    except BadInput:
        return ()
