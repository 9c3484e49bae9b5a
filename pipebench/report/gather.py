"""Sources of results -> everything that a page tells of them."""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path

from pipebench.audit import CHECKS, file_findings
from pipebench.audit_figures import limited, plausible, proved, reproducible
from pipebench.contest import Line, Terms, contest
from pipebench.errors import BadInput
from pipebench.figures import Derive
from pipebench.findings import Check, Finding, make_run
from pipebench.pytest_benchmark import Benchmark
from pipebench.report.gathered import Entry, Gathered, Part, Trial
from pipebench.result_files import Source, all_series
from pipebench.results import Record
from pipebench.series import Series
from pipebench.summary import summarise


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
