"""A task's files appear when it commits, whole, and never over another's or elsewhere."""

import ctypes
import errno
import os
from pathlib import Path

import pytest

from pipebench import files
from pipebench.datasets_prep.sharding import places as _places
from pipebench.datasets_prep.sharding import syncing as _syncing
from pipebench.datasets_prep.sharding.places import TaskPlace, place
from pipebench.errors import BadInput


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".sharding/partial").mkdir(parents=True)
    return tmp_path


def write(task: TaskPlace, name: str, content: bytes = b"content") -> None:
    with task.file(name) as sink:
        sink.write(content)


def contents(root: Path) -> dict[str, bytes]:
    """Of the files that have their names."""
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files if ".sharding" not in path.parts}


def partial(root: Path) -> list[Path]:
    return list((root / ".sharding/partial").iterdir())


def test_files_appear_together(root: Path) -> None:
    with place(str(root), str(root / ".sharding")) as task:
        write(task, "a.tar", b"12")
        write(task, "deep/er/b.jpg")
        assert contents(root) == {}
        stored = task.commit()
    assert contents(root) == {"a.tar": b"12", "deep/er/b.jpg": b"content"}
    assert stored["a.tar"].size == 2
    assert stored["a.tar"].sha256.startswith("6b51d431df5d7f14")
    assert partial(root) == []


def test_what_is_not_committed_is_gone(root: Path) -> None:
    def fail() -> None:
        with place(str(root), str(root / ".sharding")) as task:
            write(task, "a.tar")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        fail()
    assert (contents(root), partial(root)) == ({}, [])


@pytest.mark.parametrize("count", [1, _syncing.FEW + 1])
def test_files_are_synced_before_they_have_names_and_names_after(
    root: Path, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(_places, "sync", lambda paths, folder: seen.append((set(paths), len(contents(root)))))
    with place(str(root), str(root / ".sharding")) as task:
        for number in range(count):
            write(task, f"class/{number}.jpg")
        task.commit()
    (written, before), (folders, after) = seen
    assert (len(written), before, after) == (count, 0, count)
    assert folders == {root, root / "class"}


def test_many_files_are_synced_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_syncing, "sync_path", None)
    _syncing.sync([tmp_path] * (_syncing.FEW + 1), tmp_path)


def test_done_again_a_task_finds_its_own_files(root: Path) -> None:
    for _ in range(2):
        with place(str(root), str(root / ".sharding")) as task:
            write(task, "a.tar")
            task.commit()
    assert contents(root) == {"a.tar": b"content"}


@pytest.mark.parametrize("error", [errno.EPERM, errno.ENOTSUP])
def test_filesystems_without_links(root: Path, error: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(error, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    test_done_again_a_task_finds_its_own_files(root)
    test_another_file_is_not_overwritten(root)


def test_another_file_is_not_overwritten(root: Path) -> None:
    (root / "b.jpg").write_bytes(b"of another sample")
    with place(str(root), str(root / ".sharding")) as task:
        write(task, "b.jpg")
        with pytest.raises(BadInput, match=r"b\.jpg is there already with other bytes: two samples"):
            task.commit()
    assert (root / "b.jpg").read_bytes() == b"of another sample"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("/etc/passwd", "outside the dataset"),
        ("a/../../b", "outside the dataset"),
        ("..", "outside the dataset"),
        ("", "outside the dataset"),
        (".sharding/plan.json", "that the dataset needs"),
        (".Sharding/x", "that the dataset needs"),
        ("dataset.json", "that the dataset needs"),
        ("samples.parquet/x.jpg", "that the dataset needs"),
        ("twice", "two samples' files"),
    ],
)
def test_names_that_are_refused(root: Path, name: str, message: str) -> None:
    with place(str(root), str(root / ".sharding")) as task:
        write(task, "twice")
        with pytest.raises(BadInput, match=message):
            write(task, name)


@pytest.mark.parametrize("name", ["n" * 300, "file/below", "folder"])
def test_names_that_the_filesystem_refuses(root: Path, name: str) -> None:
    (root / "file").touch()
    (root / "folder").mkdir()
    with place(str(root), str(root / ".sharding")) as task:
        write(task, name)
        with pytest.raises(BadInput, match=f"{name[:50]}.* cannot be written|{name} is there already"):
            task.commit()


def test_what_a_killed_process_left_beside_a_file_is_cleared(tmp_path: Path) -> None:
    with files.created(str(tmp_path / "a.json")) as file:
        file.write(b"{}")
        left = [path.name for path in tmp_path.iterdir()]
        files.clear_partials(str(tmp_path))
        assert (len(left), list(tmp_path.iterdir())) == (1, [])
        (tmp_path / left[0]).write_bytes(b"{}")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("there", [True, False])
def test_large_files_begin_their_way_to_storage_early(
    root: Path, there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []

    def begin(_: int, offset: ctypes.c_int64, size: ctypes.c_int64, flags: int) -> None:
        asked.append((offset.value, size.value))

    monkeypatch.setattr(_syncing, "_function", lambda _: begin if there else None)
    monkeypatch.setattr(_syncing, "EARLY", 10)
    with place(str(root), str(root / ".sharding")) as task, task.file("a") as sink:
        for size in (4, 7, 1, 20, 5):
            sink.write(bytes(size))
    assert asked == ([(0, 11), (11, 21)] if there else [])


def test_a_real_system_takes_large_files(root: Path) -> None:
    content = bytes(range(256)) * (_syncing.EARLY // 100)
    with place(str(root), str(root / ".sharding")) as task:
        write(task, "a", content)
        task.commit()
    assert contents(root) == {"a": content}
