"""The columns of a comparison: what each shows to people, and its fields for machines."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from pipebench.contest import Line
from pipebench.errors import BadInput, one_line, unknown
from pipebench.likeness import changes
from pipebench.report import cells
from pipebench.summary import Row

USUAL = ("contestant", "rate", "ratio", "interval", "from", "verdict", "would_show")
"""What is shown where nothing else is asked for."""

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column."""

    name: str
    heading: str
    text: Callable[[Line], str]
    fields: Callable[[Line], Fields]
    """Whole values; their names are the same for every line."""
    right: bool = False
    foreign: bool = False
    """Whether somebody else has worded what it shows."""


def cell(column: Column, line: Line) -> str:
    """On one line and printable, whatever somebody has named a loader."""
    text = column.text(line)
    return one_line(text) if column.foreign else text


def heading(column: Column, lines: Sequence[Line]) -> str:
    """Of the rate by its unit and of the trials by their kind, where all lines share it."""
    if column.name == "rate":
        units = {line.series.unit for line in lines}
        return {"samples/s": "samples/s", "rounds/s": "a round"}[units.pop()] if len(units) == 1 else "rate"
    if column.name == "from":
        paired = all(line.method == "paired" for line in lines if line.comparison is not None)
        return "blocks" if paired else "trials"
    return column.heading


def chosen(text: str | None, default: Iterable[str]) -> list[Column]:
    """The columns of `a,b,c`, or the default ones; raises `BadInput` for an unknown one."""
    names = list(default) if text is None else [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise BadInput(f"--columns names none; known: {', '.join(COLUMNS)}")
    for name in names:
        if name not in COLUMNS:
            raise unknown("column", name, COLUMNS)
    return [COLUMNS[name] for name in dict.fromkeys(names)]


def fields(columns: Sequence[Column], line: Line) -> dict[str, Any]:
    """All fields of the columns."""
    return {name: value for column in columns for name, value in column.fields(line).items()}


def _rate(line: Line) -> Fields:
    row, series = line.series.row, line.series
    row = row if series.unit == "samples/s" else None
    return {
        "unit": series.unit,
        "rate": series.speed,
        "rate_low": row.ci_low if row else None,
        "rate_high": row.ci_high if row else None,
    }


def _interval(line: Line) -> Fields:
    found = cells.known_interval(line)
    return {"ratio_low": found.low if found else None, "ratio_high": found.high if found else None}


def _verdict(line: Line) -> Fields:
    outcome = str(line.comparison.outcome) if line.comparison else None
    return {"outcome": outcome, "direction": line.direction, "remark": line.remark}


def _would_show(line: Line) -> Fields:
    found = line.comparison.detectable if line.comparison else None
    return {"detectable": found if found is not None and isfinite(found) else None}


def _from(line: Line) -> Fields:
    return {
        "method": line.method,
        "blocks": line.comparison.blocks if line.comparison and line.method == "paired" else None,
        "trials": line.series.trials,
        "baseline_trials": line.baseline.trials if line.baseline else None,
        "left_out": line.left_out,
    }


def _baseline(line: Line) -> Fields:
    base = line.baseline
    return {
        "baseline": base.contestant if base else None,
        "baseline_result": base.session.name if base else None,
        "baseline_rate": base.speed if base else None,
    }


def _plain(name: str, get: Callable[[Line], Any], heading: str = "") -> Column:
    return Column(
        name=name,
        heading=heading or name,
        text=lambda line: str(get(line) or ""),
        fields=lambda line: {name: get(line)},
        foreign=True,
    )


def _mapping(name: str, get: Callable[[Line], Mapping[str, Any]]) -> Column:
    return Column(
        name=name,
        heading=name,
        text=lambda line: cells.pairs(get(line)),
        fields=lambda line: {name: dict(get(line))},
        foreign=True,
    )


def _condition(aspect: str) -> Column:
    return Column(
        name=aspect,
        heading=aspect,
        text=lambda line: cells.condition(line.series, aspect),
        fields=lambda line: {aspect: getattr(line.series.conditions, aspect, None)},
        foreign=True,
    )


def _figure(
    name: str, heading: str, get: Callable[[Row], float | None], text: Callable[[float], str]
) -> Column:
    def value(line: Line) -> float | None:
        return get(line.series.row) if line.series.row else None

    def shown(line: Line) -> str:
        found = value(line)
        return "" if found is None else text(found)

    return Column(name=name, heading=heading, text=shown, fields=lambda line: {name: value(line)}, right=True)


def _wait(place: int) -> Callable[[Row], float | None]:
    return lambda row: row.data_wait_seconds[place] if row.data_wait_seconds else None


def _percent(value: float) -> str:
    return f"{value:.1%}"


_COMPARED = (
    _plain("contestant", lambda line: line.series.contestant),
    _plain("loader", lambda line: line.series.loader),
    _plain("task", lambda line: line.series.task),
    _plain("result", lambda line: line.series.session.name),
    Column(
        name="baseline",
        heading="against",
        text=lambda line: cells.rate(line.baseline),
        fields=_baseline,
        right=True,
    ),
    Column(name="rate", heading="rate", text=lambda line: cells.rate(line.series), fields=_rate, right=True),
    Column(
        name="ratio",
        heading="ratio",
        text=cells.ratio,
        fields=lambda line: {"ratio": line.comparison.ratio.estimate if line.comparison else None},
        right=True,
    ),
    Column(name="interval", heading="interval", text=cells.interval, fields=_interval, right=True),
    Column(name="from", heading="from", text=cells.basis, fields=_from, right=True),
    Column(name="verdict", heading="verdict", text=cells.verdict, fields=_verdict, foreign=True),
    Column(name="would_show", heading="would\nshow", text=cells.would_show, fields=_would_show, right=True),
    _plain("changes", lambda line: "; ".join(changes(line.duel)) if line.duel else ""),
)
_FIGURES = (
    _figure(
        "cpu_seconds_per_sample", "CPU ms", lambda row: row.cpu_seconds_per_sample, lambda v: f"{1e3 * v:.2f}"
    ),
    _figure("core_use", "cores used", lambda row: row.core_use, _percent),
    _figure("efficiency", "of limit", lambda row: row.efficiency, _percent),
    _figure("startup_seconds", "start-up", lambda row: row.startup_seconds, cells.duration),
    _figure("first_batch_seconds", "1st batch", lambda row: row.first_batch_seconds, cells.duration),
    _figure("boundary_seconds", "boundary", lambda row: row.boundary_seconds, cells.duration),
    _figure("wait_p50_seconds", "wait p50", _wait(0), cells.duration),
    _figure("wait_p95_seconds", "wait p95", _wait(1), cells.duration),
    _figure("wait_p99_seconds", "wait p99", _wait(2), cells.duration),
    _figure("stall", "stall", lambda row: row.stall, _percent),
    _figure("stall_floor", "stall floor", lambda row: row.stall_floor, _percent),
    _figure(
        "step_overhead_ns", "overhead", lambda row: row.step_overhead_ns, lambda v: cells.duration(v / 1e9)
    ),
)
_PROVENANCE = (
    _plain("format", lambda line: line.series.row.format if line.series.row else ""),
    *map(_condition, ("host", "data", "cache", "workload")),
    _mapping("settings", lambda line: line.series.settings),
    _mapping("versions", lambda line: line.series.versions),
    _plain("labels", lambda line: "; ".join(line.series.row.labels) if line.series.row else ""),
    _plain("status", lambda line: line.series.status),
    _plain("reason", lambda line: line.series.reason),
)
COLUMNS: Mapping[str, Column] = {c.name: c for c in (*_COMPARED, *_FIGURES, *_PROVENANCE)}
