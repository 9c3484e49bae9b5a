"""Sharding what nobody has indexed: from each layout to each format, and what is refused on the way."""

import io
import json
import os
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pipebench.cli import main
from pipebench.dataset import DESCRIPTION, INDEX, Dataset, open_dataset
from pipebench.datasets_prep.formats import FORMATS
from pipebench.datasets_prep.scanning.source_files import Reading
from pipebench.datasets_prep.shard import shard_dataset
from pipebench.datasets_prep.sharding.crew import Crew
from pipebench.datasets_prep.sharding.options import Sharding
from pipebench.errors import BadInput
from pipebench.files import put_files
from pipebench.index import stream_index


def _image(colour: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (colour, 0, 0)).save(file, "PNG")
    return file.getvalue()


SAMPLES = {f"{name}/{n}": (name, _image(n)) for name in ("cat", "dog") for n in range(4)}
SIDECARS = {"cat/0.json": b'{"x": 1}', "cat/0.seg.png": b"\0", "dog/3.txt": b""}


def _files() -> dict[str, bytes]:
    return {f"{key}.png": payload for key, (_, payload) in SAMPLES.items()} | SIDECARS


def _folder(place: Path) -> None:
    for name, content in _files().items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)


def _tars(place: Path) -> None:
    files = _files()
    place.mkdir()
    for name in ("cat", "dog"):
        with tarfile.open(place / f"{name}.tar", "w") as tar:
            for member in sorted(files):
                if member.startswith(name):
                    info = tarfile.TarInfo(member)
                    info.size = len(files[member])
                    tar.addfile(info, io.BytesIO(files[member]))


def _parquet(place: Path) -> None:
    columns: dict[str, Any] = {
        "image": [{"bytes": payload, "path": f"{key}.png"} for key, (_, payload) in SAMPLES.items()],
        "label": [name for name, _ in SAMPLES.values()],
        "x": [1 if key == "cat/0" else None for key in SAMPLES],
    }
    place.mkdir()
    pq.write_table(pa.table(columns), place / "data.parquet", row_group_size=3)


LAYOUTS = {"folder": _folder, "wds": _tars, "parquet": _parquet}


def _contents(dataset: Dataset) -> dict[str, tuple[str, bytes, dict[str, int]]]:
    """Each key's class, payload, and its extras' hashes by their fields."""
    rows = [row for batch in stream_index(f"{dataset.url}/{INDEX}") for row in batch.to_pylist()]
    return {
        row["key"]: (
            dataset.classes[row["label"]],
            dataset.payload(row["id"]),
            {extra["field"]: extra["hash"] for extra in row["extras"] or ()},
        )
        for row in rows
    }


def _shard(source: Path | str, target: Path | str, form: str = "wds", **options: Any) -> Dataset:
    made: Dataset = shard_dataset(str(source), str(target), Sharding(format=form), **options).dataset
    return made


def _refused(source: Path, target: Path, **options: Any) -> str:
    with pytest.raises(BadInput) as caught:
        _shard(source, target, **options)
    message = str(caught.value)
    assert message.isprintable()
    assert not (target / DESCRIPTION).exists()
    return message


@pytest.mark.parametrize("layout", LAYOUTS)
def test_from_each_layout_to_each_format(layout: str, tmp_path: Path) -> None:
    LAYOUTS[layout](tmp_path / "src")
    made = [_shard(tmp_path / "src", tmp_path / form, form, workers=2) for form in FORMATS]
    contents = [_contents(dataset) for dataset in made]
    assert contents[1:] == contents[:-1]
    assert {key: found[:2] for key, found in contents[0].items()} == SAMPLES
    fields = {"x.json"} if layout == "parquet" else {"json", "seg.png"}
    assert set(contents[0]["cat/0"][2]) == fields
    assert len({dataset.content_id for dataset in made}) == 1


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_object_store_is_as_good_as_a_folder(layout: str, bucket: str, tmp_path: Path) -> None:
    LAYOUTS[layout](tmp_path / "src")
    paths = [path for path in (tmp_path / "src").rglob("*") if path.is_file()]
    put_files([(path, f"{bucket}/src/{path.relative_to(tmp_path / 'src').as_posix()}") for path in paths])
    here, there = (
        _shard(tmp_path / "src", tmp_path / "dst"),
        _shard(f"{bucket}/src", tmp_path / "far", workers=2),
    )
    for name in sorted(path.name for path in Path(here.url).iterdir() if path.name != DESCRIPTION):
        assert (Path(here.url) / name).read_bytes() == (Path(there.url) / name).read_bytes()


def test_an_index_in_place_gives_the_same_shards(tmp_path: Path) -> None:
    _folder(tmp_path / "src")
    plain = _shard(tmp_path / "src", tmp_path / "plain")
    assert main(["data", "import", str(tmp_path / "src"), "--workers", "1"]) == 0
    indexed = _shard(tmp_path / "src", tmp_path / "indexed")
    assert indexed.shards == plain.shards
    assert indexed.content_id == plain.content_id


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a/1.png": b""}, "'a/1.png' is empty: 0 bytes"),
        ({"a/1.jpg": b"x", "a/1.png": b"x"}, "sample 'a/1' has several payloads: jpg, png"),
        (
            {"a/1.png": b"x", "a/1.txt": b"", "a/1.TXT": b""},
            "differ in nothing but the case of their endings",
        ),
        ({"1.png": b"x"}, "1 outside class folders"),
    ],
)
def test_what_is_refused_leaves_nothing(files: Mapping[str, bytes], message: str, tmp_path: Path) -> None:
    for name, content in files.items():
        (tmp_path / "src" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "src" / name).write_bytes(content)
    assert message in _refused(tmp_path / "src", tmp_path / "dst")
    assert not (tmp_path / "dst").exists()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_bomb_is_refused_unless_it_is_allowed(
    layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipebench.kinds._image_payload.LARGEST", 63)
    LAYOUTS[layout](tmp_path / "src")
    message = _refused(tmp_path / "src", tmp_path / "dst")
    assert "sample 'cat/0' is refused: its 0 megapixels may be a decompression bomb; allow" in message
    shutil.rmtree(tmp_path / "dst")
    dataset = _shard(tmp_path / "src", tmp_path / "dst", allow_large=True)
    assert _shard(dataset.url, tmp_path / "again").samples == len(SAMPLES)


def test_a_change_while_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _folder(tmp_path / "src")

    def run(*args: Any) -> Any:
        yield from original(*args)
        (tmp_path / "src/dog/new.png").write_bytes(b"x")

    original = Crew.run
    monkeypatch.setattr(Crew, "run", run)
    assert "'dog/new.png' was added, removed or written" in _refused(tmp_path / "src", tmp_path / "dst")


def test_a_resumed_sharding_looks_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _folder(tmp_path / "src")

    def run(*args: Any) -> Any:
        yield from ()
        raise BadInput("the power is gone")

    with monkeypatch.context() as patched:
        patched.setattr(Crew, "run", run)
        assert "the power is gone" in _refused(tmp_path / "src", tmp_path / "dst")
    shutil.copytree(tmp_path / "dst", tmp_path / "other")
    os.utime(tmp_path / "src/dog/3.png", ns=(1, 1))
    assert "changed" in _refused(tmp_path / "src", tmp_path / "other", resume=True)


def test_the_command_tells_how_to_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns = {"a": [_image(1)], "b": [_image(2)], "kind of": ["dog"]}
    (tmp_path / "src").mkdir()
    pq.write_table(pa.table(columns), tmp_path / "src/x.parquet")
    source, target, index = (str(tmp_path / name) for name in ("src", "dst", "index"))
    how = ["--column", "b", "--label", "kind of", "--json", "--workers", "1"]
    assert main(["data", "shard", source, target, "--format", "folder", *how]) == 0
    assert main(["data", "import", source, "--out", index, *how]) == 0
    summaries = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert summaries[1]["extras"] == {"a.bin": 1}
    assert summaries[0]["content_id"] == summaries[1]["content_id"]
    for dataset in map(open_dataset, (target, index)):
        assert (dataset.classes, dataset.payload(0)) == (("dog",), _image(2))


def test_a_payload_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, colour in {"l.png": 1, "r.png": 2}.items():
        (tmp_path / "src/a").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"src/a/1.{name}").write_bytes(_image(colour))
    target = str(tmp_path / "dst")
    how = ["--format", "wds", "--payload", ".R.png", "--workers", "1"]
    assert main(["data", "shard", str(tmp_path / "src"), target, *how]) == 0
    assert _contents(open_dataset(target))["a/1"][1] == _image(2)
    dataset = _shard(tmp_path / "src", tmp_path / "other", reading=Reading(payload="r.png"))
    assert list(np.asarray(dataset.index.size)) == [len(_image(2))]


@pytest.mark.parametrize("command", [["import"], ["shard", "DST", "--format", "wds"]])
def test_files_with_hard_names_are_named_on_one_line(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "new\nline").mkdir()
    for name in ("quo'te\"\t.tar", "x.tar"):
        (tmp_path / "new\nline" / name).write_bytes(b"no tar")
    assert main(["data", command[0], "new\nline", *command[1:], "--workers", "1"]) == 2
    assert capsys.readouterr().err.startswith("pipebench: new | line/quo'te\"?.tar is damaged or cut short")
