"""What must be alike where two results are compared: the host, the data, the cache's state, the workload."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipebench.figures import Figures
from pipebench.results import Record

ASPECTS = ("host", "data", "cache", "workload")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Each as a text for people; None where a file does not tell. Several at once are joined."""

    host: str | None
    """Its class: processor, cores, accelerators, device. Two hosts may be of one class."""
    data: str | None
    """`content_id`."""
    cache: str | None
    workload: str | None
    """What every loader had to deliver."""
    machine: str | None
    """Which host it was; None where that is not known, as after `--redact`."""

    def differing(self, other: "Conditions") -> list[str]:
        """The aspects that are known of both and not the same."""
        pairs = ((aspect, getattr(self, aspect), getattr(other, aspect)) for aspect in ASPECTS)
        return [aspect for aspect, ours, theirs in pairs if None not in (ours, theirs) and ours != theirs]

    def same_machine(self, other: "Conditions") -> bool:
        """Whether both are known to come from one host."""
        return self.machine is not None and self.machine == other.machine and self.host == other.host


def conditions(trials: Sequence[tuple[Record, Figures]]) -> Conditions:
    """Those of one contestant's trials, of which there is at least one."""
    # Trials of one run share the very same specs and facts as they are read, so few are looked at.
    records = [*{(id(r.spec), id(r.machine), r.content_id): r for r, _ in trials}.values()]
    return Conditions(
        host=_joined(_host(record) for record in records),
        data=_joined(record.content_id for record in records),
        cache=_cache(trials),
        workload=_joined(_workload(record) for record in records),
        machine=_joined(_machine(record.machine) for record in records),
    )


def _joined(texts: Iterable[str]) -> str | None:
    return " and ".join(dict.fromkeys(filter(None, texts))) or None


def _host(record: Record) -> str:
    machine = record.machine
    if "cpu" not in machine:
        return ""
    cores = f"{len(record.spec.cpus)} of {machine.get('cores', '?')} cores"
    return ", ".join(
        filter(None, (f"{machine['cpu']}", cores, f"{machine.get('gpu', '')}", record.spec.device))
    )


def _machine(machine: Mapping[str, Any]) -> str:
    return f"{machine['host']}, {machine.get('memory_bytes', '?')} bytes" if machine.get("host") else ""


def _workload(record: Record) -> str:
    spec = record.spec
    preprocessing = ",".join(f"{key}={value}" for key, value in sorted(spec.preprocessing.items()))
    flags = (("in order", not spec.shuffle), ("drop_last", spec.drop_last))
    parts = [f"batches of {spec.batch_size}", preprocessing, *(name for name, given in flags if given)]
    if spec.until != "batch":
        parts.append(f"until {spec.until}")
    return ", ".join(filter(None, parts))


def _cache(trials: Sequence[tuple[Record, Figures]]) -> str:
    """As asked where at least half of the trials prove it, or else what most of them show."""
    asked = trials[0][0].spec.cache
    shown = Counter(found.cache.partition(":")[0] for _, found in trials)
    proved = {"warm": "warm", "cold": "guest-cold"}[asked]
    if 2 * shown[proved] >= len(trials):
        return proved
    most = shown.most_common(1)[0][0]
    return most if most in ("not warm", "fetched") else f"{asked}, {most}"
