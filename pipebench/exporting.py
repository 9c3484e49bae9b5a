"""Results for other tools: one row a trial or one a batch, one trial, and copies of files without names."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from pipebench.anonymous import Redactor
from pipebench.audit_figures import by_name
from pipebench.errors import BadInput, unknown
from pipebench.figures import Derive, Figures, window
from pipebench.pytest_benchmark import Benchmark
from pipebench.result_files import Source, is_lines, open_source, read_json
from pipebench.results import CEILING, Record, read_raw
from pipebench.usage import Usage, usage

Row = Mapping[str, Any]


def trial_rows(source: Source, derive: Derive) -> Iterator[Row]:
    """One row a record, with all that it tells and all its figures; of a benchmark one a round."""
    for record in source.contents.records if source.contents else ():
        yield _trial(source.name, record, derive)
    for benchmark in source.benchmarks.benchmarks if source.benchmarks else ():
        yield from _rounds(source.name, benchmark, derive)


def _trial(result: str, record: Record, derive: Derive) -> dict[str, Any]:
    spec = asdict(record.spec)
    told = {name: getattr(record, name) for name in _OF_RECORD}
    spec = {name if name not in told and name != "cache" else f"spec_{name}": v for name, v in spec.items()}
    found, used = derive(record), usage(record)
    own = by_name(found) if found else dict.fromkeys(_FIGURES)
    label = found.cache if found else None
    return {
        "result": result,
        **told,
        **spec,
        **own,
        "cache": label,
        **(asdict(used) if used else dict.fromkeys(_USAGE)),
        "round_seconds": None,
    }


_OF_RECORD = (
    "run",
    "contestant",
    "block",
    "status",
    "reason",
    "started",
    "content_id",
    "format",
    "kind",
    "settings",
    "versions",
    "machine",
    "limits",
    "same_work",
)
_FIGURES = (
    *(field.name for field in fields(Figures) if field.name not in ("wait_seconds", "cache")),
    "wait_p50_seconds",
    "wait_p95_seconds",
    "wait_p99_seconds",
)
_USAGE = tuple(field.name for field in fields(Usage))


def _rounds(result: str, benchmark: Benchmark, derive: Derive) -> Iterator[Row]:
    """Those that the file keeps; with a record for each, that record's row."""
    whole = len(benchmark.records) == len(benchmark.seconds)
    for number, seconds in enumerate(benchmark.seconds):
        own = _trial(result, benchmark.records[number], derive) if whole else {}
        names = {"result": result, "contestant": benchmark.name, "block": number}
        yield {**names, **own, "round_seconds": seconds}


def batch_rows(source: Source) -> Iterator[Row]:
    """One row a batch of every trial: the raw times, and whether the batch counts."""
    for record in source.contents.records if source.contents else ():
        yield from _batches(source.name, record)


def _batches(result: str, record: Record) -> Iterator[Row]:
    trace = record.trace
    if trace is None:
        return
    counted = window(record).batches if len(trace.got_ns) >= 3 else range(0)
    starts, epoch = set(trace.epochs), -1
    for batch, (asked, got, size) in enumerate(zip(trace.asked_ns, trace.got_ns, trace.sizes, strict=True)):
        epoch += batch in starts
        yield {
            "result": result,
            "run": record.run,
            "contestant": record.contestant,
            "block": record.block,
            "step": record.spec.step,
            "epoch": epoch,
            "batch": batch,
            "samples": size,
            "asked_ns": asked,
            "got_ns": got,
            "wait_ns": got - asked,
            "counts": batch in counted,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which trial; None: any."""

    contestant: str | None = None
    block: int | None = None
    step: str | None = None

    def fits(self, record: Record) -> bool:
        return (
            self.contestant in (None, record.contestant)
            and self.block in (None, record.block)
            and self.step in (None, record.spec.step)
        )


def choose(sources: Iterable[Source], choice: Choice) -> tuple[Record, int]:
    """The first trial that ended `ok` and fits, rivals of the ceiling first, and how many fit.

    Raises `BadInput` where none does.
    """
    measured = [record for record in _records(sources) if record.status == "ok" and _has_batches(record)]
    if not measured:
        raise BadInput("no trial in it ended ok and brought a batch")
    names = {record.contestant for record in measured}
    if choice.contestant is not None and choice.contestant not in names:
        raise unknown("contestant", choice.contestant, names)
    fitting = [record for record in measured if choice.fits(record)]
    if not fitting:
        raise BadInput("no trial of that contestant, block and step ended ok; --of trials lists them all")
    rivals = [record for record in fitting if record.spec.loader != CEILING] or fitting
    return rivals[0], len(rivals)


def _records(sources: Iterable[Source]) -> Iterator[Record]:
    for source in sources:
        yield from source.contents.records if source.contents else ()
        for benchmark in source.benchmarks.benchmarks if source.benchmarks else ():
            yield from benchmark.records


def _has_batches(record: Record) -> bool:
    return record.trace is not None and len(record.trace.got_ns) > 0


def copy(path: Path, *, redact: bool) -> Iterator[str]:
    """The lines of a results file that hold together, without any names in them if asked.

    Raises `BadInput` for a file that is neither pipebench's nor pytest-benchmark's, before the first line.
    """
    redactor = Redactor()

    def learnt(raw: dict[str, Any]) -> dict[str, Any]:
        redactor.learn(raw)
        return raw

    open_source(path, "", learnt)
    prepare = redactor.record if redact else learnt
    if not is_lines(path):
        yield json.dumps(prepare(read_json(path)), indent=1)
        return
    for raw in read_raw(path):
        yield json.dumps(prepare(raw), separators=(",", ":"))
