"""One trial in this process: what a loader raises becomes a status and a reason."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pipebench import trial
from pipebench.contract import Unsupported
from pipebench.dataset import Dataset
from pipebench.errors import BadInput
from pipebench.measure import LOOKS_AT_MEMORY, MIN_BATCHES, SHORT_BATCHES, SHORT_SECONDS
from pipebench.results import Record, TrialSpec


class Ticking:
    """A clock that passes 10 ms whenever it is read."""

    def __init__(self) -> None:
        self.at = 0

    def now_ns(self) -> int:
        self.at += 10_000_000
        return self.at

    def sleep_ns(self, duration_ns: int) -> None:
        self.at += duration_ns

    burn_ns = sleep_ns


@pytest.fixture
def run(fakes: str, make_dataset: Callable[..., Dataset], spec: TrialSpec) -> Callable[..., Record]:
    data = make_dataset().url

    def do(name: str, **changes: object) -> Record:
        own = replace(spec, loader=f"{fakes}:{name}", data=data, **changes)  # type: ignore[arg-type]
        blank = Record(run="r", contestant="c", block=0, spec=own, status="failed")
        return trial.run(blank, 0, Ticking())

    return do


def test_a_trial_that_is_asked_to_be_short_is_content_with_fewer_batches(run: Callable[..., Record]) -> None:
    record = run("Good", seconds=0.01)
    assert record.trace is not None
    assert SHORT_BATCHES <= len(record.trace.got_ns) < MIN_BATCHES


def test_cpu_time_is_read_before_what_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the time of that is used CPU time of no window, and cores seem more than full."""
    read: list[str] = []

    def noting(name: str) -> Callable[[], Any]:
        real = getattr(trial, name)

        def call(*known: Any) -> Any:
            read.append(name)
            return real(*known)

        return call

    for name in ("tree_cpu_ns", "host_busy_ns", "tree_resources", "tree_memory", "worker_waits"):
        monkeypatch.setattr(trial, name, noting(name))
    look = trial._Observer()
    assert read == ["tree_memory"]
    monkeypatch.setattr("pipebench.resources.tree_memory", lambda: pytest.fail("the first look waits for it"))
    seen = Counter[str]()
    for _ in range(2 * LOOKS_AT_MEMORY):
        read.clear()
        look()
        assert read[:2] == ["tree_cpu_ns", "host_busy_ns"]
        seen.update(read)
    assert (seen["tree_resources"], seen["tree_memory"]) == (1, 1)
    assert seen["worker_waits"] == 2 * LOOKS_AT_MEMORY


def test_a_trial_records_all_that_it_saw(run: Callable[..., Record]) -> None:
    record = run("Good", seconds=SHORT_SECONDS)
    assert record.status == "ok"
    assert record.trace is not None
    assert len(record.trace.got_ns) >= MIN_BATCHES
    assert record.settings["workers"] == 1
    assert {"numpy", "pipebench"} <= record.versions.keys()
    assert record.machine["cores"] >= 1
    assert record.resources["last"]["processes"] >= 1


@pytest.mark.parametrize(
    ("name", "changes", "status", "says"),
    [
        ("Raises", {}, "failed", "ValueError: the last line (fake_loaders.py, line "),
        ("Refuses", {}, "unsupported", "pip install 'nothing'"),
        ("RefusesToBeBuilt", {}, "unsupported", "not on | this host"),
        ("Complains", {}, "bad_input", "the data is wrong"),
        ("Good", {"data": "/no/such"}, "bad_input", "there is no folder /no/such"),
        ("Good", {"options": {"wrkers": "2"}}, "bad_input", "there is no fake_loaders:Good setting 'wrkers'"),
        ("Good", {"options": {"preset": "best"}}, "bad_input", "there is no preset of fake_loaders:Good"),
        ("Good", {"options": {"preset": "documented"}}, "unsupported", "has no 'documented' preset"),
        ("Nowhere", {}, "bad_input", "loader 'fake_loaders:Nowhere': module 'fake_loaders' has no 'Nowhere'"),
    ],
)
def test_whatever_goes_wrong_has_a_status_and_a_reason(
    run: Callable[..., Record], name: str, changes: dict[str, object], status: str, says: str
) -> None:
    if "data" in changes:
        record = run(name)
        blank = replace(record, status="failed", spec=replace(record.spec, **changes))  # type: ignore[arg-type]
        record = trial.run(blank, 0, Ticking())
    else:
        record = run(name, **changes)
    assert record.status == status
    assert record.reason.startswith(says)


def test_settings_follow_from_the_placement_and_the_options(run: Callable[..., Record]) -> None:
    assert run("Good", cpus=[0, 1, 2]).settings["workers"] == 3
    assert run("Good", cpus=[0, 1, 2], options={"workers": "7"}).settings["workers"] == 7


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Unsupported("why"), ("unsupported", "why")),
        (BadInput("why"), ("bad_input", "why")),
        (ValueError(""), ("failed", "ValueError: no message")),
        (ValueError("a\n\nb\n"), ("failed", "ValueError: b")),
        (MemoryError(), ("failed", "MemoryError: no message")),
        (ValueError("\x1b[2J\udcff"), ("failed", "ValueError: ?[2J?")),
    ],
)
def test_an_exception_as_a_reason(error: Exception, expected: tuple[str, str]) -> None:
    assert trial.outcome(error) == expected


def test_a_reason_is_never_long() -> None:
    assert len(trial.outcome(ValueError("x" * 10**6))[1]) < 3000
