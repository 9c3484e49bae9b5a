"""Whether what was read is a record: types, lengths and order of all that figures are derived from.

A results file may come from anybody. What is refused here could make a figure wrong or its derivation
fail; what is merely unlikely is told by `pipebench audit`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from math import isfinite
from operator import itemgetter, le
from typing import Any

from pipebench.energy import readings
from pipebench.errors import BadInput
from pipebench.measure import Look
from pipebench.page_cache import label
from pipebench.step import parse_step

LARGEST = 1 << 60
"""Of any count, time or size: sums of some of them still fit into 64 bits."""

Check = Callable[[Any], bool]


def check(raw: Mapping[str, Any], known: Collection[str] = ()) -> None:
    """Raises `ValueError`, which names the field, unless all but the trace is as a record's.

    The fields `known` equal those of a record that was checked before, and are not looked at again.
    """
    if [type(raw.get(name)) for name in _TYPES] != _KINDS:
        raise ValueError(next(name for name, kind in _TYPES.items() if type(raw.get(name)) is not kind))
    for name, holds in _VALUES.items():
        if name not in known and not (name in raw and holds(raw[name])):
            raise ValueError(name)
    if "spec" not in known:
        _spec(raw["spec"])
    if raw["status"] == "ok" and raw["trace"] is not None:
        _measured(raw)


def _spec(raw: Mapping[str, Any]) -> None:
    for name, holds in _SPEC.items():
        if not (name in raw and holds(raw[name])):
            raise ValueError(f"spec.{name}")
    try:
        parse_step(raw["step"])
    except BadInput as problem:
        raise ValueError(f"spec.step: {problem}") from None


def _measured(raw: Mapping[str, Any]) -> None:
    try:
        whole = _counts(_numbers(raw))
    except (KeyError, TypeError, IndexError):
        whole = False
    if not whole:
        raise ValueError(_culprit(raw))
    if energy := raw["resources"].get("energy"):
        _energy(energy)
    try:
        label(raw["cache"])
    except (KeyError, TypeError, ValueError, ArithmeticError):
        raise ValueError("cache") from None


def _energy(raw: Any) -> None:
    try:
        readings(raw["first"]), readings(raw["last"])
    except (KeyError, TypeError, ValueError):
        raise ValueError("resources.energy") from None


def _numbers(raw: Mapping[str, Any]) -> list[Any]:
    """All that must be counts, together, since one look at many is done sooner than many at one."""
    cache, resources = raw["cache"], raw["resources"]
    found = [*itemgetter(*_TIMES)(raw["times_ns"]), *(cache[name] for name in _CACHE if name in cache)]
    if resources:
        used, memory = itemgetter(*_RESOURCES), resources["memory_bytes"]
        found += [*used(resources["first"]), *used(resources["last"]), memory[0], *memory]
    return found


def _culprit(raw: Mapping[str, Any]) -> str:
    """The field that holds something else."""
    used = raw["resources"]
    parts: list[tuple[str, Any, Sequence[str]]] = [("times_ns", raw["times_ns"], _TIMES)]
    parts += [(f"resources.{name}", used.get(name), _RESOURCES) for name in ("first", "last") if used]
    parts += [("cache", raw["cache"], [name for name in _CACHE if name in raw["cache"]])]
    for where, part, names in parts:
        if not isinstance(part, dict):
            return where
        for name in names:
            if not _count(part.get(name)):
                return f"{where}.{name}"
    return "resources.memory_bytes"


def check_trace(trace: Mapping[str, Any]) -> None:
    """Raises `ValueError` unless batches, epochs and looks follow each other as time does.

    Whether the times are whole numbers shows when arrays are made of them.
    """
    asked, got, sizes = trace["asked_ns"], trace["got_ns"], trace["sizes"]
    batches = len(got)
    if not len(asked) == len(sizes) == batches:
        raise ValueError("trace: one time or size a batch")
    if not batches:
        return
    forwards = all(map(le, asked, got)) and all(map(le, got, asked[1:]))
    if not forwards or asked[0] < 0 or got[-1] > LARGEST:
        raise ValueError("trace: times that go backwards")
    if min(sizes) < 1 or max(sizes) > LARGEST // batches:
        raise ValueError("trace.sizes")
    _epochs(trace["epochs"], batches)
    _looks(trace["looks"], batches)


def _epochs(epochs: Sequence[int], batches: int) -> None:
    rising = all(type(epoch) is int for epoch in epochs) and sorted(set(epochs)) == epochs
    if not rising or epochs[:1] != [0] or epochs[-1] > batches:
        raise ValueError("trace.epochs")


def _looks(looks: Iterable[Mapping[str, Any]], batches: int) -> None:
    before, moment = 0, -1
    for seen, at_ns, cpu_ns, busy_ns in map(itemgetter(*Look._fields), looks):
        if not (type(seen) is type(at_ns) is type(cpu_ns) is type(busy_ns) is int):
            raise ValueError("trace.looks")
        rising = before < seen <= batches and moment < at_ns <= LARGEST
        if not (rising and 0 <= cpu_ns <= LARGEST and 0 <= busy_ns <= LARGEST):
            raise ValueError("trace.looks: not in order")
        before, moment = seen, at_ns


def _text(value: object) -> bool:
    return type(value) is str


def _flag(value: object) -> bool:
    return type(value) is bool


def _count(value: object) -> bool:
    return type(value) is int and 0 <= value <= LARGEST


def _counts(value: object) -> bool:
    """A list of counts, told in a few steps however long it is."""
    if not isinstance(value, list) or set(map(type, value)) != {int}:
        return False
    return 0 <= min(value) <= max(value) <= LARGEST  # type: ignore[no-any-return] # they are ints


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


_TYPES = {
    **dict.fromkeys(
        ("run", "contestant", "status", "reason", "started", "content_id", "format", "kind"), str
    ),
    **dict.fromkeys(
        ("settings", "versions", "machine", "same_work", "limits", "times_ns", "resources"), dict
    ),
    "cache": dict,
    "block": int,
    "device_ns": list,
}
_KINDS = [*_TYPES.values()]
_VALUES: dict[str, Check] = {
    "block": lambda value: -LARGEST <= value <= LARGEST,
    "status": _one_of("ok", "unsupported", "failed", "timeout", "bad_input"),
    "versions": _texts,
    "machine": _facts,
    "limits": _rates,
    "cache": _facts,
    "spec": _mapping,
    "trace": lambda value: value is None or isinstance(value, dict),
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

_CACHE = ("bytes_read", "payload_bytes", "fetched_bytes", "requests", "requests_ns")
_TIMES = ("spawned", "imported", "step_ready", "loader_ready")
_RESOURCES = (
    "user_ns",
    "system_ns",
    "switches",
    "read_bytes",
    "shared_memory_bytes",
    "open_files",
    "processes",
)
