"""Class folders: where samples go, and names that no file can have."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipebench.datasets_prep.formats.contract import Row, Sample
from pipebench.errors import BadInput

LayOut = Callable[..., list[Row]]
MakeSample = Callable[..., Sample]


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_files_lie_in_class_folders(make_sample: MakeSample, lay_out: LayOut, tmp_path: Path) -> None:
    samples = [
        make_sample("x"),
        make_sample("c1/x", 1, json=b"{}"),
        make_sample("c1/y", 0),
        make_sample("./a//b.2", 1, **{"seg.png": b""}),
        make_sample("c10/x", 1),
    ]
    rows = lay_out(tmp_path, "folder", samples)
    assert [row.payload.member for row in rows] == [
        "c0/x.jpg",
        "c1/x.jpg",
        "c0/c1/y.jpg",
        "c1/a/b.2.jpg",
        "c1/c10/x.jpg",
    ]
    assert _files(tmp_path) == {part.member for row in rows for part in (row.payload, *row.extras)}


@pytest.mark.parametrize(
    ("key", "other"), [("c0/x", "x"), ("x", "X"), ("a/./x", "a/x"), ("STRASSE", "straße"), ("a//x", "a/x")]
)
def test_samples_that_would_have_one_file(
    make_sample: MakeSample, lay_out: LayOut, tmp_path: Path, key: str, other: str
) -> None:
    with pytest.raises(BadInput, match=r"sample '.*' would have the same file as sample '.*': '.*'; rename"):
        lay_out(tmp_path, "folder", [make_sample(key), make_sample(other)])


def test_an_extra_that_would_be_anothers_payload(
    make_sample: MakeSample, lay_out: LayOut, tmp_path: Path
) -> None:
    samples = [make_sample("x", **{"seg.jpg": b"mask"}), make_sample("x.seg")]
    with pytest.raises(
        BadInput, match=r"sample 'x\.seg' would have the same file as sample 'x': 'c0/x\.seg\.jpg'"
    ):
        lay_out(tmp_path, "folder", samples)


@pytest.mark.parametrize("key", ["k" * 300, f"a/{'k' * 252}", f"{'ä' * 130}/x"])
def test_names_that_are_too_long(make_sample: MakeSample, lay_out: LayOut, tmp_path: Path, key: str) -> None:
    with pytest.raises(BadInput, match="a file name of more than 255 bytes; shorten it"):
        lay_out(tmp_path, "folder", [make_sample(key)])
    assert _files(tmp_path) == set()


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".sharding", "a/b", "a\0", "dataset.json", "Samples.Parquet"]
)
def test_classes_that_are_no_folders(
    make_sample: MakeSample, lay_out: LayOut, tmp_path: Path, name: str
) -> None:
    with pytest.raises(BadInput, match=r"sample 'x' is of class .*, which cannot be a folder's name"):
        lay_out(tmp_path, "folder", [make_sample("x")], classes=[name])


@pytest.mark.parametrize("label", [-1, 2])
def test_labels_of_no_class(make_sample: MakeSample, lay_out: LayOut, tmp_path: Path, label: int) -> None:
    with pytest.raises(BadInput, match=f"sample 'x' has the label {label} of 2 classes"):
        lay_out(tmp_path, "folder", [make_sample("x", label)])
