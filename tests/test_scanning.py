"""Looking through what nobody has indexed: what belongs to a sample, what is left aside, what is refused."""

import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import fsspec
import numpy as np
import pytest

from pipebench.dataset import Dataset
from pipebench.datasets_prep.catalogue.catalogue import Catalogue
from pipebench.datasets_prep.formats.contract import Row
from pipebench.datasets_prep.scanning.source_files import Reading
from pipebench.datasets_prep.scanning.sources import Source, open_source
from pipebench.errors import BadInput


class Found(NamedTuple):
    source: Source
    rows: list[Row]

    def samples(self) -> dict[str, tuple[str, str, list[str]]]:
        """Each key's class, payload's field and extras' fields."""
        return {
            row.key: (
                self.source.classes[row.label],
                row.payload.field,
                [part.field for part in row.extras],
            )
            for row in self.rows
        }


def found(url: object, *, workers: int = 1, **reading: Any) -> Found:
    with Catalogue() as catalogue:
        source = open_source(str(url), "image", catalogue, Reading(**reading), workers)
        return Found(source, list(catalogue.rows(0, source.samples)))


def refused(url: object, **reading: Any) -> str:
    with pytest.raises(BadInput) as caught:
        found(url, **reading)
    message = str(caught.value)
    assert message.isprintable()
    return message


def tree(folder: Path, names: Mapping[str, bytes] | list[str]) -> Path:
    files = names if isinstance(names, Mapping) else dict.fromkeys(names, b"x")
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def tar(path: Path, names: Mapping[str, bytes] | list[str]) -> Path:
    files = names if isinstance(names, Mapping) else dict.fromkeys(names, b"x")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as file:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return path


# Class folders


@pytest.mark.parametrize(
    ("names", "samples"),
    [
        (["a/x.jpg", "a/x.json", "a/x.seg.png"], {"a/x": ("jpg", ["json", "seg.png"])}),
        (["a/x.JPG", "a/x.Seg.PNG"], {"a/x": ("jpg", ["seg.png"])}),
        (["a/dots.in.name.jpg"], {"a/dots.in.name": ("jpg", [])}),
        (["a/dots.in.name.jpg", "a/dots.in.name.txt"], {"a/dots.in.name": ("jpg", ["txt"])}),
        (["a/x.seg.png", "a/x-1.jpg", "a/x.jpg"], {"a/x": ("jpg", ["seg.png"]), "a/x-1": ("jpg", [])}),
        (["a/x.left.jpg", "a/x.right.jpg"], {"a/x.left": ("jpg", []), "a/x.right": ("jpg", [])}),
        (["a/x.jpg", "a/x.a.b.txt", "a/x.a.txt"], {"a/x": ("jpg", ["a.b.txt", "a.txt"])}),
        (
            ["a/x.jpg", "a/x/y.jpg", "a/x!.jpg"],
            {"a/x": ("jpg", []), "a/x!": ("jpg", []), "a/x/y": ("jpg", [])},
        ),
        (["a/x.jpg", "a/x\1y.txt", "a/x.z.txt", "a/x"], {"a/x": ("jpg", ["z.txt"])}),
        (["a/x.jpg", "a/x.cls"], {"a/x": ("jpg", [])}),
        (["a/x.jpg", "a/X.jpg", "a/x.txt"], {"a/X": ("jpg", []), "a/x": ("jpg", ["txt"])}),
        (["a/new\nline \"quoted'.jpg"], {"a/new\nline \"quoted'": ("jpg", [])}),
    ],
)
def test_what_belongs_to_a_sample_in_a_folder(
    names: list[str], samples: dict[str, tuple[str, list[str]]], tmp_path: Path
) -> None:
    got = found(tree(tmp_path, names)).samples()
    assert got == {key: ("a", *rest) for key, rest in samples.items()}
    assert list(got) == list(samples)


@pytest.mark.parametrize(
    ("payload", "samples"),
    [
        ("left.jpg", {"a/x": ("left.jpg", ["json", "right.jpg"]), "a/y.z": ("left.jpg", ["left.txt"])}),
        ("right.jpg", {"a/x": ("right.jpg", ["json", "left.jpg"])}),
    ],
)
def test_the_payload_that_is_asked_for(
    payload: str, samples: dict[str, tuple[str, list[str]]], tmp_path: Path
) -> None:
    names = ["a/x.left.jpg", "a/x.right.jpg", "a/x.json", "a/y.z.left.jpg", "a/y.z.left.txt", "a/w.jpg"]
    got = found(tree(tmp_path / "folder", names), payload=payload)
    assert got.samples() == {key: ("a", *rest) for key, rest in samples.items()}
    files = sum(1 + len(row.extras) for row in got.rows)
    assert got.source.ignored == {"of other kinds": len(names) - files}
    tar(tmp_path / "tars/x.tar", dict.fromkeys(names[:3], b"{}"))
    assert found(tmp_path / "tars", payload=payload).samples()["a/x"] == ("a", *samples["a/x"])


def test_what_is_left_aside_is_counted(tmp_path: Path) -> None:
    names = [
        "a/x.jpg",
        "a/x.cls",
        "a/lonely.json",
        "a/.hidden.jpg",
        ".git/x.jpg",
        "top.jpg",
        "top.json",
        "a/x",
    ]
    os.mkfifo(tree(tmp_path, names) / "a/pipe.jpg")
    assert found(tmp_path).source.ignored == {
        "labels beside files in class folders": 1,
        "of other kinds": 4,
        "hidden": 2,
        "outside class folders": 1,
    }


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["a/x.jpg", "a/x.png"],
            "sample 'a/x' has several payloads: jpg, png; say which it is with --payload",
        ),
        (["a/x.txt", "a/x.l.jpg", "a/x.r.jpg"], "sample 'a/x' has several payloads: l.jpg, r.jpg"),
        (["a/x.jpg", "a/x.txt", "a/x.TXT"], "'a/x.TXT' and 'a/x.txt' differ in nothing but the case"),
        ({"a/x.jpg": b"x", "a/y.jpg": b""}, "'a/y.jpg' is empty: 0 bytes"),
        (["a/x.jpg", "b.tar"], "holds class folders and tar shards"),
        (["a/x.jpg", "b.parquet"], "holds class folders and Parquet files"),
        (["b.parquet", "b.tar"], "holds tar shards and Parquet files"),
        ([f"a/x.{number}.txt" for number in range(1001)] + ["a/x.jpg"], "more than 1000 files have names"),
        (["a/\udcff.jpg"], "'a/\\udcff.jpg' is not UTF-8"),
        (["a/x.jpg", "a/\udcff.txt"], "is not UTF-8"),
        ([f"a/{'n' * 251}.jpg", f"a/{'n' * 251}.png"], "n' has several payloads"),
        (["a/new\nline.jpg", "a/new\nline.png"], "sample 'a/new\\nline' has several payloads"),
        ([], "holds no image below a class folder and none in tar shards or Parquet; lay them out"),
        (["a/x.txt", ".b"], "(files left aside: 1 hidden, 1 of other kinds)"),
    ],
)
def test_folders_that_are_refused(names: list[str], message: str, tmp_path: Path) -> None:
    assert message in refused(tree(tmp_path / "src", names) if names else tmp_path)


def test_a_link_never_leads_out(tmp_path: Path) -> None:
    source = tree(tmp_path / "src", ["a/x.jpg"])
    tree(tmp_path / "outside", ["y.jpg", "x.json"])
    (source / "a/x.json").symlink_to(tmp_path / "outside/x.json")
    (source / "a/circle").symlink_to(source)
    (source / "a/y.jpg").symlink_to("x.jpg")
    got = found(source)
    assert got.samples() == {"a/x": ("a", "jpg", []), "a/y": ("a", "jpg", [])}
    assert got.source.ignored == {"links out of it": 2}


def test_what_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, ["a/x.jpg", "b/y.jpg"])

    def scandir(folder: Path) -> Any:
        if folder.name == "b":
            raise PermissionError(13, "Permission denied")
        return original(folder)

    original = os.scandir
    monkeypatch.setattr(os, "scandir", scandir)
    assert refused(tmp_path).endswith("b' cannot be read: Permission denied")


# Tars


@pytest.mark.parametrize(
    ("names", "fields"),
    [
        (["a/x.jpg", "a/x.xml", "a/x.txt", "a/x.seg.png"], ("jpg", ["seg.png", "txt", "xml"])),
        ({"x.jpg": b"x", "x.cls": b"a", "x.json": b"{}"}, ("jpg", ["json"])),
        ({"x.jpg": b"x", "x.json": b'{"label": "a"}'}, ("jpg", ["json"])),
        ({"x.json": b'{"label": "a"}', "x.SEG.PNG": b"", "x.jpg": b"x"}, ("jpg", ["json", "seg.png"])),
        (["a/x.one.jpg"], ("one.jpg", [])),
    ],
)
def test_what_belongs_to_a_sample_in_a_tar(
    names: Mapping[str, bytes] | list[str], fields: tuple[str, list[str]], tmp_path: Path
) -> None:
    path = tar(tmp_path / "s/x.tar", names)
    [row] = (got := found(tmp_path)).rows
    assert next(iter(got.samples().values())) == ("a", *fields)
    for part in (row.payload, *row.extras):
        [name] = [name for name in names if name.lower().endswith(f"x.{part.field}")]
        content = names[name] if isinstance(names, Mapping) else b"x"
        assert path.read_bytes()[part.offset :][: part.size] == content
    assert [(shard.name, shard.samples) for shard in got.source.shards] == [("s/x.tar", 1)]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"a/x.jpg": b""}, "x.tar/a/x.jpg' is empty: 0 bytes"),
        ({"a/x.jpg": b"x", "a/x.cls": b"\xff"}, "'a/x' has a .cls that is not UTF-8"),
        ({"x.jpg": b"x", "x.cls": b"n" * 1001}, "'x' has a label of 1001 characters"),
        ({"x.jpg": b"x", "x.cls": b"n" * 1_000_001}, "has a .cls of more than 1000000 bytes"),
        ({"x.jpg": b"x", "x.json": b'{"label": "\\ud800"}'}, "'x' has a label that is not UTF-8"),
        ({"a/x.jpg": b"x", "a/x.png": b"x"}, "x.tar/a/x' has several payloads: jpg, png"),
        (["a/x.jpg", "a/y.jpg", "a/x.json"], "holds the key 'a/x' twice"),
        (["a/x.JPG", "a/x.jpg"], "holds 'a/x.jpg' twice"),
        ([f"a/x.{number}" for number in range(1001)], "holds more than 1000 files of 'a/x'"),
        (["../x.jpg"], "holds '../x.jpg', which leads out"),
        (["/etc/x.jpg"], "holds '/etc/x.jpg', which leads out"),
        (["a/\udcff.jpg"], "'a/\\udcff.jpg' is not UTF-8"),
        (["a/new\nline.jpg", "a/new\nline.png"], "a/new\\nline' has several payloads"),
        ([f"{'n' * 300}/x.jpg", f"{'n' * 300}/x.png"], f"'...{'n' * 298}/x' has several payloads"),
    ],
)
def test_tars_that_are_refused(names: Mapping[str, bytes] | list[str], message: str, tmp_path: Path) -> None:
    tar(tmp_path / "x.tar", names)
    assert message in refused(tmp_path)


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_of_either_sort(form: int, tmp_path: Path) -> None:
    name = f"{'ü' * 60}/{'n' * 240}.jpg"
    with tarfile.open(tmp_path / "x.tar", "w", format=form) as file:
        info = tarfile.TarInfo(name)
        info.size = 3
        file.addfile(info, io.BytesIO(b"abc"))
    [row] = found(tmp_path).rows
    assert row.payload.member == name
    assert (tmp_path / "x.tar").read_bytes()[row.payload.offset :][:3] == b"abc"


def test_gnu_tars_sparse_files_are_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("a/x.jpg")
    info.type = tarfile.GNUTYPE_SPARSE
    (tmp_path / "x.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(10240))
    assert "a link, a device or sparse" in refused(tmp_path)
    pax = tarfile.TarInfo("a/x.jpg")
    pax.pax_headers = {"GNU.sparse.map": "0,1", "GNU.sparse.size": "1"}
    (tmp_path / "x.tar").write_bytes(pax.tobuf(tarfile.PAX_FORMAT) + bytes(10240))
    assert "a link, a device or sparse" in refused(tmp_path)


def _header(name: str, kind: bytes, size: int) -> bytes:
    """A tar header whose size may be anything."""
    info = tarfile.TarInfo(name)
    info.type = kind
    raw = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    raw[124:136] = tarfile.itn(size, 12, tarfile.GNU_FORMAT)  # type: ignore[attr-defined]
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    return bytes(raw)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (_header("x", tarfile.XHDTYPE, 1 << 40), "has a header of 1099511627776 bytes"),
        (_header("x", tarfile.GNUTYPE_LONGNAME, 1 << 40), "has a header of 1099511627776 bytes"),
        (_header("x", tarfile.XHDTYPE, -512), "damage"),
        (_header("a/x.jpg", tarfile.REGTYPE, -512), "is damaged"),
        (_header("a/x.jpg", tarfile.REGTYPE, 1 << 60), "damaged or cut short"),
        (_header("x", tarfile.XHDTYPE, 0) * 5000, "damage"),
        (_header("x", tarfile.GNUTYPE_LONGNAME, 512) + b"n" * 512, "damaged or cut short"),
    ],
)
def test_headers_made_to_do_harm(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(content + bytes(10240))
    assert message in refused(tmp_path)


def test_tars_with_any_byte_changed_end_in_samples_or_a_sentence(tmp_path: Path) -> None:
    whole = tar(tmp_path / "x.tar", {"a/x.jpg": b"x" * 600, "a/x.json": b"{}", "b/y.jpg": b"y"}).read_bytes()
    generator = np.random.default_rng(0)
    for place in generator.integers(0, 4096, 300).tolist():
        content = bytearray(whole)
        content[place] ^= 1 << int(generator.integers(8))
        (tmp_path / "x.tar").write_bytes(content)
        try:
            found(tmp_path)
        except BadInput as error:
            assert str(error).isprintable()


# Wherever it lies


@pytest.fixture
def memory() -> Iterator[str]:
    """The URL of a folder on a remote filesystem, which is this process's memory."""
    yield "memory://sources/src"
    fsspec.filesystem("memory").rm("/sources", recursive=True)


def upload(folder: Path, url: str) -> None:
    filesystem = fsspec.filesystem("memory")
    for path in folder.rglob("*"):
        if path.is_file():
            filesystem.pipe_file(f"{url}/{path.relative_to(folder).as_posix()}", path.read_bytes())


def test_remote_sources_are_as_local_ones(memory: str, tmp_path: Path) -> None:
    names = ["a/x.jpg", "a/x.json", "a/sub/z.jpg", "b/y 1.png", ".hidden/x.jpg", "b/notes.txt"]
    upload(tree(tmp_path, names), memory)
    here, there = found(tmp_path), found(memory)
    assert there.samples() == here.samples()
    assert there.source.ignored == here.source.ignored
    assert [row.payload.url for row in there.rows] == [
        f"{memory}/{name}" for name in (names[2], names[0], names[3])
    ]


def test_remote_tars_are_as_local_ones(memory: str, tmp_path: Path) -> None:
    for shard in range(3):
        tar(
            tmp_path / f"{shard}.tar",
            {f"a/{n}.{end}": b"x" * 999 for n in range(20) for end in ("jpg", "txt")},
        )
    upload(tmp_path, memory)
    here, there = found(tmp_path), found(memory)
    assert there.samples() == here.samples()
    assert len(there.rows) == 60
    assert there.rows[0].payload.offset == here.rows[0].payload.offset


def test_the_order_and_all_else_are_the_same_for_any_number_of_workers(tmp_path: Path) -> None:
    for shard in range(5):
        tar(tmp_path / f"{shard}.tar", [f"{shard}/{number}.jpg" for number in range(9)])
    one, many = found(tmp_path), found(tmp_path, workers=3)
    assert one.rows == many.rows
    assert one.source.fingerprint == many.source.fingerprint


def test_keys_that_repeat_between_shards_get_their_names(tmp_path: Path) -> None:
    for name in ("1.tar", "sub/2.tar"):
        tar(tmp_path / name, ["a/x.jpg", "a/x.txt"])
    got = found(tmp_path)
    assert list(got.samples()) == ["1/a/x", "sub/2/a/x"]
    assert {part.member for row in got.rows for part in row.extras} == {"a/x.txt"}


def test_keys_that_repeat_even_so(tmp_path: Path) -> None:
    tar(tmp_path / "p.tar", ["q/a/x.jpg", "a/x.jpg"])
    tar(tmp_path / "p/q.tar", ["a/x.jpg"])
    assert "several samples have the same key: p/q/a/x" in refused(tmp_path)


# A source that changes


@pytest.mark.parametrize("change", ["a/x.jpg", "a/x.txt", "a/new.jpg"])
def test_a_change_is_seen_and_named(change: str, tmp_path: Path) -> None:
    tree(tmp_path, ["a/x.jpg", "a/x.txt", "b/y.jpg"])
    with Catalogue() as catalogue:
        source = open_source(str(tmp_path), "image", catalogue)
        source.refuse_changes()
        (tmp_path / change).write_bytes(b"z")
        os.utime(tmp_path / change, ns=(1, 1))
        with pytest.raises(BadInput, match=f"changed while it was read: '{change}'"):
            source.refuse_changes()
        assert found(tmp_path).source.fingerprint["files"] != source.fingerprint["files"]


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    tree(tmp_path, ["a/x.jpg", "b/y.jpg"])
    with Catalogue() as catalogue:
        source = open_source(str(tmp_path), "image", catalogue)
        (tmp_path / "a/x.jpg").unlink()
        with pytest.raises(BadInput, match=r"changed while it was read: 'a/x.jpg'"):
            source.refuse_changes()


def test_a_dataset_is_opened_by_its_index(tiny_folder: Dataset) -> None:
    got = found(tiny_folder.url)
    assert got.source.made == tiny_folder.made
    assert [row.payload.hash for row in got.rows] == tiny_folder.index.hash.tolist()
    got.source.refuse_changes()


def test_what_is_unfinished_is_no_source(tmp_path: Path) -> None:
    tree(tmp_path, [".sharding/plan.json", "train/shard-000000.tar"])
    for url in (tmp_path, tmp_path / "train"):
        assert "is incomplete" in refused(url)


def test_indexes_are_no_samples_and_other_files_of_their_name_are(tmp_path: Path) -> None:
    tree(tmp_path / "one", ["a/x.jpg", "index/dataset.json", "index/samples.parquet", "a/my dataset.json"])
    assert found(tmp_path / "one").source.ignored == {"of other kinds": 1}
    tree(tmp_path / "two", ["a/x.jpg", "a/samples.parquet"])
    assert "holds class folders and Parquet files" in refused(tmp_path / "two")


def test_a_tar_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(url: str, buffer: int) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pipebench.datasets_prep.scanning.members.open_random", refuse)
    tar(tmp_path / "x.tar", ["a/x.jpg"])
    assert refused(tmp_path).endswith("x.tar cannot be read: Permission denied")


def test_a_full_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**options: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipebench.datasets_prep.scanning.spool.mkstemp", full)
    tar(tmp_path / "x.tar", ["a/x.jpg"])
    assert "temporary folder (No space left on device); make room there, or name another" in refused(tmp_path)


def test_sources_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "there is no folder" in refused(tmp_path / "missing")
    assert "is a file" in refused(tmp_path / "file")
    assert "holds no image" in refused("memory://nowhere/at/all")
    assert "cannot be opened" in refused("nosuchscheme://x/y")
