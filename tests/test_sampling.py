"""A bounded part of data that nobody has indexed."""

import io
import os
import shutil
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipebench.contract import Placement, Stage, Workload
from pipebench.dataset import Dataset
from pipebench.errors import BadInput
from pipebench.files import Listed
from pipebench.kinds.image import ImagePreprocessing
from pipebench.registry import loader
from pipebench.sampling import listing
from pipebench.sampling.listing import taking_turns
from pipebench.sampling.sample import sample

GB = 10**9


@pytest.fixture
def plain(tiny_folder: Dataset, tmp_path: Path) -> Path:
    """The tiny folder as somebody may have it: class folders, and things that are no samples."""
    root = tmp_path / "plain"
    shutil.copytree(tiny_folder.root, root)
    for name in ("dataset.json", "samples.parquet"):
        (root / name).unlink()
    (root / "README.txt").write_text("notes")
    (root / ".cache").mkdir()
    (root / ".cache" / "x.jpg").write_bytes(b"no sample")
    return root


def snapshot(root: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in root.rglob("*")}


def labels(dataset: Dataset) -> dict[str, int]:
    index = dataset.index
    return {str(key): int(label) for key, label in zip(index.key, index.label, strict=True)}


def test_a_plain_folder(plain: Path, tiny_folder: Dataset, tmp_path: Path) -> None:
    before = snapshot(plain)
    found = sample(str(plain), tmp_path / "index", GB)
    assert snapshot(plain) == before, "nothing is written to the data"
    assert (found.format, found.samples) == ("folder", tiny_folder.samples)
    assert found.payload_bytes == tiny_folder.payload_bytes
    assert found.classes == tiny_folder.classes
    assert found.content_id.startswith("sampled-")
    whole = {
        str(key): label for key, label in zip(tiny_folder.index.key, tiny_folder.index.label, strict=True)
    }
    assert {str(k): label for k, label in zip(found.index.key, found.index.label, strict=True)} == whole


def test_a_bounded_part_holds_all_classes_in_turn(plain: Path, tmp_path: Path) -> None:
    found = sample(str(plain), tmp_path / "index", 600_000)
    assert 600_000 <= found.payload_bytes < 900_000
    assert found.samples < 30
    assert len(found.classes) == 3
    counts = [list(found.index.label).count(label) for label in range(3)]
    assert max(counts) - min(counts) <= 1


def test_listing_stops_where_the_part_ends(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    met: list[str] = []

    def noting(root: Path, entry: "os.DirEntry[str]") -> Listed:
        met.append(entry.name)
        return real(root, entry)

    real = listing._file
    monkeypatch.setattr("pipebench.sampling.sample.TELLING", 5)
    monkeypatch.setattr(listing, "_file", noting)
    found = sample(str(plain), tmp_path / "index", 200_000)
    assert len(met) < found.samples + 10 < 30


def test_tars(tiny_wds: Dataset, tmp_path: Path) -> None:
    root = tmp_path / "tars"
    root.mkdir()
    for shard in tiny_wds.shards:
        shutil.copy(Path(tiny_wds.root) / shard.name, root)
    found = sample(str(root), tmp_path / "index", GB)
    assert (found.format, found.samples, len(found.shards)) == ("wds", 96, 6)
    assert [found.payload(n) for n in range(96)] == [tiny_wds.payload(n) for n in range(96)]
    part = sample(str(root), tmp_path / "part", 500_000)
    assert len(part.shards) == 6


def test_parquet(tiny_parquet: Dataset, tmp_path: Path) -> None:
    root = tmp_path / "parquet"
    root.mkdir()
    for shard in tiny_parquet.shards:
        shutil.copy(Path(tiny_parquet.root) / shard.name, root)
    found = sample(str(root), tmp_path / "index", GB)
    assert (found.format, found.samples, len(found.shards)) == ("parquet", 96, 6)
    assert found.payload(17) == tiny_parquet.payload(17)


def test_structs_and_labels_in_parquet(tiny_folder: Dataset, tmp_path: Path) -> None:
    root = tmp_path / "hub"
    root.mkdir()
    payloads = [tiny_folder.payload(n) for n in range(8)]
    images = [{"bytes": payload, "path": f"{n}.jpg"} for n, payload in enumerate(payloads)]
    pq.write_table(pa.table({"image": images, "label": [n % 2 for n in range(8)]}), root / "a.parquet")
    found = sample(str(root), tmp_path / "index", GB)
    assert str(found.index.member[0]) == "image.bytes/jpg"
    assert list(found.index.label) == [0, 1] * 4
    assert [found.payload(n) for n in range(8)] == payloads


@pytest.mark.parametrize("name", ["torch_dataloader", "webdataset", "arrow"])
def test_loaders_read_it(
    name: str, plain: Path, tiny_wds: Dataset, tiny_parquet: Dataset, tmp_path: Path
) -> None:
    sources = {"torch_dataloader": plain, "webdataset": Path(tiny_wds.root), "arrow": Path(tiny_parquet.root)}
    dataset = sample(str(sources[name]), tmp_path / "index", GB)
    workload = Workload(dataset=dataset, batch_size=32, preprocessing=ImagePreprocessing())
    placement = Placement(cores=1)
    factory = loader(name)
    made = factory(workload, placement, until=Stage.READ, settings=factory.settings.tuned(placement))
    try:
        ids = [int(one) for batch in made.epoch(0) for one in batch.ids]
    finally:
        made.close()
    assert sorted(ids) == list(range(96))


def write_tar(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def test_classes_of_tars_and_what_is_no_sample(tmp_path: Path) -> None:
    root = tmp_path / "tars"
    root.mkdir()
    write_tar(
        root / "a.tar",
        {"x/1.jpg": b"j", "x/1.cls": b"7\n", "x/2.json": b"{}", "y/3.jpg": b"k", "y/4.jpg": b""},
    )
    found = sample(str(root), tmp_path / "index", GB)
    assert [str(key) for key in found.index.key] == ["x/1", "y/3"]
    assert found.classes == ("7", "y")


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "no samples were found"),
        ({"a.txt": b"x"}, "no samples were found"),
        ({"a.tar": b"no tar at all" * 100}, "cannot be read as a tar"),
        ({"a.parquet": b"none"}, "cannot be read as Parquet"),
        ({"<script>\x1b[31m.tar": b"x" * 2000}, "cannot be read as a tar"),
    ],
)
def test_what_cannot_be_sampled_is_one_sentence(files: dict[str, bytes], says: str, tmp_path: Path) -> None:
    root = tmp_path / "odd"
    root.mkdir()
    for name, content in files.items():
        (root / name).write_bytes(content)
    with pytest.raises(BadInput, match=says):
        sample(str(root), tmp_path / "index", GB)


def test_parquet_without_payloads(tmp_path: Path) -> None:
    root = tmp_path / "numbers"
    root.mkdir()
    pq.write_table(pa.table({"a": [1, 2], "b": [b"x", b"y"]}), root / "a.parquet")
    with pytest.raises(BadInput, match="no column of this Parquet holds payloads"):
        sample(str(root), tmp_path / "index", GB)


def test_links_are_followed_each_folder_once(plain: Path, tmp_path: Path) -> None:
    """As a hub's cache and folders of linked classes have them."""
    linked = tmp_path / "linked"
    (linked / "class_9").mkdir(parents=True)
    for folder in plain.glob("class_*"):
        (linked / folder.name).symlink_to(folder)
    picture = next((plain / "class_0").iterdir())
    (linked / "class_9" / "again.jpg").symlink_to(picture)
    (linked / "class_9" / "circle").symlink_to(linked)
    (linked / "class_9" / "twice").symlink_to(plain / "class_1")
    (linked / "class_9" / "nowhere.jpg").symlink_to(tmp_path / "nothing")
    (linked / "class_9" / "device.jpg").symlink_to("/dev/zero")
    found = sample(str(linked), tmp_path / "index", GB)
    assert found.samples == 96 + 1
    assert found.payload(found.samples - 1)


def test_the_format_is_that_of_most_bytes(
    tiny_parquet: Dataset, tiny_folder: Dataset, tmp_path: Path
) -> None:
    root = tmp_path / "mixed"
    (root / "data").mkdir(parents=True)
    (root / "thumbnail.jpg").write_bytes(tiny_folder.payload(0))
    for shard in tiny_parquet.shards:
        shutil.copy(Path(tiny_parquet.root) / shard.name, root / "data")
    found = sample(str(root), tmp_path / "index", GB)
    assert (found.format, found.samples) == ("parquet", 96)


def test_it_ends_where_time_is_up(plain: Path, tmp_path: Path) -> None:
    assert sample(str(plain), tmp_path / "index", GB, lambda samples: samples < 20).samples == 20


def test_parquet_is_read_no_further_than_needed(
    tiny_folder: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though its rows lie in one group."""
    root = tmp_path / "one"
    root.mkdir()
    payload = tiny_folder.payload(0)[:64] + os.urandom(50_000)
    table = pa.table({"image": [payload] * 1000})
    options = {"use_dictionary": False, "compression": "none", "data_page_size": 2**20, "write_batch_size": 8}
    pq.write_table(table, root / "a.parquet", row_group_size=1000, **options)
    read = 0

    class Counting(io.FileIO):
        def read(self, size: int = -1) -> bytes:  # type: ignore[override]
            nonlocal read
            content = super().read(size)
            read += len(content)
            return content

    monkeypatch.setattr("pipebench.sampling.finders.open_random", Counting)
    assert sample(str(root), tmp_path / "index", GB, lambda samples: samples < 20).samples == 20
    assert 0 < read < 20_000_000


def test_turns() -> None:
    assert list(taking_turns(map(iter, [[1, 4], [], [2, 5, 6], [3]]))) == [1, 2, 3, 4, 5, 6]
