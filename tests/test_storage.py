"""Where results are kept."""

from pathlib import Path

import pytest

from pipebench import storage
from pipebench.errors import BadInput


def test_files_are_numbered_on(tmp_path: Path) -> None:
    folder = tmp_path / ".pipebench"
    first = storage.new_file(folder)
    assert first.name.startswith("0001_")
    assert not first.exists()
    first.touch()
    (folder / "0041_abc_20260101_000000.jsonl").touch()
    (folder / "notes.jsonl").touch()
    assert storage.new_file(folder).name.startswith("0042_")
    assert [path.name[:4] for path in storage.saved(folder)] == ["0001", "0041"]


def test_nothing_is_saved_where_no_folder_is(tmp_path: Path) -> None:
    assert storage.saved(tmp_path / "none") == []


def test_a_file_in_the_folders_place(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(
        BadInput, match=r"results cannot be kept in .*taken: File exists; name a file with --out"
    ):
        storage.new_file(tmp_path / "taken")


@pytest.mark.parametrize("path", ["", "/nowhere"])
def test_without_git_or_a_repository_it_is_unversioned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    if path:
        monkeypatch.setenv("PATH", path)
    assert "_unversioned_" in storage.new_file().name
