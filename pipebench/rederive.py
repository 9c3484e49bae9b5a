"""The figures of a trial once more, from their definitions: whole numbers and fractions, no shortcuts.

Slow and plain on purpose. `figures.py` derives the same in floating point; where the two disagree one of
them is wrong, and `pipebench audit` says so.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import sqrt
from statistics import mode

from pipebench.measure import Look, Trace
from pipebench.results import WORKER_KNOBS, Record
from pipebench.step import parse_step

NS = 1_000_000_000


def rederive(record: Record) -> dict[str, float | None]:
    """Figures by their names in `Figures`; empty for a trial that has none."""
    trace = record.trace
    if record.status != "ok" or trace is None or len(trace.got_ns) < 3:
        return {}
    cores = len(record.spec.cpus)
    first, last = window(trace, _together(record, trace))
    counted = range(first + 1, last + 1)
    span = trace.got_ns[last] - trace.got_ns[first]
    steady = _rate(trace, _inside(trace, counted))
    if span <= 0 or steady is None:
        return {}
    waits = sorted(trace.got_ns[i] - trace.asked_ns[i] for i in counted)
    found = {
        "samples_per_second": float(_headline(trace, counted, steady)),
        "steady_samples_per_second": float(steady),
        "window_seconds": span / NS,
        "batch_seconds": float(Fraction(span, NS) / len(counted)),
        "first_batch_seconds": (trace.got_ns[0] - trace.asked_ns[0]) / NS,
        "startup_seconds": _startup(record.times_ns),
        "boundary_seconds": _float(_boundary(trace)),
        "stall": _stall(record, trace, first, last),
        "steady": float(_is_steady([_gap(trace, i) for i in _alike(trace, counted)])),
        "short": float(span < 2 * NS),
    }
    found |= {
        f"wait_p{p}_seconds": waits[min(len(waits) - 1, p * len(waits) // 100)] / NS for p in (50, 95, 99)
    }
    return found | _cpu(trace, first, last, cores)


def _together(record: Record, trace: Trace) -> int:
    """Batches of a burst: the period of long gaps, or the workers' number if it is told, or the cores'."""
    if (period := _period(trace)) is not None:
        return period
    found = [len(record.spec.cpus)]
    for name, value in record.settings.items():
        if name in WORKER_KNOBS and type(value) is int:
            found.append(value)
    return max(found)


def _period(trace: Trace) -> int | None:
    """The distance of gaps above three times the mean, if three or more of them have but one."""
    inside = _inside(trace, range(1, len(trace.got_ns)))
    mean = Fraction(sum(_gap(trace, i) for i in inside), len(inside))
    long = [i for i in inside if _gap(trace, i) > 3 * mean]
    distances = [long[n] - long[n - 1] for n in range(1, len(long))]
    return distances[0] if len(long) > 2 and len(set(distances)) == 1 else None


def window(trace: Trace, together: int) -> tuple[int, int]:
    """The arrivals between which batches count: after the transient, over whole epochs or whole bursts."""
    alike = _alike(trace, range(1, len(trace.got_ns)))
    first = alike[_transient([_gap(trace, i) for i in alike])] - 1
    left = len(trace.got_ns) - 1 - first
    for unit in (_epoch(trace), together, 1):
        if unit is not None and 0 < unit <= left:
            return first, first + left - left % unit
    raise AssertionError("a batch is at least one batch")


def _gap(trace: Trace, batch: int) -> int:
    return trace.got_ns[batch] - trace.got_ns[batch - 1]


def _inside(trace: Trace, batches: Sequence[int]) -> list[int]:
    starts = set(trace.epochs)
    return [i for i in batches if i not in starts] or list(batches)


def _alike(trace: Trace, batches: Sequence[int]) -> list[int]:
    inside = _inside(trace, batches)
    largest = max(trace.sizes[i] for i in inside)
    return [i for i in inside if trace.sizes[i] == largest]


def _epoch(trace: Trace) -> int | None:
    lengths = [after - before for before, after in zip(trace.epochs, trace.epochs[1:], strict=False)]
    return mode(lengths) if lengths else None


def _transient(gaps: Sequence[int]) -> int:
    """MSER-5: of the cuts in the first half, of batches and of time, what leaves least variance over length.

    Groups are summed and not averaged; that multiplies every score by the same.
    """
    size = 5 if len(gaps) >= 20 else 1
    groups = [sum(gaps[i : i + size]) for i in range(0, len(gaps) // size * size, size)]
    if len(groups) < 4:
        return 0
    scores: list[Fraction] = []
    total, squares = 0, 0
    for value in reversed(groups):
        total, squares = total + value, squares + value * value
        length = len(scores) + 1
        scores.append(Fraction(length * squares - total * total, length**3))
    half = [n for n in range(len(groups) // 2 + 1) if 2 * sum(groups[:n]) <= sum(groups)]
    kept = scores[::-1]
    return size * min(half, key=lambda n: kept[n])


def _rate(trace: Trace, batches: Sequence[int]) -> Fraction | None:
    took = sum(_gap(trace, i) for i in batches)
    return Fraction(sum(trace.sizes[i] for i in batches) * NS, took) if took > 0 else None


def _headline(trace: Trace, counted: Sequence[int], steady: Fraction) -> Fraction:
    epoch = _epoch(trace)
    has_boundary = any(start in counted for start in trace.epochs)
    if not has_boundary or (epoch is not None and len(counted) % epoch == 0):
        return _rate(trace, counted) or Fraction(0)
    samples = sum(trace.sizes[: trace.epochs[1]])
    return samples / ((samples - trace.sizes[0]) / steady + (_boundary(trace) or 0))


def _boundary(trace: Trace) -> Fraction | None:
    gaps = [_gap(trace, start) for start in trace.epochs[1:] if start < len(trace.got_ns)]
    return Fraction(sum(gaps), len(gaps) * NS) if gaps else None


def _startup(times: Mapping[str, int]) -> float:
    return (times["loader_ready"] - times["step_ready"] + times["imported"] - times["spawned"]) / NS


def _is_steady(gaps: Sequence[int]) -> bool:
    third = len(gaps) // 3
    if third < 2:
        return True
    (before, early), (after, late) = _moments(gaps[:third]), _moments(gaps[-third:])
    chance = 2 * sqrt((early + late) / third)
    return abs(before - after) <= max(min(before, after) / 50, Fraction(chance))


def _moments(gaps: Sequence[int]) -> tuple[Fraction, Fraction]:
    """Mean and variance."""
    mean = Fraction(sum(gaps), len(gaps))
    return mean, sum(((gap - mean) ** 2 for gap in gaps), Fraction(0)) / (len(gaps) - 1)


def _stall(record: Record, trace: Trace, first: int, last: int) -> float | None:
    step = parse_step(record.spec.step)
    if step.kind == "null":
        return None
    device = _emulated(trace, step.rate) if step.kind == "emulate" else record.device_ns
    if not device:
        waited = sum(trace.got_ns[i] - trace.asked_ns[i] for i in range(first + 1, last + 1))
        return waited / (trace.got_ns[last] - trace.got_ns[first])
    busy = sum(end - begin for begin, end in device[first + 1 : last + 1])
    return float(1 - Fraction(busy, device[last][1] - device[first][1]))


def _emulated(trace: Trace, rate: float) -> list[tuple[int, int]]:
    free, times = 0, []
    for arrived, size in zip(trace.got_ns, trace.sizes, strict=True):
        begin = max(arrived, free)
        free = begin + int(size * 1e9 / rate)
        times.append((begin, free))
    return times


def _cpu(trace: Trace, first: int, last: int, cores: int) -> dict[str, float | None]:
    looks = [look for look in trace.looks if first + 2 <= look.batches + 1 <= last + 2]
    if len(looks) < 2:
        return dict.fromkeys(("cpu_seconds_per_sample", "core_use", "foreign_cores"))
    begin, end = looks[0], looks[-1]
    used, passed = end.cpu_ns - begin.cpu_ns, end.at_ns - begin.at_ns
    return {
        "cpu_seconds_per_sample": used / NS / sum(trace.sizes[begin.batches : end.batches]),
        "core_use": used / passed / cores,
        "foreign_cores": max(0.0, _foreign(begin, end) / passed),
    }


def _foreign(begin: Look, end: Look) -> int:
    """CPU time of the host that was not the trial's; below 0 only by the host's coarse ticks."""
    return (end.host_busy_ns - begin.host_busy_ns) - (end.cpu_ns - begin.cpu_ns)


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)
