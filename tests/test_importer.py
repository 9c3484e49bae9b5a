"""Indexing what is there already: odd but whole files are taken, damaged and unsafe ones are named."""

import io
import json
import os
import pickle
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash
from PIL import Image

from pipebench.dataset import DESCRIPTION, INDEX, Dataset, open_dataset
from pipebench.datasets_prep import importer
from pipebench.datasets_prep.formats import FORMATS
from pipebench.datasets_prep.importer import Import, Imported, import_dataset
from pipebench.datasets_prep.scanning.source_files import Reading
from pipebench.datasets_prep.shard import shard_dataset
from pipebench.datasets_prep.sharding.options import Sharding
from pipebench.errors import BadInput
from pipebench.files import put_files, remove
from pipebench.index import stream_index


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
    assert imported.dataset.made == {"command": "import", "skip_bad": True, "skipped": 1}


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


# What comes along


def _extras(dataset: Dataset) -> dict[str, dict[str, dict[str, Any]]]:
    """From the index: each key's extras by their fields."""
    rows = [row for batch in stream_index(f"{dataset.url}/{INDEX}") for row in batch.to_pylist()]
    return {row["key"]: {extra["field"]: extra for extra in row["extras"] or ()} for row in rows}


SIDECARS = {"a/1.jpg": _image(), "a/1.json": b'{"x": 1}', "a/1.seg.png": b"any", "a/2.jpg": _image("L")}


def test_sidecars_are_in_the_index(tmp_path: Path) -> None:
    imported = _import(_tree(tmp_path, SIDECARS))
    assert imported.extras == {"json": 1, "seg.png": 1}
    extras = _extras(imported.dataset)
    assert extras["a/2"] == {}
    assert extras["a/1"]["seg.png"] == {
        "field": "seg.png",
        "member": "a/1.seg.png",
        "offset": 0,
        "size": 3,
        "hash": xxhash.xxh3_64_intdigest(b"any"),
    }


def test_further_members_are_in_the_index(tmp_path: Path) -> None:
    path = _tar(tmp_path / "x.tar", SIDECARS)
    extra = _extras(_import(tmp_path).dataset)["a/1"]["json"]
    assert path.read_bytes()[extra["offset"] :][: extra["size"]] == b'{"x": 1}'
    assert extra["hash"] == xxhash.xxh3_64_intdigest(b'{"x": 1}')


def test_a_foreign_parquet_file(tmp_path: Path) -> None:
    images = [{"bytes": _image(colour=n), "path": f"{n}.jpg"} for n in range(200)]
    columns = {"image": images, "label": [n % 3 for n in range(200)], "caption": ["é", None] * 100}
    (tmp_path / "src").mkdir()
    pq.write_table(pa.table(columns), tmp_path / "src/x.parquet", row_group_size=70)
    imported = _import(tmp_path / "src", out=str(tmp_path / "index"), workers=2)
    dataset = open_dataset(imported.dataset.url)
    assert dataset.index.key.to_pylist() == [str(n) for n in range(200)]
    assert dataset.index.row.tolist() == list(range(200))
    assert dataset.index.member[0].as_py() == "image.bytes/jpg"
    assert [dataset.payload(n) for n in (0, 69, 70, 199)] == [images[n]["bytes"] for n in (0, 69, 70, 199)]
    assert imported.extras == {"caption.txt": 100}
    assert _extras(dataset)["0"]["caption.txt"]["size"] == 2
    again = shard_dataset(dataset.url, str(tmp_path / "again"), Sharding(format="wds")).dataset
    assert again.content_id == dataset.content_id


def test_shards_of_ours_lose_nothing_but_their_description(tiny_folder: Dataset, tmp_path: Path) -> None:
    for form in FORMATS:
        made = shard_dataset(tiny_folder.url, str(tmp_path / form), Sharding(format=form)).dataset
        for name in (DESCRIPTION, INDEX):
            (Path(made.url) / name).unlink()
        dataset = _import(Path(made.url)).dataset
        assert (dataset.content_id, dataset.samples) == (tiny_folder.content_id, 96)
        assert min(dataset.index.offset.tolist()) >= 0


@pytest.mark.parametrize("value", [None, b"", b"\xff\xd8\xff no picture"])
def test_damage_in_parquet(value: bytes | None, tmp_path: Path) -> None:
    pq.write_table(pa.table({"image": [_image(), value], "label": [0, 0]}), tmp_path / "x.parquet")
    message = _refused(tmp_path)
    assert message.startswith("1 of 2 samples")
    assert "x.parquet, row 1 (" in message
    assert _rows(_import(tmp_path, skip_bad=True).dataset) == {"x/0": "0"}


def test_the_payload_can_be_named(tmp_path: Path) -> None:
    _tree(tmp_path, {"a/1.left.jpg": _image(), "a/1.right.jpg": _image("L"), "a/1.txt": b""})
    assert "l.jpg, 1.r" not in _refused(tmp_path)
    dataset = _import(tmp_path, reading=Reading(payload="right.jpg")).dataset
    assert dataset.index.member.to_pylist() == ["a/1.right.jpg"]
    assert list(_extras(dataset)["a/1"]) == ["left.jpg", "txt"]
    assert dataset.made["payload"] == "right.jpg"


# Attacks

PICTURE = _image()


def test_a_large_picture_is_refused_unless_it_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipebench.kinds._image_payload.LARGEST", 1000)
    _tree(tmp_path, {"a/1.jpg": _image()})
    assert "a/1.jpg (its 0 megapixels may be a decompression bomb; allow them with --allow" in _refused(
        tmp_path
    )
    assert _import(tmp_path, allow_large=True).dataset.made["allow_large"] is True


@pytest.mark.parametrize(
    ("change", "content", "message"),
    [
        ("a/1.jpg", b"short", "a/1.jpg (a/1.jpg changed while it was read"),
        ("a/1.jpg", PICTURE, "'a/1.jpg' was added, removed or written"),
        ("a/3.jpg", PICTURE, "'a/3.jpg' was added, removed or written"),
    ],
)
def test_a_source_that_changes_while_it_is_read(
    change: str, content: bytes, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check_samples(*args: Any, **options: Any) -> Any:
        (tmp_path / change).write_bytes(content)
        os.utime(tmp_path / change, ns=(1, 1))
        return original(*args, **options)

    original = importer.check_samples
    monkeypatch.setattr(importer, "check_samples", check_samples)
    _tree(tmp_path, {"a/1.jpg": PICTURE, "a/2.jpg": _image()})
    with pytest.raises(BadInput) as caught:
        _import(tmp_path)
    assert message in str(caught.value)
    assert not (tmp_path / DESCRIPTION).exists()


def test_a_file_that_cannot_be_read_is_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _tree(tmp_path, {"a/1.jpg": _image(), "a/2.jpg": _image(), "a/2.json": b"{}"})

    def refuse(path: Any, *args: Any) -> int:
        if str(path).endswith("2.json"):
            raise PermissionError(13, "Permission denied")
        return original(path, *args)

    original = os.open
    monkeypatch.setattr(os, "open", refuse)
    assert "1 of 2 samples" in (message := _refused(tmp_path))
    assert "a/2.jpg (a/2.json: Permission denied)" in message
    assert _rows(_import(tmp_path, skip_bad=True).dataset) == {"a/1": "a"}


HARD = ["new\nline", "quo\"te's", "tab\t", "n" * 250, "\u202ertl", "[red]markup[/red]", "%s {0}"]


def test_hard_names_stay_on_one_line(tmp_path: Path) -> None:
    _tree(tmp_path, {f"a/{name}.jpg": b"no picture" for name in HARD})
    message = _refused(tmp_path)
    assert message.startswith(f"{len(HARD)} of {len(HARD)} samples")
    assert message.isprintable()


def test_hard_names_are_names(tmp_path: Path) -> None:
    _tree(tmp_path, {f"{name}/{name}.jpg": _image() for name in HARD})
    assert sorted(_rows(_import(tmp_path).dataset)) == sorted(f"{name}/{name}" for name in HARD)


def test_keys_that_differ_only_in_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    imported = _import(_tree(tmp_path, {"a/x.jpg": PICTURE, "a/X.jpg": PICTURE, "a/y.jpg": PICTURE}))
    assert imported.dataset.samples == 3
    [note] = imported.advice
    assert note.startswith("keys differ only in case ('a/X' and 'a/x')")
    assert f"pipebench: note: {note}" in capsys.readouterr().err.splitlines()


def test_files_of_others_are_never_written_over(tmp_path: Path) -> None:
    pq.write_table(pa.table({"image": [PICTURE], "label": [0]}), tmp_path / INDEX)
    before = (tmp_path / INDEX).read_bytes()
    assert f"holds a file {INDEX}, whose place the index would take" in _refused(tmp_path)
    assert _import(tmp_path, out=str(tmp_path / "index")).dataset.samples == 1
    assert _import(tmp_path, out=str(tmp_path / "again")).dataset.samples == 1
    assert (tmp_path / INDEX).read_bytes() == before


def test_nothing_pickled_is_loaded(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "sprung",))

    trap = pickle.dumps(Trap())
    members = {"a/1.jpg": _image(), "a/1.pyd": trap, "a/1.pickle": trap, "a/1.pth": trap, "a/1.npy": trap}
    _tar(tmp_path / "src/x.tar", members)
    target = str(tmp_path / "dst")
    dataset = shard_dataset(str(tmp_path / "src"), target, Sharding(format="parquet")).dataset
    shard_dataset(dataset.url, str(tmp_path / "tree"), Sharding(format="folder"))
    _import(tmp_path / "src")
    assert (tmp_path / "tree/a/1.pickle").read_bytes() == trap
    assert not (tmp_path / "sprung").exists()


# An object store


def _objects(folder: Path, url: str) -> None:
    put_files([(path, f"{url}/{path.relative_to(folder).as_posix()}") for path in folder.rglob("*.*")])


@pytest.mark.parametrize("form", ["folder", "wds", "parquet"])
def test_an_object_store_is_indexed_where_it_is(form: str, bucket: str, tmp_path: Path) -> None:
    names = ["1", "2 blank", "3#hash", "4%25", "5+plus", "6é", "7?", "8&=", "9:: :"]
    files = {f"a/{name}.jpg": _image(colour=n) for n, name in enumerate(names)} | {"a/1.json": b"{}"}
    here = _tree(tmp_path / "here", files)
    if form != "folder":
        made = shard_dataset(str(here), str(tmp_path / form), Sharding(format=form, shard_samples=4)).dataset
        here = Path(made.url)
        for name in (DESCRIPTION, INDEX):
            (here / name).unlink()
    _objects(here, f"{bucket}/src")
    expected = _import(here, out=str(tmp_path / "expected")).dataset
    for out in (str(tmp_path / "index"), f"{bucket}/index", None):
        imported = import_dataset(Import(source=f"{bucket}/src", out=out), 2)
        dataset = open_dataset(imported.dataset.url)
        assert (dataset.content_id, dataset.classes) == (expected.content_id, expected.classes)
        assert (dataset.root, dataset.samples) == (f"{bucket}/src", 9)
        assert dataset.payload(1) == expected.payload(1)
        assert _extras(dataset) == _extras(expected)


def test_trouble_with_an_object_store_is_no_damage(bucket: str, tmp_path: Path) -> None:
    _objects(_tree(tmp_path, {"a/1.jpg": PICTURE, "a/2.jpg": PICTURE}), f"{bucket}/src")

    def check_samples(*args: Any, **options: Any) -> Any:
        remove(f"{bucket}/src/a/2.jpg")
        return original(*args, **options)

    original = importer.check_samples
    with pytest.MonkeyPatch.context() as patched, pytest.raises(BadInput) as caught:
        patched.setattr(importer, "check_samples", check_samples)
        import_dataset(Import(source=f"{bucket}/src", out=str(tmp_path / "index"), skip_bad=True))
    assert f"sample 'a/2': {bucket}/src" in str(caught.value)
    assert "a/2.jpg cannot be read (there is no such object); try again" in str(caught.value)
