"""What a host lacks comes with what mends it."""

from pathlib import Path

import pytest

from pipebench import doctor, machine
from pipebench.results import Record


@pytest.mark.parametrize(("free", "state"), [(0, "missing"), (64_000_000, "missing"), (1 << 30, "ok")])
def test_a_small_shared_memory_warns(free: int, state: str) -> None:
    finding = doctor.shared_memory(free)
    assert finding.state == state
    assert bool(finding.remedy) is (state == "missing")


def test_64_mb_as_docker_gives_it() -> None:
    finding = doctor.shared_memory(64_000_000)
    assert finding.text.startswith("only 64 MB free: plain PyTorch workers may die")
    assert finding.remedy == "start the container with --shm-size=8g"


def test_the_host_is_described(tmp_path: Path) -> None:
    found = {finding.topic: finding for finding in doctor.host(tmp_path)}
    assert found["python"].state == found["memory"].state == found["storage"].state == "ok"
    assert str(tmp_path) in found["storage"].text


def test_a_place_that_is_not_there_yet(tmp_path: Path) -> None:
    found = {finding.topic: finding for finding in doctor.host(tmp_path / "none")}
    assert found["storage"].state == "missing"
    assert found["storage"].remedy == f"mkdir -p {tmp_path / 'none'}"


def test_each_missing_library_brings_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "versions", lambda _: {})
    findings = list(doctor.libraries())
    assert {finding.topic for finding in findings} == set(doctor.LIBRARIES)
    assert all(f.state == "missing" and f.remedy.startswith("pip install 'pipebench") for f in findings)


def test_installed_libraries_show_their_versions() -> None:
    found = {finding.topic: finding for finding in doctor.libraries()}
    assert found["pyarrow"].state == "ok"
    assert "(pyarrow)" in found["pyarrow"].text


@pytest.mark.parametrize(
    ("status", "reason", "state", "text", "remedy"),
    [
        ("ok", "", "ok", "works: delivers every sample once, and right", ""),
        ("unsupported", "pip install 'x[y]'", "missing", "lacks a library", "pip install 'x[y]'"),
        ("failed", "ValueError: why", "missing", "failed: ValueError: why", ""),
        ("timeout", "took longer than 5 s", "missing", "timeout: took longer than 5 s", ""),
    ],
)
def test_a_loader_that_was_tried(
    monkeypatch: pytest.MonkeyPatch,
    make_record: "object",
    status: str,
    reason: str,
    state: str,
    text: str,
    remedy: str,
) -> None:
    assert callable(make_record)
    record = make_record(block=-1, status=status, reason=reason)
    assert isinstance(record, Record)
    finding = doctor._verdict("dali", record)
    assert (finding.state, finding.text, finding.remedy) == (state, text, remedy)
