"""Records of a run -> one row a contestant and step, and the comparison of the fastest two."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from statistics import median
from typing import Any

from pipebench.compare import FOREIGN_CORES, marked_blocks
from pipebench.figures import Derive, Figures, figures
from pipebench.profile_step import validity
from pipebench.results import CEILING, LIMITS_BLOCK, PROOF_BLOCK, Record
from pipebench.stats import Interval, rate_interval
from pipebench.usage import Usage, usage

MOST_OVERHEAD = 0.02
"""Share of the batch time that the harness's own cost may take where a verdict is given."""
OVERHEAD = "the harness's own cost is above 2 % of the batch time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One contestant on one step; figures are None where no trial ended `ok`."""

    contestant: str
    loader: str
    settings: Mapping[str, Any]
    versions: Mapping[str, str]
    dataset: str
    format: str
    step: str
    cores: int
    status: str
    reason: str
    trials: int
    """That ended `ok`."""
    samples_per_second: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    steady_samples_per_second: float | None = None
    cpu_seconds_per_sample: float | None = None
    core_use: float | None = None
    """CPU seconds a second over the cores allowed."""
    efficiency: float | None = None
    """Share of the rate at which these cores could decode the payloads whole and do nothing else."""
    startup_seconds: float | None = None
    first_batch_seconds: float | None = None
    boundary_seconds: float | None = None
    data_wait_seconds: tuple[float, float, float] | None = None
    """Percentiles 50, 95 and 99 of the wait for a batch; the median trial's."""
    stall: float | None = None
    stall_floor: float | None = None
    """Twice the idle share that the resident loader shows on this step: below it a stall is not told."""
    cache: tuple[str, ...] = ()
    """What the trials proved about where their bytes came from."""
    step_overhead_ns: float | None = None
    """The harness's own time a step, from the resident loader on the null step."""
    usage: Mapping[str, float] | None = None
    """The median trial's memory, context switches and so on (`usage.Usage`)."""
    same_work: Mapping[str, Any] | None = None
    labels: tuple[str, ...] = ()
    """What limits these figures, such as `not steady (3 of 5)`."""


Measured = dict[tuple[str, str], dict[int, Record]]
"""By contestant and step: the last record of each block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Host:
    """What a run learnt about the host."""

    overhead_ns: float | None
    idle: Mapping[str, float | None]
    """By step: the resident loader's stall."""
    decode_rates: Mapping[int, float]
    """Samples per second a core, by block; empty where the limit was not measured."""
    marked: set[int]
    """Disturbed blocks."""
    derive: Derive
    used: bool = True


def summarise(records: Sequence[Record], derive: Derive = figures, *, used: bool = True) -> list[Row]:
    """One row a contestant and step, in order of first appearance; the resident loader is left out.

    Whoever shows no `usage` can save its derivation.
    """
    measured, proofs = _grouped(records)
    host = replace(_host(records, measured, marked_blocks(records, derive), derive), used=used)
    rows = [
        _row(step, blocks, host, proofs.get(contestant))
        for (contestant, step), blocks in measured.items()
        if not _is_ceiling(blocks)
    ]
    seen = {row.contestant for row in rows}
    return rows + [_refused(record) for name, record in proofs.items() if name not in seen]


def _host(records: Sequence[Record], measured: Measured, marked: set[int], derive: Derive) -> _Host:
    ceiling = {step: blocks for (_, step), blocks in measured.items() if _is_ceiling(blocks)}
    decode = {LIMITS_BLOCK - r.block: r.limits["decode_samples_per_second"] for r in records if r.limits}
    return _Host(
        overhead_ns=_overhead_ns(ceiling.get("null", {}), derive),
        idle={step: _idle(blocks, derive) for step, blocks in ceiling.items()},
        decode_rates=decode,
        marked=marked,
        derive=derive,
    )


def _grouped(records: Iterable[Record]) -> tuple[Measured, dict[str, Record]]:
    measured: Measured = defaultdict(dict)
    proofs = {}
    for record in records:
        if record.block == PROOF_BLOCK:
            proofs[record.contestant] = record
        elif record.block >= 0:
            measured[record.contestant, record.spec.step][record.block] = record
    return measured, proofs


def _is_ceiling(blocks: Mapping[int, Record]) -> bool:
    return next(iter(blocks.values())).spec.loader == CEILING


def _overhead_ns(blocks: Mapping[int, Record], derive: Derive) -> float | None:
    found = [f.batch_seconds * 1e9 for record in blocks.values() if (f := derive(record))]
    return median(found) if found else None


def _idle(blocks: Mapping[int, Record], derive: Derive) -> float | None:
    found = [f.stall for record in blocks.values() if (f := derive(record)) and f.stall is not None]
    return median(found) if found else None


def _row(step: str, blocks: Mapping[int, Record], host: _Host, proof: Record | None) -> Row:
    by_block = {block: f for block, record in blocks.items() if (f := host.derive(record))}
    kept = {block: f for block, f in by_block.items() if block not in host.marked} or by_block
    found = list(kept.values())
    worst = next((r for r in blocks.values() if r.status != "ok"), next(iter(blocks.values())))
    base = _identity(worst, step, len(found), proof)
    if not found:
        return Row(**(base | _TOO_FEW if worst.status == "ok" else base))
    rate = rate_interval([f.samples_per_second for f in found])
    bounds = (None, None) if _is_short_epoch(worst, found) else (rate.low, rate.high)
    idle = host.idle.get(step)
    return Row(
        **base,
        samples_per_second=rate.estimate,
        ci_low=bounds[0],
        ci_high=bounds[1],
        steady_samples_per_second=median(f.steady_samples_per_second for f in found),
        cpu_seconds_per_sample=_median(f.cpu_seconds_per_sample for f in found),
        core_use=_median(f.core_use for f in found),
        efficiency=_efficiency(kept, host, len(worst.spec.cpus)),
        startup_seconds=median(f.startup_seconds for f in found),
        first_batch_seconds=median(f.first_batch_seconds for f in found),
        boundary_seconds=_median(f.boundary_seconds for f in found),
        data_wait_seconds=sorted(f.wait_seconds for f in found)[len(found) // 2],
        stall=_median(f.stall for f in found),
        stall_floor=None if idle is None or found[0].stall is None else 2 * idle,
        cache=tuple(sorted({f.cache for f in found})),
        step_overhead_ns=host.overhead_ns,
        usage=_usage(blocks.values()) if host.used else None,
        labels=(
            *_labels(found, len(by_block) - len(found), host.overhead_ns),
            *filter(None, [validity(step)]),
        ),
    )


def _efficiency(by_block: Mapping[int, Figures], host: _Host, cores: int) -> float | None:
    """The rate over what decoding alone reached in the same block, or where that is unknown in the first."""
    if not host.decode_rates:
        return None
    first = next(iter(host.decode_rates.values()))
    shares = [f.samples_per_second / host.decode_rates.get(b, first) / cores for b, f in by_block.items()]
    return rate_interval(shares).estimate


def _usage(records: Iterable[Record]) -> Mapping[str, float] | None:
    found = [used for record in records if (used := usage(record))]
    names = [field.name for field in fields(Usage)]
    return {name: median(getattr(used, name) for used in found) for name in names} if found else None


def _is_short_epoch(record: Record, found: Sequence[Figures]) -> bool:
    """A cold epoch that is over too soon to have an interval."""
    return record.spec.cache == "cold" and any(f.short for f in found)


_TOO_FEW = {"status": "failed", "reason": "fewer than three batches arrived; try a smaller --batch-size"}


def _identity(record: Record, step: str, trials: int, proof: Record | None) -> dict[str, Any]:
    return {
        "contestant": record.contestant,
        "loader": record.spec.loader,
        "settings": record.settings,
        "versions": record.versions,
        "dataset": record.spec.data,
        "format": record.format,
        "step": step,
        "cores": len(record.spec.cpus),
        "status": record.status,
        "reason": record.reason,
        "trials": trials,
        "same_work": proof.same_work if proof else None,
    }


def _refused(proof: Record) -> Row:
    return Row(**_identity(proof, proof.spec.step, 0, proof))


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _labels(found: Sequence[Figures], left_out: int, overhead_ns: float | None) -> tuple[str, ...]:
    disturbed = sum((f.foreign_cores or 0) > FOREIGN_CORES for f in found)
    counts = {
        "not steady": sum(not f.steady for f in found),
        "short": sum(f.short for f in found),
        "disturbed": disturbed,
    }
    labels = [f"{name} ({n} of {len(found)})" for name, n in counts.items() if n > len(found) / 2]
    if left_out:
        labels.append(f"disturbed blocks left out: {left_out}")
    batch_ns = median(f.batch_seconds for f in found) * 1e9
    if overhead_ns is not None and overhead_ns > MOST_OVERHEAD * batch_ns:
        labels.append(OVERHEAD)
    return tuple(labels)


def interval_text(interval: Interval) -> str:
    """`1.31x [1.28, 1.34]`; of a single value, which has no interval, `1.31x`."""
    bounds = f" [{interval.low:.2f}, {interval.high:.2f}]" if interval.low < interval.high else ""
    return f"{interval.estimate:.2f}x{bounds}"
