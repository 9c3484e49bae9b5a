"""Whether what was read is a record: types, lengths and order of all that figures are derived from.

A results file may come from anybody. What is refused here could make a figure wrong or its derivation
fail; what is merely unlikely is told by `pipebench audit`.
"""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np

from pipebench.errors import BadInput
from pipebench.measure import Trace
from pipebench.page_cache import label
from pipebench.step import parse_step

LARGEST = 1 << 60
"""Of any count, time or size: sums of some of them still fit into 64 bits."""

Check = Callable[[Any], bool]


def check(raw: Mapping[str, Any]) -> None:
    """Raises `ValueError`, which names the field, unless all but the trace is as a record's."""
    _fields(raw, _RECORD, "")
    _fields(raw["spec"], _SPEC, "spec.")
    try:
        parse_step(raw["spec"]["step"])
    except BadInput as problem:
        raise ValueError(f"spec.step: {problem}") from None
    if raw["status"] == "ok" and raw["trace"] is not None:
        _measured(raw)


def _measured(raw: Mapping[str, Any]) -> None:
    _fields(raw["times_ns"], _TIMES, "times_ns.")
    for moment in ("first", "last") if raw["resources"] else ():
        _fields(raw["resources"].get(moment), _RESOURCES, f"resources.{moment}.")
    if raw["resources"] and not _counts(raw["resources"].get("memory_bytes")):
        raise ValueError("resources.memory_bytes")
    if not all(_count(raw["cache"][name]) for name in _CACHE_COUNTS if name in raw["cache"]):
        raise ValueError("cache")
    try:
        label(raw["cache"])
    except (KeyError, TypeError, ValueError, ArithmeticError):
        raise ValueError("cache") from None


def check_trace(trace: Trace, device_ns: Sequence[object]) -> None:
    """Raises `ValueError` unless batches, epochs and looks follow each other as time does."""
    asked, got, sizes = (np.frombuffer(v, np.int64) for v in (trace.asked_ns, trace.got_ns, trace.sizes))
    batches = len(got)
    if not len(asked) == len(sizes) == batches:
        raise ValueError("trace: one time or size a batch")
    if not batches:
        return
    backwards = (got < asked).any() or (asked[1:] < got[:-1]).any()
    if backwards or asked[0] < 0 or got[-1] > LARGEST:
        raise ValueError("trace: times that go backwards")
    if sizes.min() < 1 or sizes.max() > LARGEST // batches:
        raise ValueError("trace.sizes")
    _epochs(trace.epochs, batches)
    _looks(trace, batches)
    if device_ns and len(device_ns) < batches:
        raise ValueError("device_ns: one pair a batch")


def _epochs(epochs: Sequence[int], batches: int) -> None:
    rising = all(type(epoch) is int for epoch in epochs) and sorted(set(epochs)) == epochs
    if not rising or epochs[:1] != [0] or epochs[-1] > batches:
        raise ValueError("trace.epochs")


def _looks(trace: Trace, batches: int) -> None:
    before, moment = 0, -1
    for seen, at_ns, cpu_ns, busy_ns in trace.looks:
        if not (type(seen) is type(at_ns) is type(cpu_ns) is type(busy_ns) is int):
            raise ValueError("trace.looks")
        rising = before < seen <= batches and moment < at_ns <= LARGEST
        if not (rising and 0 <= cpu_ns <= LARGEST and 0 <= busy_ns <= LARGEST):
            raise ValueError("trace.looks: not in order")
        before, moment = seen, at_ns


def _fields(raw: object, checks: Mapping[str, Check], where: str) -> None:
    if not isinstance(raw, dict):
        raise ValueError(where.rstrip("."))
    for name, holds in checks.items():
        if name not in raw or not holds(raw[name]):
            raise ValueError(where + name)


def _text(value: object) -> bool:
    return type(value) is str


def _flag(value: object) -> bool:
    return type(value) is bool


def _count(value: object) -> bool:
    return type(value) is int and 0 <= value <= LARGEST


def _counts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_count, value))


def _positive(value: object) -> bool:
    return type(value) in (int, float) and 0 < value < LARGEST and isfinite(value)  # type: ignore[operator,arg-type]


def _mapping(value: object) -> bool:
    return isinstance(value, dict)


def _facts(value: object) -> bool:
    """Of a host or of a cache: single values, numbers among them finite."""
    return isinstance(value, dict) and all(map(_fact, value.values()))


def _fact(value: object) -> bool:
    return type(value) in (str, int, bool, type(None)) or (isinstance(value, float) and isfinite(value))


def _texts(value: object) -> bool:
    return isinstance(value, dict) and all(map(_text, value.values()))


def _rates(value: object) -> bool:
    return isinstance(value, dict) and all(map(_positive, value.values()))


def _one_of(*known: str) -> Check:
    return lambda value: _text(value) and value in known


_RECORD: dict[str, Check] = {
    "run": _text,
    "contestant": _text,
    "block": lambda value: type(value) is int and -LARGEST <= value <= LARGEST,
    "status": _one_of("ok", "unsupported", "failed", "timeout", "bad_input"),
    "reason": _text,
    "started": _text,
    "content_id": _text,
    "format": _text,
    "settings": _mapping,
    "versions": _texts,
    "machine": _facts,
    "same_work": _mapping,
    "limits": _rates,
    "times_ns": _mapping,
    "resources": _mapping,
    "cache": _facts,
    "device_ns": lambda value: isinstance(value, list),
}

_SPEC: dict[str, Check] = {
    "purpose": _one_of("limits", "same_work", "measure"),
    "loader": _text,
    "options": _texts,
    "python": _text,
    "data": _text,
    "batch_size": _count,
    "preprocessing": _texts,
    "shuffle": _flag,
    "drop_last": _flag,
    "seed": lambda value: type(value) is int,
    "cpus": _counts,
    "device": _text,
    "step": _text,
    "until": _text,
    "source": _text,
    "seconds": _positive,
    "cache": _one_of("warm", "cold"),
}

_CACHE_COUNTS = ("bytes_read", "payload_bytes", "fetched_bytes", "requests")

_TIMES = dict.fromkeys(("spawned", "imported", "step_ready", "loader_ready"), _count)

_RESOURCES = dict.fromkeys(
    ("user_ns", "system_ns", "switches", "read_bytes", "shared_memory_bytes", "open_files", "processes"),
    _count,
)
