"""Which entries are one loader on one task, but for a single thing that is looked at."""

from typing import Any

from pipebench.diagnosis.phases import Phase, phase_of
from pipebench.report.gathered import Entry
from pipebench.results import Record
from pipebench.sweep import fewer

_OF_ONE_LOADER = (
    Phase.WARM,
    Phase.READ,
    Phase.DECODE,
    Phase.TRANSFORM,
    Phase.ONE_CORE,
    Phase.READ_ONE_CORE,
)
"""Phases of a diagnosis that differ in a cut or in cores alone."""


def loader_name(record: Record) -> str:
    """The contestant; of a diagnosis's phases, or of core counts of a sweep, that are one loader, that."""
    told = phase_of(record)
    if told and told[1] in _OF_ONE_LOADER:
        return told[0]
    return record.contestant.removesuffix(fewer("", len(record.spec.cpus)))


def setup(entry: Entry, without: str) -> tuple[tuple[str, Any], ...]:
    """What two entries must share to be points of one curve over the thing left out, such as `cores`."""
    record = entry.trials[0].record
    spec, machine = record.spec, record.machine
    told = {
        "contestant": loader_name(record),
        "cores": len(spec.cpus),
        "step": spec.step,
        "until": spec.until,
        "workload": (spec.batch_size, str(sorted(spec.preprocessing.items())), spec.shuffle, spec.drop_last),
        "cache": spec.cache,
        "device": spec.device,
        "data": (record.content_id or spec.data, record.format),
        "interpreter": (spec.python, spec.source),
        "host": (machine.get("host"), machine.get("cpu")),
    }
    return tuple((name, value) for name, value in told.items() if name != without)
