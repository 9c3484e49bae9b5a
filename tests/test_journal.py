"""The work folder: who may begin, who may go on, and what is left when it ends."""

import errno
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipebench.datasets_prep.sharding.journal import opened, sweep
from pipebench.errors import BadInput

PLAN: dict[str, dict[str, Any]] = {
    "options": {"format": "wds", "shuffle": False, "seed": None},
    "source": {"content": "aa", "samples": 5},
}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def begin(target: Path, *parts: str) -> None:
    """A sharding that is cut short with these parts done."""
    with opened(str(target), resume=False) as journal:
        journal.agree(PLAN)
        for part in parts:
            Path(journal.part(part)).touch()


@pytest.mark.parametrize("existed", [False, True])
def test_a_sharding_from_its_beginning_to_its_end(tmp_path: Path, existed: bool) -> None:
    target = tmp_path / "deep" / "dst"
    if existed:
        target.mkdir(parents=True)
    with opened(str(target), resume=False) as journal:
        assert not journal.planned
        journal.agree(PLAN)
        assert journal.planned
        assert names(target / ".sharding") == ["lock", "partial", "parts", "plan.json"]
        assert journal.done() == frozenset()
        Path(journal.part("all-000000.parquet")).touch()
        assert journal.done() == {"all-000000.parquet"}
        journal.remove()
    assert names(target) == []


def test_resumed_it_knows_what_is_done_and_drops_what_is_half_written(tmp_path: Path) -> None:
    begin(tmp_path / "dst", "all-000001.parquet")
    (tmp_path / "dst/.sharding/partial/1-2").mkdir()
    (tmp_path / "dst/.sharding/partial/1-2/0").touch()
    with opened(str(tmp_path / "dst"), resume=True) as journal:
        journal.agree(PLAN)
        assert journal.done() == {"all-000001.parquet"}
        assert names(tmp_path / "dst/.sharding/partial") == []


def test_to_resume_nothing_is_to_begin(tmp_path: Path) -> None:
    with opened(str(tmp_path / "dst"), resume=True) as journal:
        journal.agree(PLAN)
    assert (tmp_path / "dst/.sharding/plan.json").exists()


def refused(target: Path, *, resume: bool = False, plan: dict[str, dict[str, Any]] = PLAN) -> str:
    with pytest.raises(BadInput) as caught, opened(str(target), resume=resume) as journal:
        journal.agree(plan)
    return str(caught.value)


def test_an_unfinished_target_is_not_begun_anew(tmp_path: Path) -> None:
    begin(tmp_path / "dst", "all-000000.parquet")
    assert "is incomplete: its sharding was cut short; finish it with --resume" in refused(tmp_path / "dst")
    assert names(tmp_path / "dst/.sharding/parts") == ["all-000000.parquet"]


@pytest.mark.parametrize("resume", [False, True])
def test_a_target_that_holds_something(tmp_path: Path, resume: bool) -> None:
    (tmp_path / "mine").write_text("mine")
    assert "already holds something" in refused(tmp_path, resume=resume)
    assert names(tmp_path) == ["mine"]


def test_a_target_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    assert "is a file, not a folder" in refused(tmp_path / "mine")
    assert "cannot be written: Not a directory" in refused(tmp_path / "mine/dst")
    assert (tmp_path / "mine").read_text() == "mine"


def test_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Played, since root, as whom tests may run, is refused nothing."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert refused(tmp_path / "dst") == f"{tmp_path}/dst cannot be written: Permission denied"


@pytest.mark.parametrize(
    ("group", "name", "value", "message"),
    [
        (
            "options",
            "shuffle",
            True,
            "begun with other options (shuffle was False and is True); give the same",
        ),
        ("options", "new", 1, "begun with other options (new was None and is 1)"),
        ("source", "content", "bb", "the source has changed (content was aa and is bb); remove it and start"),
    ],
)
def test_another_plan_is_refused(tmp_path: Path, group: str, name: str, value: Any, message: str) -> None:
    begin(tmp_path / "dst")
    other = PLAN | {group: PLAN[group] | {name: value}}
    assert message in refused(tmp_path / "dst", resume=True, plan=other)
    with opened(str(tmp_path / "dst"), resume=True) as journal:
        journal.agree(PLAN)


@pytest.mark.parametrize("existed", [False, True])
def test_what_fails_before_there_is_a_plan_leaves_nothing(tmp_path: Path, existed: bool) -> None:
    target = tmp_path / "dst"
    if existed:
        target.mkdir()
    with pytest.raises(BadInput, match="no such source"), opened(str(target), resume=False):
        raise BadInput("no such source")
    assert target.exists() == existed
    assert not existed or names(target) == []


@pytest.mark.parametrize("resume", [False, True])
def test_a_second_writer_is_refused(tmp_path: Path, resume: bool) -> None:
    target = tmp_path / "dst"
    with opened(str(target), resume=False) as journal:
        assert "is being written by another process" in refused(target, resume=resume)
        journal.agree(PLAN)
        assert "is being written by another process" in refused(target, resume=resume)
        assert journal.planned
    with opened(str(target), resume=True):
        assert "is being written by another process" in refused(target, resume=True)


HOLDER = """
import sys
from pipebench.datasets_prep.sharding.journal import opened
with opened(sys.argv[1], resume=False):
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_the_lock_is_free_when_its_holder_is_killed(tmp_path: Path) -> None:
    target = tmp_path / "dst"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        assert "is being written by another process" in refused(target, resume=True)
        holder.kill()
        holder.wait()
    with opened(str(target), resume=True) as journal:
        journal.agree(PLAN)


def test_what_a_finished_sharding_left_is_swept_up(tmp_path: Path) -> None:
    begin(tmp_path / "dst", "all-000000.parquet")
    (tmp_path / "dst/dataset.json").touch()
    sweep(str(tmp_path / "dst"))
    assert (tmp_path / "dst/.sharding").exists()  # it has a plan
    (tmp_path / "dst/.sharding/plan.json").unlink()
    sweep(str(tmp_path / "dst"))
    assert names(tmp_path / "dst") == ["dataset.json"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"options": {}}'])
def test_a_damaged_plan_is_one_sentence(tmp_path: Path, content: str) -> None:
    begin(tmp_path / "dst")
    (tmp_path / "dst/.sharding/plan.json").write_text(content)
    assert "plan.json is damaged; remove" in refused(tmp_path / "dst", resume=True)
