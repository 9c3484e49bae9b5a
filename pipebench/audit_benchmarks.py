"""What an audit asks of a file of pytest-benchmark: its statistics, and the records in it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isclose
from statistics import fmean, median, stdev

from pipebench.figures import Derive, Figures
from pipebench.findings import Finding
from pipebench.pytest_benchmark import Benchmark

TOLERANCE = 1e-9

_STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "min": min,
    "max": max,
    "mean": fmean,
    "median": median,
    "stddev": lambda seconds: stdev(seconds) if len(seconds) > 1 else 0.0,
    "rounds": len,
    "total": sum,
}

_TIMES: Sequence[Callable[[Figures], float]] = (
    lambda found: 1 / found.samples_per_second,
    lambda found: found.startup_seconds + found.first_batch_seconds,
    lambda found: found.batch_seconds,
    lambda found: found.first_batch_seconds,
    lambda found: found.window_seconds,
)
"""What a benchmark of pipebench's may time, the first up to a factor: the samples of an epoch."""


def statistics(benchmark: Benchmark) -> Iterator[Finding]:
    """Those that can be derived from the rounds; without rounds there is nothing to derive from."""
    if not benchmark.seconds:
        text = f"{benchmark.name}: the file keeps no rounds, so its statistics cannot be reproduced"
        yield Finding(state="note", topic="statistics", text=text)
        return
    wrong = [
        name
        for name, derive in _STATISTICS.items()
        if name in benchmark.stats
        and not isclose(benchmark.stats[name], derive(benchmark.seconds), rel_tol=TOLERANCE, abs_tol=1e-15)
    ]
    if wrong:
        text = f"{benchmark.name}: {', '.join(wrong)} cannot be reproduced from its rounds"
        yield Finding(state="wrong", topic="statistics", text=text)


def records(benchmark: Benchmark, derive: Derive) -> Iterator[Finding]:
    """Whether the rounds' times come from the records that go with them."""
    found = [figures for record in benchmark.records if (figures := derive(record))]
    if not benchmark.records or not benchmark.seconds:
        return
    if len(found) != len(benchmark.seconds):
        text = f"{benchmark.name}: {len(benchmark.seconds)} rounds and {len(found)} records with figures"
        yield Finding(state="wrong", topic="records", text=text)
    elif not any(_explains(time, found, benchmark.seconds) for time in _TIMES):
        text = f"{benchmark.name}: its rounds' times follow from no figure of its records"
        yield Finding(state="wrong", topic="records", text=text)


def _explains(time: Callable[[Figures], float], found: Sequence[Figures], seconds: Sequence[float]) -> bool:
    """Whether every round took the same multiple of that time, which is 1 but for whole epochs."""
    factors = [took / time(figures) for took, figures in zip(seconds, found, strict=True)]
    same = all(isclose(factor, factors[0], rel_tol=1e-6) for factor in factors)
    return same and (time is _TIMES[0] or isclose(factors[0], 1, rel_tol=1e-6))
