"""Files of pytest-benchmark: its own measurements, and the records that pipebench's suites leave in them.

Rounds of one benchmark follow each other in one process and share no block with another benchmark's, so
they are not paired, unless the benchmarks say that their rounds took turns. Only `--benchmark-json` and
`--benchmark-save-data` keep each round's time; of other files mean, standard deviation and number of rounds
are all there is.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import fmean, median
from typing import Any

from pipebench.compare import marked_blocks
from pipebench.conditions import Conditions, conditions
from pipebench.errors import BadInput, one_line
from pipebench.figures import Derive
from pipebench.results import Record, from_raw
from pipebench.series import Series, Session
from pipebench.summary import summarise
from pipebench.unpaired import Moments
from pipebench.wellformed import LARGEST

RECORDS = "records"
"""In a benchmark's `extra_info`: pipebench's record of each round."""
INTERLEAVED = "interleaved"
"""There too: true where round n of every benchmark that says so was measured before any round n+1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One benchmark of a file."""

    name: str
    fullname: str
    group: str
    seconds: tuple[float, ...]
    """Of each round, where the file keeps them."""
    moments: Moments
    stats: Mapping[str, float]
    """All numbers that the file states of it."""
    records: tuple[Record, ...]
    interleaved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkFile:
    """What a file holds."""

    benchmarks: tuple[Benchmark, ...]
    machine: Mapping[str, Any]
    when: str
    version: str


def parse(raw: Mapping[str, Any]) -> BenchmarkFile:
    """The file's JSON; raises `BadInput` for what is none or holds impossible numbers."""
    benchmarks = raw.get("benchmarks")
    if not isinstance(benchmarks, list) or not all(isinstance(b, dict) for b in benchmarks):
        raise BadInput("not a file of pytest-benchmark (no list of benchmarks)")
    machine = raw.get("machine_info")
    return BenchmarkFile(
        benchmarks=tuple(_benchmark(benchmark) for benchmark in benchmarks),
        machine=machine if isinstance(machine, dict) else {},
        when=_text(raw.get("datetime")),
        version=_text(raw.get("version")),
    )


def _benchmark(raw: Mapping[str, Any]) -> Benchmark:
    name = _text(raw.get("name"))
    stats, told = raw.get("stats"), raw.get("extra_info")
    extra = told if isinstance(told, dict) else {}
    if not name or not isinstance(stats, dict):
        raise BadInput("not a file of pytest-benchmark (a benchmark without name or stats)")
    try:
        seconds = tuple(_positive(value) for value in _list(stats.get("data")))
        numbers = {key: value for key, value in stats.items() if _number(value)}
        return Benchmark(
            name=name,
            fullname=_text(raw.get("fullname")) or name,
            group=_text(raw.get("group")),
            seconds=seconds,
            moments=_moments(numbers, seconds),
            stats=numbers,
            records=_records(extra),
            interleaved=extra.get(INTERLEAVED) is True,
        )
    except BadInput as problem:
        raise BadInput(f"benchmark {one_line(name, 100)!r}: {problem}") from None


def _moments(stats: Mapping[str, float], seconds: Sequence[float]) -> Moments:
    rounds = len(seconds) or stats.get("rounds")
    deviation = stats.get("stddev")
    if not isinstance(rounds, int) or rounds < 1 or (deviation is not None and deviation < 0):
        raise BadInput("its rounds or its stddev are impossible")
    mean = fmean(seconds) if seconds else _positive(stats.get("mean"))
    return Moments(mean=mean, deviation=deviation if rounds > 1 else None, rounds=rounds)


def _records(extra: Mapping[str, Any]) -> tuple[Record, ...]:
    held = extra.get(RECORDS)
    if not isinstance(held, list) or not all(isinstance(r, dict) and "schema" in r for r in held):
        return ()
    return tuple(from_raw({**record}) for record in held)


def _number(value: object) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    return type(value) is int and abs(value) <= LARGEST


def _positive(value: Any) -> float:
    if not _number(value) or not 1e-12 < value < 1e12:
        raise BadInput(f"a time of {one_line(repr(value), 30)} seconds is impossible")
    return float(value)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def series_of(session: Session, file: BenchmarkFile, derive: Derive) -> list[Series]:
    """One for each benchmark; of pipebench's own the contestant is the loader."""
    names = Counter((benchmark.group, benchmark.name) for benchmark in file.benchmarks)
    return [
        _series(session, file, benchmark, derive, unique=names[benchmark.group, benchmark.name] == 1)
        for benchmark in file.benchmarks
    ]


def _series(
    session: Session, file: BenchmarkFile, benchmark: Benchmark, derive: Derive, *, unique: bool
) -> Series:
    found = [(record, figures) for record in benchmark.records if (figures := derive(record))]
    row = next(iter(summarise(benchmark.records, derive)), None) if found else None
    name = benchmark.name if unique else benchmark.fullname
    speeds = {number: 1 / seconds for number, seconds in enumerate(benchmark.seconds)}
    return Series(
        session=session,
        contestant=found[0][0].contestant if found else name,
        loader=found[0][0].spec.loader if found else "",
        task=_task(benchmark, ours=bool(found)),
        unit="rounds/s",
        speeds=speeds,
        marked=_marked(benchmark, derive),
        interleaved=benchmark.interleaved,
        moments=None if speeds else benchmark.moments,
        conditions=conditions(found) if found else foreign_conditions(file.machine),
        settings=row.settings if row else {},
        versions=row.versions if row else _versions(file.machine),
        row=row,
        speed=1 / (median(benchmark.seconds) if speeds else benchmark.moments.mean),
    )


def _task(benchmark: Benchmark, *, ours: bool) -> str:
    """Its group; of ours, where it has none, the test without its parameters."""
    return benchmark.group or (benchmark.name.partition("[")[0] if ours else "")


def _marked(benchmark: Benchmark, derive: Derive) -> frozenset[int]:
    """Rounds that were disturbed, where there is a record of each."""
    if len(benchmark.records) != len(benchmark.seconds):
        return frozenset()
    return frozenset(n for n, record in enumerate(benchmark.records) if marked_blocks([record], derive))


def _versions(machine: Mapping[str, Any]) -> dict[str, str]:
    python = _text(machine.get("python_version"))
    return {"python": python} if python else {}


def foreign_conditions(machine: Mapping[str, Any]) -> Conditions:
    """Those that pytest-benchmark notes: older files name no processor, none tells data or cache."""
    processor = machine.get("cpu")
    cpu = processor if isinstance(processor, dict) else {}
    brand = _text(cpu.get("brand_raw")) or _text(cpu.get("brand")) or _text(machine.get("processor"))
    count = f"{cpu['count']} cores" if isinstance(cpu.get("count"), int) else ""
    node = _text(machine.get("node"))
    return Conditions(
        host=", ".join(filter(None, (brand, count, _text(machine.get("machine"))))) or None,
        data=None,
        cache=None,
        workload=None,
        machine=node or None,
    )
