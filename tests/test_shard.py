"""Shards hold the same samples byte for byte, and every reader of tars reads them."""

import gc
import hashlib
import io
import shutil
import subprocess
import tarfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pipebench.dataset import Dataset, open_dataset
from pipebench.datasets_prep.formats.wds import member_stem
from pipebench.datasets_prep.importer import Import, import_dataset
from pipebench.datasets_prep.shard import Sharding, shard_dataset
from pipebench.errors import BadInput

PER_SHARD = Sharding(format="wds", shard_samples=2)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def _payload(dataset: Dataset, number: int) -> bytes:
    index = dataset.index
    shard = index.shard[number]
    name = index.member[number].as_py() if shard < 0 else dataset.shards[shard].name
    content = (dataset.local_root() / name).read_bytes()
    payload: bytes = content[index.offset[number] : index.offset[number] + index.size[number]]
    return payload


def _read_with_webdataset(dataset: Dataset) -> list[dict[str, Any]]:
    """All samples, in stored order; the library leaves its files to the garbage collector."""
    webdataset = pytest.importorskip("webdataset")
    urls = [str(dataset.local_root() / shard.name) for shard in dataset.shards]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        samples = list(webdataset.WebDataset(urls, shardshuffle=False))
        gc.collect()
    return samples


def _tree(folder: Path, *names: str) -> Dataset:
    """A class folder of tiny pictures, indexed."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 8), (number, 40, 90)).save(path, "JPEG")
    dataset: Dataset = import_dataset(Import(source=folder)).dataset
    return dataset


def test_content_is_the_same_in_both_formats(tiny_folder: Dataset, tiny_wds: Dataset) -> None:
    assert tiny_wds.content_id == tiny_folder.content_id
    assert tiny_wds.index.key.equals(tiny_folder.index.key)
    assert tiny_wds.index.label.tolist() == tiny_folder.index.label.tolist()
    for number in range(tiny_folder.samples):
        assert _payload(tiny_wds, number) == _payload(tiny_folder, number)


def test_the_description_is_true(tiny_wds: Dataset) -> None:
    assert open_dataset(tiny_wds.url) == tiny_wds
    assert [shard.name for shard in tiny_wds.shards] == [f"shard-{n:06d}.tar" for n in range(6)]
    for shard in tiny_wds.shards:
        content = (tiny_wds.local_root() / shard.name).read_bytes()
        assert (shard.size, shard.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert {path.name for path in tiny_wds.local_root().iterdir()} == {
        "dataset.json",
        "samples.parquet",
        *(shard.name for shard in tiny_wds.shards),
    }


def test_python_tarfile_reads_them(tiny_wds: Dataset) -> None:
    with tarfile.open(tiny_wds.local_root() / "shard-000001.tar", "r:") as tar:
        infos = tar.getmembers()
        labels = [tar.extractfile(info).read() for info in infos[1::2]]  # type: ignore[union-attr] # plain files
    assert len(infos) == 32
    assert {(info.mtime, info.uid, info.gid, info.mode, info.uname, info.gname) for info in infos} == {
        (0, 0, 0, 0o644, "", "")
    }
    rows = slice(16, 32)
    assert [info.name for info in infos[::2]] == tiny_wds.index.member[rows].to_pylist()
    assert [info.offset_data for info in infos[::2]] == tiny_wds.index.offset[rows].tolist()
    assert [int(label) for label in labels] == tiny_wds.index.label[rows].tolist()


@pytest.mark.skipif(shutil.which("tar") is None, reason="no tar command here")
def test_the_tar_command_reads_them_without_a_complaint(tiny_wds: Dataset) -> None:
    shard = str(tiny_wds.local_root() / "shard-000000.tar")
    done = subprocess.run(["tar", "--list", "--file", shard], capture_output=True, text=True, check=True)  # noqa: S607 - whichever tar is on the path
    assert done.stderr == ""
    assert done.stdout.splitlines()[::2] == tiny_wds.index.member[:16].to_pylist()


def test_webdataset_reads_them(tiny_wds: Dataset) -> None:
    samples = _read_with_webdataset(tiny_wds)
    assert [sample["__key__"] for sample in samples] == tiny_wds.index.key.to_pylist()
    assert [int(sample["cls"]) for sample in samples] == tiny_wds.index.label.tolist()
    assert [sample["jpg"] for sample in samples[:5]] == [_payload(tiny_wds, number) for number in range(5)]


def test_any_number_of_workers_gives_the_same_bytes(tiny_folder: Dataset, tmp_path: Path) -> None:
    for workers in (1, 2):
        shard_dataset(tiny_folder, tmp_path / str(workers), Sharding(format="wds"), workers)
    assert _files(tmp_path / "1") == _files(tmp_path / "2")


def test_shards_of_shards(tiny_wds: Dataset, tmp_path: Path) -> None:
    again = shard_dataset(tiny_wds, tmp_path / "again", Sharding(format="wds", shard_samples=16))
    assert again.content_id == tiny_wds.content_id
    assert again.shards == tiny_wds.shards


def test_shard_bytes_are_a_limit(tiny_folder: Dataset, tmp_path: Path) -> None:
    limit = 600_000
    dataset = shard_dataset(tiny_folder, tmp_path / "d", Sharding(format="wds", shard_bytes=limit))
    ending = tarfile.RECORDSIZE
    assert all(shard.size <= limit + ending or shard.samples == 1 for shard in dataset.shards)
    assert sum(shard.samples for shard in dataset.shards) == 96
    assert len(dataset.shards) < 12


def test_unasked_there_are_enough_shards_for_several_readers(tiny_folder: Dataset, tmp_path: Path) -> None:
    dataset = shard_dataset(tiny_folder, tmp_path / "d", Sharding(format="wds"))
    assert [shard.samples for shard in dataset.shards] == [6] * 16


NAMES = (
    "plain/a.jpg",
    "plain/b.1.final.JPG",
    "plain/100%.jpeg",
    "two words/ä ö/ü.jpg",
    "v1.0/c.jpg",
    f"long/{'n' * 150}.jpg",
    f"deep/{'/'.join(['folder'] * 20)}/{'m' * 90}.jpg",
)


def test_names_that_are_hard_for_tars(tmp_path: Path) -> None:
    """Dots in basenames, per cent signs, spaces, other letters, long names: all keys come back."""
    source = _tree(tmp_path / "src", *NAMES)
    dataset = shard_dataset(source, tmp_path / "dst", PER_SHARD)
    assert dataset.content_id == source.content_id
    assert sorted(dataset.index.key.to_pylist()) == sorted(name.rpartition(".")[0] for name in NAMES)
    for number in range(dataset.samples):
        assert _payload(dataset, number) == _payload(source, number)
    samples = _read_with_webdataset(dataset)
    assert [s["__key__"] for s in samples] == [member_stem(key) for key in dataset.index.key.to_pylist()]
    assert all({"cls", "jpg", "jpeg"} & set(sample) >= {"cls"} for sample in samples)


def test_member_stems() -> None:
    assert member_stem("v1.0/a.b%c") == "v1.0/a%2Eb%25c"


def test_a_changed_source_is_noticed_and_leaves_nothing(tmp_path: Path) -> None:
    source = _tree(tmp_path / "src", "a/1.jpg", "a/2.jpg", "a/3.jpg")
    (tmp_path / "src/a/3.jpg").write_bytes(b"another")
    with pytest.raises(BadInput, match=r"3\.jpg has changed since it was indexed"):
        shard_dataset(source, tmp_path / "dst", PER_SHARD)
    assert not (tmp_path / "dst").exists()


def test_a_missing_source_file(tmp_path: Path) -> None:
    source = _tree(tmp_path / "src", "a/1.jpg")
    (tmp_path / "src/a/1.jpg").unlink()
    with pytest.raises(BadInput, match=r"1\.jpg cannot be read"):
        shard_dataset(source, tmp_path / "dst", PER_SHARD)


@pytest.mark.parametrize(
    ("target", "message"),
    [(".", "is the dataset that is to be sharded"), ("sub/dst", "lies inside the dataset")],
)
def test_targets_that_overlap_the_source(target: str, message: str, tmp_path: Path) -> None:
    source = _tree(tmp_path / "src", "a/1.jpg")
    before = _files(tmp_path / "src")
    with pytest.raises(BadInput, match=message):
        shard_dataset(source, tmp_path / "src" / target, PER_SHARD)
    assert _files(tmp_path / "src") == before


def test_a_target_inside_the_payloads_of_an_index_elsewhere(tmp_path: Path) -> None:
    _tree(tmp_path / "src", "a/1.jpg")
    (tmp_path / "src/dataset.json").unlink()
    dataset = import_dataset(Import(source=tmp_path / "src", out=tmp_path / "index")).dataset
    with pytest.raises(BadInput, match="lies inside the dataset"):
        shard_dataset(dataset, tmp_path / "src/dst", PER_SHARD)


def test_a_target_that_holds_something(tiny_folder: Dataset, tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(BadInput, match="already holds something"):
        shard_dataset(tiny_folder, tmp_path, PER_SHARD)
    assert _files(tmp_path) == {"mine": b""}


def test_a_remote_source(tiny_folder: Dataset, tmp_path: Path) -> None:
    remote = replace(tiny_folder, root="s3://bucket/folder")
    with pytest.raises(BadInput, match="not on a local filesystem"):
        shard_dataset(remote, tmp_path / "dst", PER_SHARD)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "wdx"}, "did you mean 'wds'"),
        ({"format": "wds", "shard_samples": 0}, "at least 1 sample"),
        ({"format": "wds", "shard_samples": 2, "shard_bytes": 5}, "not both"),
    ],
)
def test_shardings_that_make_no_sense(options: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        Sharding(**options)


def test_a_shard_has_its_name_only_when_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = _tree(tmp_path / "src", "a/1.jpg", "a/2.jpg", "a/3.jpg")
    seen: list[set[str]] = []

    def watch(_: int) -> None:
        seen.append({path.name for path in (tmp_path / "dst").iterdir()})

    monkeypatch.setattr("pipebench.datasets_prep.formats.wds.os.fsync", watch)
    shard_dataset(source, tmp_path / "dst", PER_SHARD)
    first, second = ".shard-000000.tar.partial", ".shard-000001.tar.partial"
    assert seen[:2] == [{first}, {"shard-000000.tar", second}]


def test_a_picture_comes_back_from_a_shard(tiny_wds: Dataset) -> None:
    assert Image.open(io.BytesIO(_payload(tiny_wds, 95))).format == "JPEG"
