"""Data without an index: one is made beside the results, once, and the data stays as it is."""

import os
import shutil
from pathlib import Path

import pytest

from pipebench.commands._indexed import indexed
from pipebench.dataset import DESCRIPTION, INDEX, Dataset, open_dataset
from pipebench.errors import BadInput
from pipebench.progress import quiet

Capture = pytest.CaptureFixture[str]
EMPTY = b"\xff\xd8\xff\xd9"


@pytest.fixture
def photos(tiny_folder: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The samples of `tiny_folder` in their class folders, and nothing that pipebench wrote."""
    monkeypatch.chdir(tmp_path)
    left_out = shutil.ignore_patterns(DESCRIPTION, INDEX)
    shutil.copytree(tiny_folder.root, "photos", ignore=left_out)
    return Path("photos")


def test_a_dataset_is_taken_as_it_is(tiny_folder: Dataset, capsys: Capture) -> None:
    assert indexed(tiny_folder.url, redact=False) == tiny_folder.url
    assert capsys.readouterr() == ("", "")


def test_a_folder_is_indexed_elsewhere_and_told_of(
    photos: Path, tiny_folder: Dataset, capsys: Capture
) -> None:
    before = sorted(photos.rglob("*"))
    dataset = open_dataset(indexed("photos", redact=False))
    assert dataset.content_id == tiny_folder.content_id
    assert dataset.local_root() == photos.resolve()
    assert Path(dataset.url).parent == Path(".pipebench/indexed")
    assert sorted(photos.rglob("*")) == before
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"pipebench: note: photos has no index: one is made in {dataset.url}, and nothing")


def test_what_was_indexed_is_not_indexed_again(photos: Path, capsys: Capture) -> None:
    first = indexed("photos", redact=False)
    capsys.readouterr()
    assert indexed(str(photos.resolve()), redact=False) == first
    assert "note" not in capsys.readouterr().err


@pytest.mark.parametrize("change", ["new", "gone", "other"])
def test_what_has_changed_is_indexed_again(photos: Path, change: str, capsys: Capture) -> None:
    first = open_dataset(indexed("photos", redact=False))
    one, another, *_ = sorted(path for path in photos.rglob("*") if path.is_file())
    if change == "new":
        shutil.copy(one, one.with_name("new.jpg"))
    elif change == "gone":
        one.unlink()
    else:
        stamp = one.stat().st_mtime_ns
        shutil.copyfile(another, one)
        os.utime(one, ns=(stamp, stamp + 1))
    again = open_dataset(indexed("photos", redact=False))
    assert again.url == first.url
    assert again.content_id != first.content_id


def test_an_import_that_failed_is_tried_again_and_says_what_to_do(photos: Path, capsys: Capture) -> None:
    one = next(path for path in photos.rglob("*") if path.is_file())
    whole = one.read_bytes()
    one.write_bytes(EMPTY)
    for _ in range(2):
        with pytest.raises(BadInput, match=r"--skip-bad, of 'pipebench data import photos --out INDEX'$"):
            indexed("photos", redact=False)
    one.write_bytes(whole)
    assert open_dataset(indexed("photos", redact=False)).samples == 96


def test_redacted_it_names_no_path_and_quiet_it_says_nothing(photos: Path, capsys: Capture) -> None:
    place = indexed("photos", redact=True)
    assert "photos" not in capsys.readouterr().err
    shutil.rmtree(place)
    with quiet():
        indexed("photos", redact=False)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ([], "is empty"),
        (["notes.txt"], "holds no image below a class folder"),
        (["--odd/x.txt"], "holds no image below a class folder"),
        ([".sharding/plan"], "is incomplete: its sharding was cut short"),
    ],
)
def test_what_cannot_be_indexed(
    names: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("--data").mkdir()
    for name in names:
        path = Path("--data", name)
        path.parent.mkdir(exist_ok=True)
        path.touch()
    with pytest.raises(BadInput, match=says):
        indexed("--data", redact=False)
    assert not Path(".pipebench").exists()


def test_no_object_store_is_indexed_unasked(tmp_path: Path) -> None:
    (tmp_path / "x.tar").touch()
    url = f"memory://{tmp_path.name}"
    import fsspec

    fsspec.filesystem("memory").pipe(f"/{tmp_path.name}/x.tar", b"")
    with pytest.raises(
        BadInput, match=r"has no dataset\.json; index what it holds with 'pipebench data import"
    ):
        indexed(url, redact=False)
