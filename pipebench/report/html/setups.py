"""Settings, machine and provenance of trials: one card for all trials that share them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipebench.report import cells
from pipebench.report.gathered import Part, Trial
from pipebench.results import PROOF_BLOCK, Record

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What some trials have in common."""

    number: int
    name: str
    result: str
    facts: Facts


def cards(shown: Iterable[tuple[Part, Trial]], most: int) -> tuple[list[Card], dict[int, int]]:
    """So many cards at most, and by the trial's number that of its card."""
    known: dict[tuple[object, ...], Card] = {}
    by_trial: dict[int, int] = {}
    proofs: dict[int, dict[str, Record]] = {}
    for part, trial in shown:
        proved = proofs.setdefault(id(part), _proofs(part))
        record = trial.record
        facts = _facts(record, proved.get(record.contestant))
        key = part.name, record.contestant, facts
        if key not in known and len(known) < most:
            known[key] = Card(number=len(known), name=record.contestant, result=part.name, facts=facts)
        if key in known:
            by_trial[trial.number] = known[key].number
    return [*known.values()], by_trial


def _proofs(part: Part) -> dict[str, Record]:
    return {record.contestant: record for record in part.records if record.block == PROOF_BLOCK}


def _facts(record: Record, proof: Record | None) -> Facts:
    spec = record.spec
    told: Sequence[tuple[str, object]] = (
        ("run", record.run),
        ("loader", spec.loader),
        ("options", cells.pairs(spec.options)),
        ("settings", cells.pairs(record.settings)),
        ("versions", cells.pairs(record.versions)),
        ("interpreter", spec.python),
        ("imported from", spec.source),
        ("data", spec.data),
        ("content", record.content_id),
        ("workload", _workload(record)),
        ("processors", f"{len(spec.cpus)} ({_ranges(spec.cpus)}), device {spec.device}"),
        ("cache asked", spec.cache),
        ("proof of work", _proof(proof)),
        ("limits", cells.pairs(record.limits)),
        ("machine", cells.pairs(record.machine)),
    )
    return tuple((name, str(value)) for name, value in told if value)


def _workload(record: Record) -> str:
    spec = record.spec
    order = f"shuffled, seed {spec.seed}" if spec.shuffle else "in order"
    parts = (
        f"batches of {spec.batch_size}",
        cells.pairs(spec.preprocessing),
        order,
        "last short batch dropped" if spec.drop_last else "",
        f"until {spec.until}",
        f"{spec.seconds:g} s",
    )
    return ", ".join(filter(None, parts))


def _proof(proof: Record | None) -> str:
    if proof is None:
        return "none: unchecked"
    told: Mapping[str, Any] = proof.same_work
    return f"{proof.status} {cells.pairs(told)}".strip()


def _ranges(numbers: Sequence[int]) -> str:
    """`0-3, 8`."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(f"{low}" if low == high else f"{low}-{high}" for low, high in found)
