"""What this host is, and the cores that may be used."""

import os
from dataclasses import asdict
from pathlib import Path

import pytest

from pipebench import machine
from pipebench.errors import BadInput


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host whose affinity holds four processors, without a quota."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {5, 1, 3, 9})
    monkeypatch.setattr(machine, "cgroup_quota", lambda: None)


@pytest.mark.parametrize(
    ("quota", "asked", "cpus"),
    [
        (None, None, [1, 3, 5, 9]),
        (None, 2, [1, 3]),
        (None, 4, [1, 3, 5, 9]),
        (2.0, None, [1, 3]),
        (2.9, None, [1, 3]),
        (0.5, None, [1]),
        (64.0, None, [1, 3, 5, 9]),
        (3.0, 1, [1]),
    ],
)
def test_the_least_of_affinity_quota_and_what_was_asked(
    host: None, monkeypatch: pytest.MonkeyPatch, quota: float | None, asked: int | None, cpus: list[int]
) -> None:
    monkeypatch.setattr(machine, "cgroup_quota", lambda: quota)
    assert machine.usable_cpus(asked) == cpus


@pytest.mark.parametrize("asked", [0, -1, 5, 10**9])
def test_cores_that_are_not_there(host: None, asked: int) -> None:
    with pytest.raises(BadInput, match=f"--cores {asked}: this process may use from 1 to 4 cores"):
        machine.usable_cpus(asked)


def test_the_description_is_whole_and_plain() -> None:
    facts = asdict(machine.describe())
    assert facts["usable_cores"] <= facts["cores"]
    assert facts["memory_bytes"] > 1e8
    assert all(isinstance(value, str | int) for value in facts.values())


def test_versions_of_what_is_installed_alone() -> None:
    found = machine.versions(["numpy", "no-such-distribution", "pyarrow"])
    assert list(found) == ["numpy", "pyarrow"]


def test_threads_stay_within_the_placement() -> None:
    environment = machine.thread_environment(3)
    assert environment["OMP_NUM_THREADS"] == environment["MKL_NUM_THREADS"] == "3"
    assert environment["OMP_WAIT_POLICY"] == "passive"


def test_filesystems(tmp_path: Path) -> None:
    assert machine.filesystem(Path("/proc/self")) == "proc"
    assert machine.filesystem(tmp_path) not in ("", "proc")
    assert machine.filesystem(tmp_path / "not" / "there") == machine.filesystem(tmp_path)
