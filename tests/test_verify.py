"""No fault of a dataset passes: flipped bits, lost, swapped and foreign files, an index that lies."""

import io
import json
import os
import random
import shutil
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pipebench.cli import main
from pipebench.dataset import DESCRIPTION, INDEX, WORK, Dataset, open_dataset, write_description
from pipebench.datasets_prep.importer import Import, import_dataset
from pipebench.datasets_prep.shard import Sharding, shard_dataset
from pipebench.datasets_prep.verify import Verification, Verifier
from pipebench.errors import BadInput
from pipebench.files import join
from pipebench.index import content_name, content_sum, schema, write_rows
from pipebench.seal import sealed

OURS = ("wds", "parquet", "folder")
SHARDED = ("wds", "parquet")
SAMPLES = 10


def _jpeg(number: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (16, 9), (20 * number, 40, 90)).save(file, "JPEG")
    return file.getvalue()


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten pictures in two classes, half of them with two further files, as `plain`; each of ours of it."""
    root = tmp_path_factory.mktemp("originals")
    for number in range(SAMPLES):
        stem = root / f"plain/{'cats' if number % 2 else 'dogs'}/{number}"
        stem.parent.mkdir(parents=True, exist_ok=True)
        stem.with_suffix(".jpg").write_bytes(_jpeg(number))
        if number % 2:
            stem.with_suffix(".json").write_text(json.dumps({"number": number}))
            stem.with_suffix(".seg.png").write_bytes(b"mask %d" % number)
    for form in OURS:
        sharding = Sharding(format=form, shard_samples=None if form == "folder" else 4)
        shard_dataset(str(root / "plain"), str(root / form), sharding)
    _foreign_tar(root)
    _foreign_parquet(root)
    return root


def _foreign_tar(root: Path) -> None:
    (root / "tars").mkdir()
    with tarfile.open(root / "tars/a.tar", "w", format=tarfile.GNU_FORMAT) as tar:
        for number in range(SAMPLES):
            _append(tar, f"x/{number}.cls", b"cat" if number % 2 else b"dog\n")
            _append(tar, f"x/{number}.jpg", _jpeg(number))
            _append(tar, f"x/{number}.txt", b"a caption")
    import_dataset(Import(source=str(root / "tars")))


def _append(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.uname = len(content), 1_700_000_000, "joe"
    tar.addfile(info, io.BytesIO(content))


def _foreign_parquet(root: Path) -> None:
    (root / "tables").mkdir()
    columns = {
        "key": [f"k{number}" for number in range(SAMPLES)],
        "label": ["cat" if number % 2 else "dog" for number in range(SAMPLES)],
        "image": [_jpeg(number) for number in range(SAMPLES)],
        "caption": [f"picture {number}" if number % 3 else None for number in range(SAMPLES)],
    }
    pq.write_table(pa.table(columns), root / "tables/a.parquet", row_group_size=4, compression="zstd")
    import_dataset(Import(source=str(root / "tables")))


@pytest.fixture
def copy(originals: Path, tmp_path: Path) -> Callable[[str], Path]:
    """`copy(name)`: one of the originals, to be damaged."""

    def make(name: str) -> Path:
        return Path(shutil.copytree(originals / name, tmp_path / name))

    return make


Copy = Callable[[str], Path]


def lines(url: Path | str, *, full: bool = False, workers: int = 1) -> list[str]:
    """What is found, one line each."""
    task = Verification(url=str(url), full=full, workers=workers)
    return [fault.line() for fault in Verifier(task).faults()]


def _flip(path: Path, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(bit // 8)
        byte = file.read(1)[0]
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))


def _missed(path: Path, bits: Sequence[int], look: Callable[[], list[str]]) -> list[str]:
    """The bits whose flip is not found, or not told of this file."""
    missed = []
    for bit in bits:
        _flip(path, bit)
        found = look()
        if not found or not any(line.startswith(path.name) for line in found):
            missed.append(f"bit {bit} of {path.name}: {found}")
        _flip(path, bit)
    return missed


def _some_bits(path: Path, count: int) -> list[int]:
    """So many of a file's bits, and those of its first and its last bytes."""
    size = path.stat().st_size
    drawn = random.Random(size).sample(range(8 * size), count)
    return [*drawn, 0, 7, 8 * size - 8, 8 * size - 1]


# Whole datasets


@pytest.mark.parametrize("name", [*OURS, "tars", "tables"])
@pytest.mark.parametrize("full", [False, True])
def test_whole_datasets_have_no_faults(name: str, full: bool, originals: Path) -> None:
    assert lines(originals / name, full=full) == []


def test_large_datasets_too(tiny_folder: Dataset, tiny_wds: Dataset) -> None:
    assert lines(tiny_folder.url, full=True, workers=2) == []
    assert lines(tiny_wds.url, full=True, workers=2) == []


def test_what_cannot_be_told_is_said(originals: Path) -> None:
    said = {}
    for name in (*OURS, "tars", "tables"):
        for full in (False, True):
            verifier = Verifier(Verification(url=str(originals / name), full=full))
            assert list(verifier.faults()) == []
            said[name, full] = " ".join(verifier.unproved)
    assert {case for case, text in said.items() if text} == {
        ("folder", False),
        ("tars", False),
        ("tables", False),
        ("tars", True),
        ("tables", True),
    }
    assert "no SHA-256 is recorded of 1 shards; --full tells" in said["tars", False]
    assert "cannot be proved" in said["tables", True]


# Flipped bits


@pytest.mark.parametrize("form", OURS)
@pytest.mark.parametrize("name", [DESCRIPTION, INDEX])
def test_a_flipped_bit_in_description_or_index(form: str, name: str, copy: Copy) -> None:
    root = copy(form)
    assert _missed(root / name, _some_bits(root / name, 40), lambda: lines(root)) == []


@pytest.mark.parametrize("form", SHARDED)
def test_a_flipped_bit_anywhere_in_shards(form: str, copy: Copy) -> None:
    """Quick: by their SHA-256 and that of the DALI indexes beside them."""
    root = copy(form)
    files = [path for path in root.iterdir() if path.name not in (DESCRIPTION, INDEX)]
    assert {path.suffix for path in files} == {"wds": {".tar", ".idx"}, "parquet": {".parquet"}}[form]
    for path in sorted(files):
        assert _missed(path, _some_bits(path, 15), lambda: lines(root)) == []


@pytest.mark.parametrize("form", OURS)
def test_a_flipped_bit_of_a_payload_names_the_sample(form: str, copy: Copy) -> None:
    root = copy(form)
    dataset = open_dataset(str(root))
    index = dataset.index
    for sample in range(0, SAMPLES, 3):
        shard = int(index.shard[sample])
        name = dataset.shards[shard].name if shard >= 0 else index.member[sample].as_py()
        bit = 8 * int(index.offset[sample]) + 8 * int(index.size[sample]) // 2
        _flip(root / name, bit)
        found = [line for line in lines(root, full=True) if "payload" in line]
        assert len(found) == 1
        assert found[0].startswith(f"{name}: sample {index.key[sample].as_py()!r}")
        _flip(root / name, bit)
    assert lines(root, full=True) == []


def test_a_flipped_bit_anywhere_in_a_folder_is_found_in_full(copy: Copy) -> None:
    root = copy("folder")
    files = sorted(path for path in root.rglob("*") if path.is_file() and path.parent != root)
    assert {path.suffix for path in files} == {".jpg", ".json", ".png"}
    for path in files[::4]:
        bits = _some_bits(path, 4)
        for bit in bits:
            _flip(path, bit)
            assert lines(root) == []
            [found] = lines(root, full=True)
            assert found.startswith(f"{path.relative_to(root)}: sample")
            _flip(path, bit)


def _members(path: Path) -> list[tarfile.TarInfo]:
    with tarfile.open(path) as tar:
        return tar.getmembers()


@pytest.mark.parametrize("name", ["tars/a.tar", "wds/shard-000001.tar"])
def test_regions_of_a_tar_in_full(name: str, copy: Copy) -> None:
    """Headers, payloads, further files, labels, what fills blocks, and the end: one fault in each case."""
    root = copy(name.partition("/")[0])
    path = root / name.partition("/")[2]
    members = _members(path)
    places = {"end": 8 * path.stat().st_size - 1, "end mark": 8 * (path.stat().st_size - 2048)}
    for info in members[3:7]:
        places |= {
            f"{info.name} header {byte}": 8 * (info.offset + byte) for byte in (0, 101, 130, 150, 160, 345)
        }
        places |= {
            f"{info.name} content": 8 * info.offset_data,
            f"{info.name} last": 8 * (info.offset_data + info.size) - 1,
        }
        places[f"{info.name} padding"] = 8 * (info.offset_data + info.size)
    for place, bit in places.items():
        _flip(path, bit)
        found = [line for line in lines(root, full=True) if "SHA-256" not in line]
        assert len(found) == 1, (place, found)
        key = place.partition(" ")[0].partition(".")[0]
        assert place.startswith("end") or repr(key) in found[0], (place, found)
        _flip(path, bit)


def test_bits_of_foreign_tars_in_full(copy: Copy) -> None:
    """All but those of the headers' own sums, which no reader looks at."""
    root = copy("tars")
    path = root / "a.tar"
    sums = {info.offset + byte for info in _members(path) for byte in (148, 154, 155)}
    bits = [bit for bit in _some_bits(path, 150) if bit // 8 not in sums]
    assert _missed(path, bits, lambda: lines(root, full=True)) == []


def test_values_of_foreign_parquet_in_full(copy: Copy) -> None:
    root = copy("tables")
    table = pq.read_table(root / "a.parquet")
    for column, row, value in [
        ("image", 5, _jpeg(7)),
        ("caption", 5, "other"),
        ("caption", 5, None),
        ("caption", 3, "some"),
        ("label", 5, "dog"),
        ("key", 5, "k4"),
    ]:
        values = table[column].to_pylist()
        values[row] = value
        at = table.column_names.index(column)
        other = table.set_column(at, column, pa.array(values))
        pq.write_table(other, root / "a.parquet", row_group_size=4, compression="zstd")
        found = [line for line in lines(root, full=True) if "bytes, and ought" not in line]
        assert len(found) == 1, (column, value, found)
        assert f"'k{row}'" in found[0]
