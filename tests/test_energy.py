"""Energy counters: recorded ones, wrap-around, and counters that may not be read."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipebench.energy import Meter, Reading, gpu_readings, joules, read_counters, readings

RANGE = 262_143_328_850
"""`max_energy_range_uj` as Intel's server processors have it."""
RECORDED = 240_422_366_267
"""A package's counter, as prometheus/procfs keeps a recorded one among its fixtures."""


def zone(root: Path, zone: str, name: str, energy: int) -> None:
    (root / zone).mkdir(parents=True)
    for file, value in (("name", name), ("energy_uj", energy), ("max_energy_range_uj", RANGE)):
        (root / zone / file).write_text(f"{value}\n")


def host(root: Path, package: int, dram: int) -> Path:
    """Two zones that count, and those within them or above that must not be counted twice."""
    zone(root, "intel-rapl:0", "package-0", package)
    zone(root, "intel-rapl:0:0", "core", package // 2)
    zone(root, "intel-rapl:0:1", "dram", dram)
    zone(root, "intel-rapl:1", "psys", 2 * package)
    return root


def test_packages_and_memory_are_counted_once(tmp_path: Path) -> None:
    found = read_counters(host(tmp_path, 5_000_000, 1_000_000))
    assert found == [
        Reading("intel-rapl:0 package-0", 5_000_000, RANGE),
        Reading("intel-rapl:0:1 dram", 1_000_000, RANGE),
    ]


def test_packages_of_several_dies(tmp_path: Path) -> None:
    """As the kernel names them (drivers/powercap/intel_rapl_common.c)."""
    for number in range(2):
        zone(tmp_path, f"intel-rapl:{number}", f"package-0-die-{number}", 7)
    assert [reading.name for reading in read_counters(tmp_path)] == [
        "intel-rapl:0 package-0-die-0",
        "intel-rapl:1 package-0-die-1",
    ]


def test_a_host_without_counters_and_counters_of_root_alone(tmp_path: Path) -> None:
    assert read_counters(tmp_path / "none") == []
    zone(tmp_path, "intel-rapl:0", "package-0", 5)
    (tmp_path / "intel-rapl:0" / "energy_uj").unlink()
    assert read_counters(tmp_path) == []


def test_what_was_used_between_two_recorded_moments(tmp_path: Path) -> None:
    first = read_counters(host(tmp_path / "a", RECORDED, 1_000_000))
    last = read_counters(host(tmp_path / "b", RECORDED + 120_000_000, 9_500_000))
    assert joules(first, last) == {"intel-rapl:0 package-0": 120.0, "intel-rapl:0:1 dram": 8.5}


def test_a_counter_that_wrapped_around(tmp_path: Path) -> None:
    first = read_counters(host(tmp_path / "a", RECORDED, 0))
    last = read_counters(host(tmp_path / "b", 30_000_000, 0))
    used = joules(first, last)["intel-rapl:0 package-0"]
    assert used == pytest.approx((RANGE - RECORDED + 30_000_000) / 1e6)


def test_a_counter_that_was_reset_tells_nothing() -> None:
    """As an accelerator's is when its driver is loaded again."""
    assert joules([Reading("gpu 0", 5_000_000, None)], [Reading("gpu 0", 1_000, None)]) == {}
    assert joules([], [Reading("gpu 0", 1_000, None)]) == {}


class NoEnergy(Exception):
    pass


def test_accelerators_count_millijoules_and_old_ones_nothing() -> None:
    def energy(handle: int) -> int:
        if handle == 1:
            raise NoEnergy
        return 7000 + handle

    nvml: Any = SimpleNamespace(
        NVMLError=NoEnergy,
        nvmlDeviceGetCount=lambda: 3,
        nvmlDeviceGetHandleByIndex=lambda number: number,
        nvmlDeviceGetTotalEnergyConsumption=energy,
    )
    assert list(gpu_readings(nvml)) == [Reading("gpu 0", 7_000_000, None), Reading("gpu 2", 7_002_000, None)]


def test_a_meter_begins_where_it_is_told() -> None:
    values = iter([[Reading("a", n, None)] for n in (1, 5, 9)])
    meter = Meter(lambda: next(values))
    meter.begin()
    assert meter.used() == {"energy": {"first": [Reading("a", 5, None)], "last": [Reading("a", 9, None)]}}


def test_without_counters_nothing_is_kept() -> None:
    meter = Meter(list)
    meter.begin()
    assert meter.used() == {}


@pytest.mark.parametrize(
    "raw", [[["a", -1, None]], [["a", 1.5, None]], [[1, 1, None]], [["a", 1, "x"]], [["a"]], [5]]
)
def test_records_that_hold_something_else(raw: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        readings(raw)
