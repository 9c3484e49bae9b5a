"""Energy counters of this host: RAPL of the processors, NVML of NVIDIA's accelerators; read, and subtracted.

Sources: the kernel's Documentation/power/powercap/powercap.rst for `energy_uj` and `max_energy_range_uj`;
NVML's reference for nvmlDeviceGetTotalEnergyConsumption (millijoules since the driver was loaded, from
Volta on). A RAPL counter wraps around at its range; since it takes minutes to get there and trials take
seconds, it has wrapped once at most. A counter without a range that went backwards was reset: then nothing is
known.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

POWERCAP = Path("/sys/class/powercap")
_COUNTED = re.compile(r"package-\d+(-die-\d+)?|dram")
"""Zones that hold no other: a package has its cores in it, and memory beside it."""


class Reading(NamedTuple):
    """One counter at one moment."""

    name: str
    microjoules: int
    range_microjoules: int | None
    """At which it wraps around; None where it doesn't."""


def read_counters(powercap: Path = POWERCAP) -> list[Reading]:
    """All counters that may be read here; often none, since RAPL is root's alone by default."""
    return [*_rapl(powercap), *_nvml()]


def _rapl(powercap: Path) -> Iterator[Reading]:
    for zone in sorted(powercap.glob("intel-rapl:*")):
        try:
            name = (zone / "name").read_text().strip()
            if _COUNTED.fullmatch(name):
                counted, limit = (
                    int((zone / file).read_text()) for file in ("energy_uj", "max_energy_range_uj")
                )
                yield Reading(f"{zone.name} {name}", counted, limit)
        except (OSError, ValueError):
            continue  # not readable by this user


def _nvml() -> Iterator[Reading]:
    try:
        import pynvml
    except ImportError:
        return
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return  # no accelerator, or no driver
    yield from gpu_readings(pynvml)


def gpu_readings(nvml: Any) -> Iterator[Reading]:
    """The counters of all accelerators that have one."""
    for number in range(nvml.nvmlDeviceGetCount()):
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(number)
            yield Reading(f"gpu {number}", 1000 * nvml.nvmlDeviceGetTotalEnergyConsumption(handle), None)
        except nvml.NVMLError:
            continue  # older than Volta


def joules(first: Iterable[Reading], last: Iterable[Reading]) -> dict[str, float]:
    """What each counter that was read both times counted in between."""
    before = {reading.name: reading for reading in first}
    found = {}
    for after in last:
        if after.name in before and (used := _between(before[after.name], after)) is not None:
            found[after.name] = used / 1e6
    return found


def _between(first: Reading, last: Reading) -> int | None:
    used = last.microjoules - first.microjoules
    if used >= 0:
        return used
    return None if last.range_microjoules is None else used + last.range_microjoules


def readings(raw: Sequence[Any]) -> list[Reading]:
    """From a record; raises `ValueError` for anything else."""
    found = [Reading(*each) for each in raw]
    for reading in found:
        numbers = (reading.microjoules, reading.range_microjoules or 0)
        if not isinstance(reading.name, str) or any(type(n) is not int or n < 0 for n in numbers):
            raise ValueError("an energy counter")
    return found


class Meter:
    """Reads the counters twice."""

    def __init__(self, read: Callable[[], list[Reading]] = read_counters) -> None:
        self._read = read
        self._first = read()  # opens what must be opened, before anything is timed

    def begin(self) -> None:
        """From now on."""
        if self._first:
            self._first = self._read()

    def used(self) -> dict[str, Any]:
        """For the record: both readings, or nothing where there is no counter."""
        if not self._first:
            return {}
        return {"energy": {"first": self._first, "last": self._read()}}
