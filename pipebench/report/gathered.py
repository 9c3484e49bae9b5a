"""What results hold, for a page: each contestant on each step, its trials, and where each of them stands."""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from pipebench.audit import CHECKS, file_findings
from pipebench.audit_figures import limited, plausible, proved, reproducible
from pipebench.contest import Line, Terms, contest
from pipebench.diagnosis.phases import Phase, phase_of
from pipebench.errors import BadInput
from pipebench.figures import Derive, Figures
from pipebench.findings import Check, Finding, make_run
from pipebench.pytest_benchmark import Benchmark
from pipebench.result_files import Source, all_series
from pipebench.results import Record
from pipebench.series import Series
from pipebench.summary import Row, summarise
from pipebench.sweep import fewer


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """One record."""

    number: int
    """From 0, throughout the page."""
    result: str
    record: Record
    figures: Figures | None
    place: str
    """Where it stands in its file: `line 4`, or of a benchmark `record 4`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry:
    """One contestant on one step in one run or benchmark."""

    number: int
    """From 0, throughout the page."""
    result: str
    path: str
    """The file, as a command line names it."""
    blocks: bool
    """As of its part."""
    row: Row
    trials: tuple[Trial, ...]

    @property
    def measured(self) -> bool:
        return self.row.samples_per_second is not None

    @property
    def until(self) -> str:
        """The stage after which the loader was cut; `batch` if it wasn't."""
        return self.trials[0].record.spec.until if self.trials else "batch"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """One run of a file, or one benchmark of it that holds records."""

    name: str
    path: str
    blocks: bool
    """Whether its trials ran in blocks that held every contestant."""
    trials: tuple[Trial, ...]
    """All records, proofs of work and the resident loader's among them."""
    entries: tuple[Entry, ...]
    findings: tuple[Finding, ...]
    """What limits its figures or contradicts them."""

    @property
    def records(self) -> list[Record]:
        return [trial.record for trial in self.trials]

    @property
    def rows(self) -> list[Row]:
        return [entry.row for entry in self.entries]

    @property
    def phases(self) -> bool:
        """Whether these are a diagnosis's phases, which are no rivals of each other."""
        return any(phase_of(trial.record) for trial in self.trials)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gathered:
    """Everything that a page tells of."""

    names: tuple[str, ...]
    """Of the results."""
    parts: tuple[Part, ...]
    series: Sequence[Series]
    lines: Sequence[Line]
    """As `compare` has them; where it refuses, of each session alone."""
    terms: Terms
    refusal: str = ""
    """Why the results are not compared with each other."""
    derive: Derive = field(repr=False)

    @property
    def entries(self) -> list[Entry]:
        return [entry for part in self.parts for entry in part.entries]

    @property
    def trials(self) -> list[tuple[Part, Trial]]:
        return [(part, trial) for part in self.parts for trial in part.trials]

    @property
    def failed(self) -> bool:
        """Whether a trial that was to be compared did not end well."""
        return any(one.status in ("failed", "timeout") for one in self.series)


def gather(
    sources: Sequence[Source], paths: Sequence[Path | None], derive: Derive, terms: Terms | None = None
) -> Gathered:
    """What the sources hold; a path of None is not told. Raises `BadInput` for a run that is there twice."""
    terms = terms or Terms()
    series = all_series(sources, derive)
    numbering = _Numbering()
    parts = [
        part
        for source, path in zip(sources, paths, strict=True)
        for part in _parts(source, shlex.quote(str(path)) if path else "RESULT", numbering, derive)
    ]
    diagnosed = {record.run for part in parts if part.phases for record in part.records}
    lines, refusal = _contest([one for one in series if one.session.run not in diagnosed], terms)
    return Gathered(
        names=tuple(source.name for source in sources),
        parts=tuple(parts),
        series=series,
        lines=lines,
        terms=terms,
        refusal=refusal,
        derive=derive,
    )


def _contest(series: Sequence[Series], terms: Terms) -> tuple[list[Line], str]:
    """All series against each other, or where they are not alike each session alone, and why."""
    try:
        return (contest(series, terms) if series else []), ""
    except BadInput as problem:
        sessions = list(dict.fromkeys(one.session for one in series))
        if len(sessions) == 1:
            return [], str(problem)
        alone = (_contest([one for one in series if one.session == session], terms) for session in sessions)
        return [line for lines, _ in alone for line in lines], str(problem)


class _Numbering:
    """Counts entries and trials over all files."""

    def __init__(self) -> None:
        self.entries, self.trials = count(), count()


def _parts(source: Source, path: str, numbering: _Numbering, derive: Derive) -> Iterator[Part]:
    lines = {id(record): n for n, record in enumerate(source.contents.records if source.contents else (), 1)}
    of_file = file_findings(source.contents, len(source.runs)) if source.contents else ()
    said = [finding for finding in of_file if finding.state != "ok"]
    for order, records in enumerate(source.runs.values(), 1):
        name = source.name if len(source.runs) == 1 else f"{source.name} (run {order})"
        places = [f"line {lines[id(record)]}" for record in records]
        trials = _trials(name, records, places, numbering, derive)
        yield _part((name, path), trials, numbering, derive, said=said if order == 1 else ())
    for benchmark in source.benchmarks.benchmarks if source.benchmarks else ():
        if benchmark.records:
            yield _benchmark(f"{source.name}: {benchmark.name}", path, benchmark, numbering, derive)


def _benchmark(name: str, path: str, benchmark: Benchmark, numbering: _Numbering, derive: Derive) -> Part:
    places = [f"record {n}" for n in range(1, len(benchmark.records) + 1)]
    trials = _trials(name, benchmark.records, places, numbering, derive)
    return _part((name, path), trials, numbering, derive, blocks=False)


def _trials(
    result: str, records: Sequence[Record], places: Iterable[str], numbering: _Numbering, derive: Derive
) -> tuple[Trial, ...]:
    return tuple(
        Trial(
            number=next(numbering.trials),
            result=result,
            record=record,
            figures=derive(record) if record.block >= 0 else None,
            place=place,
        )
        for record, place in zip(records, places, strict=True)
    )


_OF_RUNS = tuple(check for check in CHECKS if check is not reproducible)
"""Deriving everything a second time is left to `pipebench audit`, which takes its time."""
_OF_BENCHMARKS: tuple[Check, ...] = (plausible, proved, limited)


def _part(
    names: tuple[str, str],
    trials: tuple[Trial, ...],
    numbering: _Numbering,
    derive: Derive,
    *,
    blocks: bool = True,
    said: Iterable[Finding] = (),
) -> Part:
    (name, path), records = names, [trial.record for trial in trials]
    run = make_run(records, derive)
    checked = (finding for check in (_OF_RUNS if blocks else _OF_BENCHMARKS) for finding in check(run))
    return Part(
        name=name,
        path=path,
        blocks=blocks,
        trials=trials,
        entries=tuple(_entries(names, trials, numbering, derive, blocks=blocks)),
        findings=(*said, *(finding for finding in checked if finding.state != "ok")),
    )


def _entries(
    names: tuple[str, str], trials: Sequence[Trial], numbering: _Numbering, derive: Derive, *, blocks: bool
) -> Iterator[Entry]:
    own: dict[tuple[str, str], list[Trial]] = {}
    for trial in trials:
        if trial.record.block >= 0:
            own.setdefault((trial.record.contestant, trial.record.spec.step), []).append(trial)
    for row in summarise([trial.record for trial in trials], derive):
        found = tuple(own.get((row.contestant, row.step), ()))
        yield Entry(
            number=next(numbering.entries),
            result=names[0],
            path=names[1],
            blocks=blocks,
            row=row,
            trials=found,
        )


_OF_ONE_LOADER = (
    Phase.WARM,
    Phase.READ,
    Phase.DECODE,
    Phase.TRANSFORM,
    Phase.ONE_CORE,
    Phase.READ_ONE_CORE,
)
"""Phases of a diagnosis that differ in a cut or in cores alone."""


def loader_name(record: Record) -> str:
    """The contestant; of a diagnosis's phases, or of core counts of a sweep, that are one loader, that."""
    told = phase_of(record)
    if told and told[1] in _OF_ONE_LOADER:
        return told[0]
    return record.contestant.removesuffix(fewer("", len(record.spec.cpus)))


def setup(entry: Entry, without: str) -> tuple[tuple[str, Any], ...]:
    """What two entries must share to be points of one curve over the thing left out, such as `cores`."""
    record = entry.trials[0].record
    spec, machine = record.spec, record.machine
    told = {
        "contestant": loader_name(record),
        "cores": len(spec.cpus),
        "step": spec.step,
        "until": spec.until,
        "workload": (spec.batch_size, str(sorted(spec.preprocessing.items())), spec.shuffle, spec.drop_last),
        "cache": spec.cache,
        "device": spec.device,
        "data": (record.content_id or spec.data, record.format),
        "interpreter": (spec.python, spec.source),
        "host": (machine.get("host"), machine.get("cpu")),
    }
    return tuple((name, value) for name, value in told.items() if name != without)
