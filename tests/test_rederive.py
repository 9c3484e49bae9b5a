"""The second derivation agrees with the first on whatever a trace may hold."""

import math
from array import array
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipebench.figures import Figures, figures
from pipebench.measure import Look, Trace
from pipebench.rederive import rederive
from pipebench.results import Record

Make = Callable[..., Record]


def told(found: Figures | None) -> dict[str, float | None]:
    """The figures under the names of `rederive`."""
    if found is None:
        return {}
    raw = asdict(found)
    waits = raw.pop("wait_seconds")
    raw.pop("cache")
    return raw | {f"wait_p{p}_seconds": wait for p, wait in zip((50, 95, 99), waits, strict=True)}


def assert_same(record: Record) -> None:
    ours, theirs = told(figures(record)), rederive(record)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        other = theirs[name]
        assert (value is None) is (other is None), name
        assert value is None or math.isclose(value, other or 0, rel_tol=1e-9, abs_tol=1e-12), name


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    gaps = draw(st.lists(st.integers(1_000_000, 90_000_000), min_size=1, max_size=70))
    waits = draw(st.lists(st.integers(0, 1_000_000), min_size=len(gaps), max_size=len(gaps)))
    got, asked = [500_000_000], [1]
    for gap, wait in zip(gaps, waits, strict=True):
        asked.append(got[-1] + gap - wait)
        got.append(got[-1] + gap)
    epoch = draw(st.integers(1, 90))
    sizes = [draw(st.integers(1, 9)) if i % epoch == epoch - 1 else 10 for i in range(len(got))]
    starts = list(range(0, len(got) + 1, epoch))
    step = draw(st.integers(1, 12))
    looks = [Look(i + 1, got[i], got[i] // 3, got[i] // 2) for i in range(0, len(got), step)]
    return Trace(array("q", asked), array("q", got), array("q", sizes), starts, looks)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(traces(), st.integers(1, 5), st.sampled_from(["null", "emulate:900", "model:m"]))
def test_both_derivations_agree(make_record: Make, trace: Trace, cores: int, step: str) -> None:
    record = make_record(step=step, trace=trace)
    assert_same(replace(record, spec=replace(record.spec, cpus=list(range(cores)))))


REGULAR = [
    [100] * 60,
    [300] * 8 + [100] * 60,
    [0.1, 0.1, 0.1, 399.7] * 16,
    [*([30] * 9 + [900]) * 3, 30],
    [5, 6],
]


@pytest.mark.parametrize("gaps", REGULAR)
def test_regular_gaps_too(make_record: Make, make_trace: Callable[..., Any], gaps: list[float]) -> None:
    assert_same(make_record(trace=make_trace(gaps)))
    assert_same(make_record(trace=make_trace(gaps, epochs=(0, 2)), step="emulate:90"))


def test_an_accelerators_own_clock(make_record: Make, make_trace: Callable[..., Any]) -> None:
    device = tuple((n * 100, n * 100 + 75) for n in range(31))
    assert_same(make_record(step="model:m", trace=make_trace([100] * 30), device_ns=device))


@pytest.mark.parametrize("fields", [{"status": "failed"}, {"trace": None}])
def test_no_figures_of_other_trials(make_record: Make, fields: dict[str, Any]) -> None:
    assert rederive(make_record(**fields)) == {}


def test_no_figures_of_too_few_batches(make_record: Make, make_trace: Callable[..., Any]) -> None:
    assert rederive(make_record(trace=make_trace([10]))) == {}
    assert rederive(make_record(trace=make_trace([0] * 9))) == {}
