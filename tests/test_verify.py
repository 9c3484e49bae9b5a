"""No fault of a dataset passes: flipped bits, lost, swapped and foreign files, an index that lies."""

import hashlib
import io
import json
import os
import random
import shutil
import tarfile
from collections.abc import Callable, Sequence
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


# Files that are not what they ought to be


def test_lost_and_strange_files(copy: Copy) -> None:
    root = copy("wds")
    (root / "shard-000000.tar").unlink()
    (root / "shard-000002.idx").unlink()
    with (root / "shard-000001.tar").open("r+b") as file:
        file.truncate(9000)
    (root / "shard-000003.tar").write_bytes(b"more")
    (root / "deep").mkdir()
    (root / "deep/x\n.tar").touch()
    assert lines(root) == [
        "shard-000000.tar: it is missing",
        "shard-000001.tar: it has 9000 bytes, and ought to have 20480",
        "shard-000002.idx: it is missing",
        "deep/x | .tar: neither the description nor the index tells of it",
        "shard-000003.tar: neither the description nor the index tells of it",
    ]


def test_what_is_left_of_a_truncated_tar_in_full(copy: Copy) -> None:
    root = copy("wds")
    with (root / "shard-000001.tar").open("r+b") as file:
        file.truncate(9000)
    told = [line for line in lines(root, full=True) if "sample" in line]
    index = open_dataset(str(root)).index
    lost = [s for s in range(4, 8) if index.offset[s] + index.size[s] > 9000]
    assert 0 < len(lost) < 4
    assert {
        key for key in index.key.take(lost).to_pylist() if any(repr(key) in line for line in told)
    } == set(index.key.take(lost).to_pylist())
    assert all(any(repr(index.key[s].as_py()) in line for s in range(min(lost) - 1, 8)) for line in told)


@pytest.mark.parametrize("form", SHARDED)
def test_swapped_shards(form: str, copy: Copy) -> None:
    root = copy(form)
    first, second, _ = sorted(
        path for path in root.iterdir() if path.name.startswith("shard") and path.suffix != ".idx"
    )
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    found = lines(root)
    assert {line.partition(":")[0] for line in found} == {first.name, second.name}
    keys = open_dataset(str(root)).index.key.to_pylist()[:8]
    told = "\n".join(lines(root, full=True))
    assert all(repr(key) in told for key in keys)


def test_swapped_payloads(copy: Copy) -> None:
    """Of the same size, so that only their hashes tell."""
    root = copy("folder")
    one, other = root / "cats/1.jpg", root / "cats/3.jpg"
    assert one.stat().st_size == other.stat().st_size
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    assert lines(root) == []
    found = lines(root, full=True)
    assert [line.partition(",")[0] for line in found] == [
        "cats/1.jpg: sample 'cats/1'",
        "cats/3.jpg: sample 'cats/3'",
    ]


def test_files_of_a_folder(copy: Copy) -> None:
    root = copy("folder")
    (root / "cats/1.jpg").unlink()
    (root / "cats/3.json").write_text("")
    (root / "dogs/2.jpg").unlink()
    os.mkfifo(root / "dogs/2.jpg")
    (root / "dogs/4.jpg").unlink()
    (root / "dogs/4.jpg").symlink_to("/nowhere")
    (root / "dogs/mine.jpg").touch()
    expected = [
        "cats/1.jpg: sample 'cats/1', it is missing",
        "cats/3.json: sample 'cats/3', it has 0 bytes, and ought to have 13",
        "dogs/2.jpg: sample 'dogs/2', it is no regular file",
        "dogs/4.jpg: sample 'dogs/4', it is no regular file",
        "dogs/mine.jpg: neither the description nor the index tells of it",
    ]
    assert sorted(lines(root)) == expected
    assert set(lines(root, full=True)) >= set(expected)


def test_a_link_to_a_file_is_as_good_as_the_file(copy: Copy, tmp_path: Path) -> None:
    root = copy("wds")
    (root / "shard-000000.tar").rename(tmp_path / "elsewhere")
    (root / "shard-000000.tar").symlink_to(tmp_path / "elsewhere")
    assert lines(root, full=True) == []


def test_others_files_may_lie_beside_imported_ones(copy: Copy) -> None:
    root = copy("tars")
    (root / "README").touch()
    assert lines(root, full=True) == []


def test_a_lost_index(copy: Copy) -> None:
    """Shards are looked at all the same."""
    root = copy("wds")
    (root / INDEX).unlink()
    _flip(root / "shard-000001.tar", 9999)
    found = lines(root, full=True)
    assert found == [f"{INDEX}: it is missing", "shard-000001.tar: its SHA-256 is not the recorded one"]


def test_the_index_of_another_dataset(copy: Copy) -> None:
    root = copy("parquet")
    shutil.copy(copy("wds") / INDEX, root / INDEX)
    [found] = lines(root)
    assert found.startswith(f"{INDEX}: its SHA-256 is not the recorded one")


# What is no dataset, or none that is finished


def test_a_newer_schema_is_refused(copy: Copy) -> None:
    root = copy("wds")
    raw = json.loads((root / DESCRIPTION).read_text())
    del raw["checksum"]
    (root / DESCRIPTION).write_bytes(sealed(raw | {"schema": 99}))
    with pytest.raises(BadInput, match="has schema 99"):
        lines(root)
    (root / DESCRIPTION).write_text(json.dumps(raw | {"schema": 99}))
    [found] = lines(root)
    assert "edited by hand; nothing else was looked at: " in found
    assert "has schema 99" in found


@pytest.mark.parametrize(
    "change",
    [
        {"samples": float("nan")},
        {"format": "zip"},
        {"kind": "smell"},
        {"shards": [{"name": "../x"}]},
        {"made": 1},
    ],
)
def test_descriptions_that_make_no_sense(change: dict[str, Any], copy: Copy) -> None:
    root = copy("wds")
    raw = json.loads((root / DESCRIPTION).read_text())
    del raw["checksum"]
    (root / DESCRIPTION).write_bytes(sealed(raw | change))
    with pytest.raises(BadInput):
        lines(root)


def test_an_unfinished_dataset_is_refused(copy: Copy) -> None:
    root = copy("wds")
    (root / DESCRIPTION).unlink()
    (root / WORK).mkdir()
    with pytest.raises(BadInput, match="is incomplete: its sharding was cut short"):
        lines(root)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no folder"):
        lines(tmp_path / "none")


# An index that lies


def _rewrite(root: Path, rows: Callable[[list[dict[str, Any]]], Any], **described: Any) -> None:
    """Changes the index's rows in place, and seals it as its writer would have."""
    dataset = open_dataset(str(root))
    table = pq.read_table(root / INDEX).to_pylist()
    rows(table)
    changed = pa.Table.from_pylist(table, schema=schema())
    sums = content_sum(
        changed["key"].to_pylist(),
        np.array([row["hash"] for row in table], np.uint64),
        np.array([row["label"] for row in table], np.int64),
    )
    size = sum(row["size"] for row in table)
    made = replace(dataset, content_id=content_name(sums), payload_bytes=size, samples=len(table))
    sha256 = write_rows(join(dataset.url, INDEX), [changed])
    write_description(replace(made, index_sha256=sha256, **described))


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("form", OURS)
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"id": 7}, "its id is 7 where 5 is due"),
        ({"key": ""}, "sample 5 has an empty key"),
        ({"label": 2}, "its label is 2, and there are 2 classes"),
        ({"label": -1}, "its label is -1"),
        ({"shard": 9}, "its shard is number 9"),
        ({"shard": -7}, "its shard is number -7"),
        ({"row": 2**62}, "row"),
        ({"offset": 2**63 - 1}, ""),
        ({"offset": -5}, ""),
        ({"size": -1}, "its size is -1"),
        ({"size": 2**63 - 1}, ""),
        ({"member": "../../etc/passwd"}, "leads out of the dataset"),
        ({"member": "/etc/passwd"}, "leads out of the dataset"),
        ({"member": "a\0b"}, "leads out of the dataset"),
        ({"member": ""}, "leads out of the dataset"),
        (
            {"extras": [{"field": "x", "member": "../x", "offset": 2**63 - 1, "size": -3, "hash": 0}]},
            "its 'x': ",
        ),
        (
            {"extras": [{"field": "x", "member": "x", "offset": 5, "size": 2, "hash": 0}] * 2},
            "two of that name",
        ),
    ],
)
def test_values_that_cannot_be(form: str, change: dict[str, Any], says: str, full: bool, copy: Copy) -> None:
    root = copy(form)
    _rewrite(root, lambda rows: rows[5].update(change))
    found = lines(root, full=full)
    assert any(says in line for line in found), found


@pytest.mark.parametrize("form", OURS)
def test_values_that_are_missing(form: str, copy: Copy) -> None:
    root = copy(form)
    for change in (
        {"extras": [{"field": "x", "member": "x", "offset": None, "size": 1, "hash": 0}]},
        {"offset": None},
    ):
        table = pq.read_table(root / INDEX).to_pylist()
        table[5] |= change
        sha256 = write_rows(str(root / INDEX), [pa.Table.from_pylist(table, schema=schema())])
        write_description(replace(open_dataset(str(root)), index_sha256=sha256))
        assert lines(root, full=True)[0] == f"{INDEX}: it misses values"


def test_an_index_without_a_column(copy: Copy) -> None:
    root = copy("wds")
    pq.write_table(pq.read_table(root / INDEX).drop_columns(["label"]), root / INDEX)
    _reseal(root)
    assert lines(root)[0] == f"{INDEX}: it has no column 'label' of type int64"


def test_an_index_that_is_no_parquet(copy: Copy) -> None:
    root = copy("wds")
    (root / INDEX).write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    _reseal(root)
    assert lines(root)[0].startswith(f"{INDEX}: it cannot be read")


def _reseal(root: Path) -> None:
    sha256 = hashlib.sha256((root / INDEX).read_bytes()).hexdigest()
    write_description(replace(open_dataset(str(root)), index_sha256=sha256))


def test_sums_that_do_not_add_up(copy: Copy) -> None:
    root = copy("wds")
    dataset = open_dataset(str(root))
    one = replace(dataset.shards[0], samples=5)
    wrong = replace(
        dataset, samples=11, payload_bytes=1, content_id="0" * 32, shards=(one, *dataset.shards[1:])
    )
    write_description(wrong)
    found = lines(root)
    assert [line.partition(" is ")[0] for line in found[:3]] == [
        f"{INDEX}: its samples",
        f"{INDEX}: its payload_bytes",
        f"{INDEX}: its content_id",
    ]
    assert found[3:] == ["shard-000000.tar: the index has 4 samples of it, and the description says 5"]


def test_a_key_twice(copy: Copy) -> None:
    root = copy("wds")
    _rewrite(root, lambda rows: rows[7].update(key=rows[2]["key"]))
    [found] = lines(root)
    key = open_dataset(str(root)).index.key[2].as_py()
    assert found == f"shard-000001.tar: sample {key!r}, its key is that of sample 2 too; it is sample 7"


@pytest.mark.parametrize("form", SHARDED)
def test_two_samples_in_one_place(form: str, copy: Copy) -> None:
    root = copy(form)
    same = ("offset", "size", "hash", "row", "member")
    _rewrite(root, lambda rows: rows[5].update({name: rows[4][name] for name in same}))
    found = lines(root)
    assert any("shares bytes with sample" in line for line in found)
    assert any("its row 0 is that of sample" in line for line in found) == (form == "parquet")


@pytest.mark.parametrize("form", SHARDED)
@pytest.mark.parametrize("full", [False, True])
def test_rows_in_any_order_are_no_fault(form: str, full: bool, copy: Copy) -> None:
    root = copy(form)

    def shuffle(rows: list[dict[str, Any]]) -> None:
        random.Random(4).shuffle(rows)
        for number, row in enumerate(rows):
            row["id"] = number

    _rewrite(root, shuffle)
    assert lines(root, full=full) == []


def test_labels_and_further_columns_in_full(copy: Copy) -> None:
    """An index that agrees with itself and not with the shards."""
    for form in SHARDED:
        root = copy(form)
        _rewrite(root, lambda rows: rows[5].update(label=1 - rows[5]["label"]))
        assert lines(root) == []
        [found] = lines(root, full=True)
        assert "label" in found
        shutil.rmtree(root)
        root = copy(form)
        _rewrite(root, lambda rows: next(row for row in rows if row["extras"]).update(extras=None))
        assert lines(root) == []
        told = lines(root, full=True)
        assert len(told) == {"wds": 3, "parquet": 2}[form]  # the DALI index has another line too


@pytest.mark.parametrize("form", OURS)
def test_a_damaged_image_with_the_right_hash(form: str, originals: Path, tmp_path: Path) -> None:
    plain = Path(shutil.copytree(originals / "plain", tmp_path / "plain"))
    content = (plain / "cats/3.jpg").read_bytes()
    (plain / "cats/3.jpg").write_bytes(content[: len(content) // 2])
    root = tmp_path / "damaged"
    shard_dataset(str(plain), str(root), Sharding(format=form))
    assert lines(root) == []
    [found] = lines(root, full=True)
    assert "sample 'cats/3'" in found
    assert "its payload cannot be decoded: " in found


def test_a_dali_index_that_lies(copy: Copy) -> None:
    root = copy("wds")
    path = root / "shard-000001.idx"
    text = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*text[:2], text[2].replace(b"cls", b"cla"), *text[3:], b"x\n"]))
    dataset = open_dataset(str(root))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    shards = [replace(s, idx_sha256=sha256) if "01" in s.name else s for s in dataset.shards]
    write_description(replace(dataset, shards=tuple(shards)))
    assert lines(root) == []
    found = lines(root, full=True)
    assert [line.partition(" is ")[0] for line in found] == [
        f"shard-000001.idx: sample '{dataset.index.key[5].as_py()}' at byte {len(text[0] + text[1])}, line 3",
        f"shard-000001.idx: at byte {sum(map(len, text))}, line 6",
    ]


# Many samples, many processes, many faults


def test_workers_find_the_same_in_the_same_order(
    tiny_wds: Dataset, tiny_folder: Dataset, tmp_path: Path
) -> None:
    for dataset in (tiny_wds, tiny_folder):
        root = Path(shutil.copytree(dataset.url, tmp_path / dataset.format))
        for path in sorted(p for p in root.rglob("*") if p.suffix in (".tar", ".jpg"))[::2]:
            _flip(path, 8 * 5000)
        one = lines(root, full=True)
        assert len(one) > 5
        assert lines(root, full=True, workers=2) == one


def test_a_tar_of_noise(copy: Copy) -> None:
    root = copy("wds")
    path = root / "shard-000000.tar"
    path.write_bytes(random.Random(1).randbytes(path.stat().st_size))
    told = "\n".join(lines(root, full=True))
    assert all(repr(key) in told for key in open_dataset(str(root)).index.key.to_pylist()[:4])


def test_headers_that_ask_for_all_memory(copy: Copy) -> None:
    """A PAX header of 8 exabytes, in an archive whose sums are right."""
    root = copy("tars")
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 2**62
    content = bytearray((root / "a.tar").read_bytes())
    content[:512] = info.tobuf(tarfile.GNU_FORMAT)
    (root / "a.tar").write_bytes(content)
    found = lines(root, full=True)
    assert any("the header is damaged" in line for line in found)


# The command line


def test_the_command(copy: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    root = str(copy("wds"))
    assert main(["data", "verify", root, "--workers", "1"]) == 0
    assert capsys.readouterr().out == f"{root} is whole: 10 samples in 3 shards, 0.0 MB of payloads\n"
    _flip(Path(root, "shard-000001.tar"), 8 * 700)
    assert main(["data", "verify", root, "--full", "--workers", "1"]) == 1
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 3
    assert shown[-1] == "2 faults"
    assert main(["data", "verify", root, "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == [
        {
            "shard": "shard-000001.tar",
            "key": None,
            "offset": None,
            "fault": "its SHA-256 is not the recorded one",
        }
    ]


def test_no_faults_as_json(originals: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "verify", str(originals / "tars"), "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == []
    assert captured.err.startswith("pipebench: note: no SHA-256 is recorded of 1 shards")


def test_of_many_faults_the_first_are_shown(copy: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    root = copy("wds")
    for number in range(60):
        (root / f"more-{number}").touch()
    assert main(["data", "verify", str(root)]) == 1
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 52
    assert shown[-2:] == [
        "and 10 more, all of which --json tells",
        "60 faults; --full tells which samples are hit",
    ]
    assert main(["data", "verify", str(root), "--json"]) == 1
    assert len(json.loads(capsys.readouterr().out)) == 60


def test_what_cannot_be_verified_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "verify", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.startswith("pipebench: there is no folder")
