"""Indexing what is there already: odd but whole files are taken, damaged and unsafe ones are named."""

import io
import json
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pipebench.dataset import Dataset, open_dataset
from pipebench.datasets_prep.importer import Import, Imported, import_dataset
from pipebench.errors import BadInput


def _image(mode: str = "RGB", form: str = "JPEG", colour: int = 90, **options: object) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((40, 30), colour).convert(mode).save(file, form, **options)
    return file.getvalue()


def _tree(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def _tar(path: Path, members: Mapping[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def _import(folder: Path, *, workers: int = 1, **options: Any) -> Imported:
    imported: Imported = import_dataset(Import(source=str(folder), **options), workers)
    return imported


def _refused(folder: Path, **options: Any) -> str:
    """The sentence with which it refuses, having written nothing."""
    before = sorted(folder.rglob("*")) if folder.is_dir() else []
    with pytest.raises(BadInput) as caught:
        _import(folder, **options)
    assert (sorted(folder.rglob("*")) if folder.is_dir() else []) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


def _rows(dataset: Dataset) -> dict[str, str]:
    labels = [dataset.classes[label] for label in dataset.index.label.tolist()]
    return dict(zip(dataset.index.key.to_pylist(), labels, strict=True))


ODD = {
    "two words/A.JPG": _image(),
    "two words/b.JPEG": _image("L"),
    "Äpfel & Öl/cmyk.jpg": _image("CMYK"),
    "Äpfel & Öl/deep/er/progressive.jpeg": _image(progressive=True),
    "日本/a png.jpg": _image(form="PNG"),
    "日本/dots.in.name.jpg": _image(),
    "日本/transparent.png": _image("RGBA", "PNG"),
}


def test_a_tree_of_odd_but_whole_files(tmp_path: Path) -> None:
    dataset = _import(_tree(tmp_path, ODD)).dataset
    assert _rows(dataset) == {name.rpartition(".")[0]: name.partition("/")[0] for name in ODD}
    assert dataset.classes == tuple(sorted({name.partition("/")[0] for name in ODD}))
    assert dataset.index.member.to_pylist() == sorted(ODD)
    assert open_dataset(str(tmp_path)) == dataset


def test_synthesised_and_imported_are_the_same(tiny_folder: Dataset, tmp_path: Path) -> None:
    imported = _import(tiny_folder.local_root(), out=str(tmp_path / "index"), workers=2).dataset
    assert imported.content_id == tiny_folder.content_id
    assert imported.classes == tiny_folder.classes


def test_what_is_no_sample_is_counted(tmp_path: Path) -> None:
    source = _tree(
        tmp_path / "src",
        {
            "a/1.jpg": _image(),
            "a/notes.txt": b"",
            "a/.hidden.jpg": b"",
            ".cache/2.jpg": b"",
            "top.jpg": _image(),
        },
    )
    outside = _tree(tmp_path / "outside", {"3.jpg": _image()})
    (source / "a/link.jpg").symlink_to(outside / "3.jpg")
    (source / "b").symlink_to(outside)
    (source / "a/nowhere.jpg").symlink_to("missing")
    (source / "a/inside.jpg").symlink_to("1.jpg")
    imported = _import(source)
    assert _rows(imported.dataset) == {"a/1": "a", "a/inside": "a"}
    assert imported.ignored == {
        "hidden": 2,
        "links out of it": 3,
        "of other kinds": 1,
        "outside class folders": 1,
    }


def test_damage_is_named_and_nothing_written(tmp_path: Path) -> None:
    half = _image()[:600]
    files = {"a/whole.jpg": _image(), "a/half.jpg": half, "b/empty.jpg": b"", "b/text.jpg": b"no picture"}
    message = _refused(_tree(tmp_path, files))
    assert message.startswith("3 of 4 samples")
    assert all(name in message for name in ("a/half.jpg", "b/empty.jpg", "b/text.jpg", "--skip-bad"))
    assert "whole" not in message


def test_much_damage_is_named_in_part(tmp_path: Path) -> None:
    message = _refused(_tree(tmp_path, {f"a/{number:02d}.jpg": b"x" for number in range(25)}))
    assert "a/19.jpg" in message
    assert "a/20.jpg" not in message
    assert "and 5 more" in message


def test_skip_bad_leaves_damage_out(tmp_path: Path) -> None:
    imported = _import(_tree(tmp_path, {"a/1.jpg": _image(), "b/2.jpg": b"x"}), skip_bad=True)
    assert _rows(imported.dataset) == {"a/1": "a"}
    assert [name.partition(" ")[0] for name in imported.skipped] == ["b/2.jpg"]
    assert imported.dataset.made["skipped"] == 1


def test_nothing_but_damage(tmp_path: Path) -> None:
    assert "1 of 1 samples" in _refused(_tree(tmp_path, {"a/1.jpg": b"x"}), skip_bad=True)


def test_index_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = _tree(tmp_path / "src", {"a/1.jpg": _image()})
    monkeypatch.chdir(tmp_path)
    dataset = _import(Path("src"), out="index/new").dataset
    assert dataset.root == str(source)
    assert sorted(path.name for path in source.iterdir()) == ["a"]
    assert open_dataset("index/new").local_root() == source


def test_an_import_can_be_done_again(tmp_path: Path) -> None:
    _tree(tmp_path, {"a/1.jpg": _image()})
    _import(tmp_path)
    _tree(tmp_path, {"a/2.jpg": _image(colour=20)})
    again = _import(tmp_path)
    assert again.dataset.samples == 2
    assert again.ignored == {}


def test_another_commands_dataset_is_left_alone(tiny_folder: Dataset) -> None:
    assert "needs no import" in _refused(tiny_folder.local_root())


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "holds no image"),
        ({"readme.md": b"", "a/notes.txt": b""}, "2 of other kinds"),
        ({"1.jpg": b""}, "1 outside class folders"),
        ({"a/1.jpg": b"", "a/1.png": b""}, "sample 'a/1' has several payloads: jpg, png"),
        ({"a/1.jpg": b"", "x.tar": b""}, "class folders and tar shards"),
    ],
)
def test_trees_that_cannot_be_indexed(files: Mapping[str, bytes], message: str, tmp_path: Path) -> None:
    assert message in _refused(_tree(tmp_path, files))


def test_sources_that_are_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "there is no folder" in _refused(tmp_path / "missing")
    assert "is a file" in _refused(tmp_path / "file")


def test_places_that_cannot_take_the_index(tmp_path: Path) -> None:
    source = _tree(tmp_path / "src", {"a/1.jpg": _image()})
    _tree(tmp_path / "full", {"mine": b""})
    assert "already holds something" in _refused(source, out=str(tmp_path / "full"))
    assert "cannot be written" in _refused(source, out=str(tmp_path / "full/mine"))


def test_an_unknown_kind(tmp_path: Path) -> None:
    assert "there is no kind" in _refused(_tree(tmp_path, {"a/1.jpg": b""}), kind="imagee")


# Tar shards of others


def test_shards_of_ours_without_their_description(tiny_wds: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "foreign"
    shutil.copytree(tiny_wds.local_root(), folder, ignore=shutil.ignore_patterns("*.json", "*.parquet"))
    dataset = _import(folder, workers=2).dataset
    assert dataset.content_id == tiny_wds.content_id
    assert dataset.index.offset.tolist() == tiny_wds.index.offset.tolist()
    assert [shard.sha256 for shard in dataset.shards] == [None] * 6


@pytest.mark.parametrize(
    ("members", "rows"),
    [
        ({"k.cls": b"2\n", "k.jpg": _image()}, {"k": "2"}),
        ({"k.jpg": _image(), "k.cls": b"cat"}, {"k": "cat"}),
        ({"k.jpg": _image(), "k.json": b'{"label": "dog", "x": 1}'}, {"k": "dog"}),
        ({"k.jpg": _image(), "k.json": b'{"cls": 3}'}, {"k": "3"}),
        ({"k.jpg": _image(), "k.json": b'{"label": "dog"}', "k.cls": b"cat"}, {"k": "cat"}),
        ({"n0/k.jpg": _image(), "n1/m.jpg": _image()}, {"n0/k": "n0", "n1/m": "n1"}),
        ({"./n0/k.JPG": _image()}, {"./n0/k": "n0"}),
        ({"a/k.one.two.jpg": _image(), "a/k.cls": b"0"}, {"a/k": "0"}),
        ({"v1.0/k.jpg": _image(), "v1.0/._k.jpg": b"", "readme": b""}, {"v1.0/k": "v1.0"}),
    ],
)
def test_labels_and_keys_of_foreign_shards(
    members: Mapping[str, bytes], rows: Mapping[str, str], tmp_path: Path
) -> None:
    _tar(tmp_path / "x.tar", members)
    dataset = _import(tmp_path).dataset
    assert _rows(dataset) == rows
    content = (tmp_path / "x.tar").read_bytes()
    for offset, size in zip(dataset.index.offset.tolist(), dataset.index.size.tolist(), strict=True):
        with Image.open(io.BytesIO(content[offset : offset + size])) as image:
            assert image.size == (40, 30)


def test_numbered_classes_keep_their_numbers(tmp_path: Path) -> None:
    _tar(tmp_path / "x.tar", {"a.jpg": _image(), "a.cls": b"10", "b.jpg": _image(), "b.cls": b"2"})
    dataset = _import(tmp_path).dataset
    assert dataset.index.label.tolist() == [10, 2]
    assert len(dataset.classes) == 11


def test_keys_that_repeat_between_shards(tmp_path: Path) -> None:
    for name in ("one.tar", "sub/two.tar"):
        _tar(tmp_path / name, {"0.jpg": _image(), "0.cls": b"1"})
    dataset = _import(tmp_path).dataset
    assert dataset.index.key.to_pylist() == ["one/0", "sub/two/0"]
    assert dataset.index.member.to_pylist() == ["0.jpg", "0.jpg"]
    assert [shard.name for shard in dataset.shards] == ["one.tar", "sub/two.tar"]


def test_shards_that_gnu_and_pax_headers_prefix(tmp_path: Path) -> None:
    name, payload = f"{'ü' * 60}/{'n' * 150}.jpg", _image()
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        with tarfile.open(tmp_path / f"{form}.tar", "w", format=form) as tar:
            info = tarfile.TarInfo(name)
            info.size = len(payload)
            tar.addfile(info, io.BytesIO(payload))
    dataset = _import(tmp_path).dataset
    assert dataset.index.member.to_pylist() == [name, name]


def test_damage_inside_shards(tmp_path: Path) -> None:
    _tar(tmp_path / "x.tar", {"c/1.jpg": _image(), "c/2.jpg": b"no picture", "c/3.txt": b"lonely"})
    assert "x.tar/c/2.jpg" in _refused(tmp_path)
    imported = _import(tmp_path, skip_bad=True)
    assert imported.dataset.shards[0].samples == imported.dataset.samples == 1
    assert imported.ignored["samples without a payload"] == 1


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"c/1.jpg": b"", "c/2.jpg": b"", "c/1.cls": b"1"}, "holds the key 'c/1' twice"),
        ({"c/1.jpg": b"", "c/1.png": b""}, "x.tar/c/1' has several payloads: jpg, png"),
        ({"1.jpg": b""}, "'1' has no label"),
        ({"./1.jpg": b""}, "'./1' has no label"),
        ({"1.jpg": b"", "1.json": b"[" * 100_000}, "'1' has a .json that is not valid JSON"),
        ({"1.jpg": b"", "1.json": b"{"}, "'1' has a .json that is not valid JSON"),
        ({"/c/1.jpg": b""}, "leads out of its folder"),
        ({"c/../../1.jpg": b""}, "leads out of its folder"),
        ({"c/1.txt": b""}, "1 samples without a payload"),
        ({}, "holds no image"),
    ],
)
def test_shards_that_cannot_be_indexed(members: Mapping[str, bytes], message: str, tmp_path: Path) -> None:
    _tar(tmp_path / "x.tar", members)
    assert message in _refused(tmp_path)


def test_a_name_that_stands_twice(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        for _ in range(2):
            tar.addfile(tarfile.TarInfo("c/1.jpg"))
    assert "holds 'c/1.jpg' twice" in _refused(tmp_path)


@pytest.mark.parametrize("sort", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_members_that_are_no_plain_files(sort: bytes, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        info = tarfile.TarInfo("c/1.jpg")
        info.type, info.linkname = sort, "/etc/passwd"
        tar.addfile(info)
    assert "a link, a device or sparse" in _refused(tmp_path)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.75, 0.9])
def test_shards_cut_short_anywhere(share: float, tmp_path: Path) -> None:
    path = _tar(tmp_path / "x.tar", {f"c/{number}.jpg": _image() for number in range(9)})
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content.rstrip(b"\0")) * share)])
    assert "cut short" in _refused(tmp_path)


def test_shards_cut_between_members_or_joined(tmp_path: Path) -> None:
    content = _tar(tmp_path / "x.tar", {"c/1.jpg": _image()}).read_bytes()
    (tmp_path / "x.tar").write_bytes(content[: len(content.rstrip(b"\0")) + 511 & ~511])
    assert "without tar's end mark" in _refused(tmp_path)
    (tmp_path / "x.tar").write_bytes(content + content)
    assert "archives joined together" in _refused(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no tar at all", bytes(300), b"\xff" * 4096])
def test_files_that_are_no_tars(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(content)
    assert "x.tar" in _refused(tmp_path)


def test_nothing_is_unpacked(tmp_path: Path) -> None:
    _tar(tmp_path / "src/x.tar", {"c/1.jpg": _image(), "c/1.json": json.dumps({"label": "c"}).encode()})
    _import(tmp_path / "src")
    names = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert names == {"x.tar", "dataset.json", "samples.parquet"}
