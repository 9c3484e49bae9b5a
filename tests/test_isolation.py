"""Trials in processes of their own: whatever becomes of them, a record comes back and nothing stays."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pipebench.dataset import Dataset
from pipebench.errors import BadInput
from pipebench.isolation import run_trial
from pipebench.results import Record, TrialSpec, to_line

ORPHAN = b"sleep\0004321\0"


def orphans() -> list[int]:
    """Processes that a fake loader started and that live on."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes() == ORPHAN:
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


@pytest.fixture
def trial(fakes: str, make_dataset: Callable[..., Dataset], spec: TrialSpec) -> Callable[..., Record]:
    data = make_dataset().url
    cpus = [min(os.sched_getaffinity(0))]

    def run(name: str, timeout: float = 60, **changes: object) -> Record:
        order = replace(spec, loader=f"{fakes}:{name}", data=data, cpus=cpus, **changes)  # type: ignore[arg-type]
        return run_trial(order, timeout, run="r", contestant="c", block=3)

    return run


def test_a_good_trial_ends_ok_with_all_that_it_saw(trial: Callable[..., Record]) -> None:
    record = trial("Good")
    assert (record.status, record.reason) == ("ok", "")
    assert (record.run, record.contestant, record.block, record.format) == ("r", "c", 3, "folder")
    assert record.settings == {"workers": 1, "where": "somewhere"}
    assert record.trace is not None
    assert list(record.trace.sizes[:3]) == [4, 4, 4]
    assert list(record.times_ns) == ["spawned", "imported", "step_ready", "loader_ready"]
    assert sorted(record.times_ns.values()) == list(record.times_ns.values())
    assert len(to_line(record)) < 3_000_000


def test_a_loader_is_imported_from_its_source_folder(
    tmp_path: Path, spec: TrialSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("base", "branch"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.py").write_text(f"raise RuntimeError('imported from {name}')")
    monkeypatch.chdir(tmp_path / "base")
    cpus = [min(os.sched_getaffinity(0))]
    order = replace(spec, loader="mine:Mine", source=str(tmp_path / "branch"), cpus=cpus)
    record = run_trial(order, 60, run="r", contestant="c", block=0)
    assert "imported from branch" in record.reason


@pytest.mark.parametrize(
    ("name", "status", "says"),
    [
        ("Raises", "failed", "ValueError: the last line (fake_loaders.py, line "),
        ("Leaves", "failed", "the process ended with exit code 7 and no record"),
        ("Refuses", "unsupported", "pip install 'nothing'"),
        ("Complains", "bad_input", "the data is wrong"),
        ("Segfaults", "failed", "the process was ended by signal 11 (Segmentation fault)"),
        ("Exits", "failed", "the process ended with exit code 0 and no record"),
        ("Empty", "failed", "RuntimeError: epoch 0 brought no batch"),
        ("NotALoader", "failed", "AttributeError: 'int' object has no attribute 'settings'"),
    ],
)
def test_a_bad_loader_gives_a_reason(trial: Callable[..., Record], name: str, status: str, says: str) -> None:
    record = trial(name)
    assert record.status == status
    assert record.reason.startswith(says)


def test_what_a_loader_prints_neither_blocks_it_nor_fills_the_record(trial: Callable[..., Record]) -> None:
    record = trial("Shouts")
    assert record.status == "failed"
    assert record.reason.isprintable()
    assert "noise" in record.reason
    assert len(to_line(record)) < 10_000


def test_the_tail_of_stderr_is_kept_printable_and_short(trial: Callable[..., Record]) -> None:
    record = trial("ShoutsAndExits")
    assert "exit code 9" in record.reason
    assert "megabytes" in record.reason
    assert record.reason.isprintable()
    assert len(record.reason) < 3_000


@pytest.mark.parametrize("name", ["Hangs", "HangsOnExit"])
def test_a_hanging_trial_is_ended_with_all_that_it_started(trial: Callable[..., Record], name: str) -> None:
    record = trial(name, timeout=1)
    assert record.status == "timeout"
    assert record.reason.startswith("took longer than 1 s")
    assert orphans() == []


def test_an_orphan_does_not_outlive_its_trial(trial: Callable[..., Record]) -> None:
    assert trial("Leaks").status == "ok"
    assert orphans() == []


def test_cpu_that_an_orphan_burnt_is_counted(trial: Callable[..., Record]) -> None:
    record = trial("Burns", seconds=0.1)
    assert record.trace is not None
    first, last = record.trace.looks[0], record.trace.looks[-1]
    assert last.cpu_ns - first.cpu_ns > 250_000_000


def test_the_working_folder_hides_no_module(trial: Callable[..., Record]) -> None:
    Path("numpy.py").write_text("raise SystemExit('the wrong numpy')")
    assert trial("Good").status == "ok"


def test_names_that_are_no_utf8_pass(trial: Callable[..., Record]) -> None:
    record = trial("Good", options={"workers": "2", "preset": "\udcff"})
    assert record.status == "bad_input"
    assert "preset" in record.reason


@pytest.mark.parametrize("python", ["/nowhere/python", "/etc"])
def test_an_interpreter_that_cannot_start_is_bad_input(trial: Callable[..., Record], python: str) -> None:
    with pytest.raises(BadInput, match=f"the interpreter {python} cannot be started"):
        trial("Good", python=python)


def test_something_else_than_an_interpreter_fails(trial: Callable[..., Record]) -> None:
    record = trial("Good", python="/bin/false")
    assert record.status == "failed"
    assert "exit code 1" in record.reason


def test_ctrl_c_leaves_nothing_running(trial: Callable[..., Record], monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    real = subprocess.Popen.communicate

    def interrupted(self: "subprocess.Popen[bytes]", order: bytes, timeout: float) -> None:
        try:
            real(self, order, 1)
        except subprocess.TimeoutExpired:
            raise KeyboardInterrupt from None

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trial("Hangs")
    assert orphans() == []


def test_sigterm_is_like_ctrl_c(trial: Callable[..., Record]) -> None:
    import signal
    import threading

    before = signal.getsignal(signal.SIGTERM)
    timer = threading.Timer(1, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        trial("Hangs")
    assert orphans() == []
    assert signal.getsignal(signal.SIGTERM) is before
