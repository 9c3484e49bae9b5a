"""Shards hold the same samples byte for byte, whoever writes them, and a mistake is one sentence."""

import hashlib
import io
import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pipebench.cli import main
from pipebench.dataset import Dataset, open_dataset
from pipebench.datasets_prep import shard
from pipebench.datasets_prep.catalogue.splits import parse_shares
from pipebench.datasets_prep.importer import Import, import_dataset
from pipebench.datasets_prep.shard import shard_dataset
from pipebench.datasets_prep.sharding import advice as _advice
from pipebench.datasets_prep.sharding.options import Sharding
from pipebench.errors import BadInput

FORMATS = ("folder", "parquet", "wds")
SAMPLES = 30


def tree(folder: Path) -> dict[str, bytes | None]:
    """All that lies below a folder: files with what they hold, and folders."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def picture(number: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (9 + number, 8), (number, 40, 90)).save(file, "JPEG")
    return file.getvalue()


def write(folder: Path, files: Iterable[tuple[str, bytes]]) -> Path:
    for name, content in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders that nobody has indexed, with further files; three classes, odd names."""
    root = tmp_path_factory.mktemp("folder")
    for number in range(SAMPLES):
        stem = f"class {number % 3}/sub/ä {number:02d}"
        write(root, [(f"{stem}.jpg", picture(number))])
        if number % 2:
            write(root, [(f"{stem}.json", json.dumps({"number": number}).encode())])
        if number % 5 == 0:
            write(root, [(f"{stem}.seg.png", b"mask" * number), (f"{stem}.txt", b"")])
    return root


@pytest.fixture(scope="module")
def source_of(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """`source_of(format)`: the folder's samples in that format."""
    made = {"folder": str(folder)}

    def make(name: str) -> str:
        if name not in made:
            made[name] = str(tmp_path_factory.mktemp(name))
            shard_dataset(str(folder), made[name], Sharding(format=name))
        return made[name]

    return make


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("source", FORMATS)
def test_all_formats_hold_the_same(
    source_of: Callable[[str], str], folder: Path, tmp_path: Path, source: str, target: str
) -> None:
    """The last step, back to a folder, shows every payload and further file, byte for byte."""
    made = shard_dataset(source_of(source), str(tmp_path / "made"), Sharding(format=target)).dataset
    shard_dataset(made.url, str(tmp_path / "back"), Sharding(format="folder"))
    found = tree(tmp_path / "back")
    assert found.pop("dataset.json") and found.pop("samples.parquet")
    assert found == tree(folder)
    assert made.classes == ("class 0", "class 1", "class 2")
    assert made.samples == SAMPLES
    assert made.content_id == open_dataset(source_of("wds")).content_id


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("options", [{}, {"shuffle": True, "seed": 3}])
def test_any_number_of_workers_gives_the_same_bytes(
    folder: Path, tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    for workers in (1, 2, 3):
        sharding = Sharding(format=name, split=parse_shares("train=0.8,val=0.2"), **options)
        shard_dataset(str(folder), str(tmp_path / str(workers)), sharding, workers)
    assert tree(tmp_path / "1") == tree(tmp_path / "2") == tree(tmp_path / "3")


def test_the_target_s_place_and_the_source_s_leave_no_trace(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "elsewhere")
    shard_dataset(str(folder), str(tmp_path / "a"), Sharding(format="wds"))
    shard_dataset(str(tmp_path / "elsewhere"), str(tmp_path / "deep/b"), Sharding(format="wds"))
    assert tree(tmp_path / "a") == tree(tmp_path / "deep/b")


def test_the_description_is_true(tiny_wds: Dataset) -> None:
    assert open_dataset(tiny_wds.url) == tiny_wds
    assert [shard.name for shard in tiny_wds.shards] == [f"shard-{n:06d}.tar" for n in range(6)]
    for shard_ in tiny_wds.shards:
        content = (tiny_wds.local_root() / shard_.name).read_bytes()
        index = (tiny_wds.local_root() / shard_.name).with_suffix(".idx").read_bytes()
        assert (shard_.size, shard_.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert shard_.idx_sha256 == hashlib.sha256(index).hexdigest()
    assert {path.name for path in tiny_wds.local_root().iterdir()} == {
        "dataset.json",
        "samples.parquet",
        *(shard.name for shard in tiny_wds.shards),
        *(shard.name.replace(".tar", ".idx") for shard in tiny_wds.shards),
    }


def test_content_and_order_are_those_of_the_source(tiny_folder: Dataset, tiny_wds: Dataset) -> None:
    assert tiny_wds.content_id == tiny_folder.content_id
    assert tiny_wds.index.key.equals(tiny_folder.index.key)
    assert tiny_wds.index.label.tolist() == tiny_folder.index.label.tolist()
    assert tiny_wds.index.shard.tolist() == [number // 16 for number in range(96)]
    assert [tiny_wds.payload(n) for n in range(96)] == [tiny_folder.payload(n) for n in range(96)]
    assert tiny_wds.made["source"] == dict(tiny_folder.made)


def test_shards_of_shards(tiny_wds: Dataset, tmp_path: Path) -> None:
    again = shard_dataset(tiny_wds.url, str(tmp_path / "again"), Sharding(format="wds", shard_samples=16))
    assert again.dataset.content_id == tiny_wds.content_id
    assert again.dataset.shards == tiny_wds.shards


def test_shard_bytes_are_a_limit(tiny_folder: Dataset, tmp_path: Path) -> None:
    sharding = Sharding(format="wds", shard_bytes=600_000)
    dataset = shard_dataset(tiny_folder.url, str(tmp_path / "d"), sharding).dataset
    assert all(shard.size <= 600_000 + 10_240 for shard in dataset.shards)  # tar's last record
    assert sum(shard.samples for shard in dataset.shards) == 96
    assert len(dataset.shards) < 13


def test_unasked_there_are_enough_shards_for_several_readers(tiny_folder: Dataset, tmp_path: Path) -> None:
    dataset = shard_dataset(tiny_folder.url, str(tmp_path / "d"), Sharding(format="wds")).dataset
    assert [shard.samples for shard in dataset.shards] == [6] * 16


# Orders and splits


def keys(dataset: Dataset) -> list[str]:
    found: list[str] = dataset.index.key.to_pylist()
    return found


@pytest.mark.parametrize("name", FORMATS)
def test_shuffled_the_same_samples_come_in_another_order(folder: Path, tmp_path: Path, name: str) -> None:
    shardings = [
        Sharding(format=name, shuffle=shuffle, seed=seed)
        for shuffle, seed in ((False, 0), (True, 0), (True, 1))
    ]
    plain, one, other = (
        shard_dataset(str(folder), str(tmp_path / str(number)), sharding).dataset
        for number, sharding in enumerate(shardings)
    )
    assert plain.content_id == one.content_id == other.content_id
    assert sorted(keys(plain)) == sorted(keys(one)) == sorted(keys(other))
    assert keys(plain) != keys(one) != keys(other)


@pytest.mark.parametrize("shuffle", [False, True])
def test_splits_are_complete_datasets(folder: Path, tmp_path: Path, shuffle: bool) -> None:
    sharding = Sharding(
        format="wds", shard_samples=4, shuffle=shuffle, split=parse_shares("train=0.8,val=0.2")
    )
    made = shard_dataset(str(folder), str(tmp_path / "dst"), sharding).datasets
    whole = shard_dataset(str(folder), str(tmp_path / "whole"), Sharding(format="wds")).dataset
    train, val = made["train"], made["val"]
    assert sorted(path.name for path in (tmp_path / "dst").iterdir()) == ["train", "val"]
    assert (open_dataset(str(tmp_path / "dst/train")), open_dataset(str(tmp_path / "dst/val"))) == (
        train,
        val,
    )
    assert (train.samples, val.samples) == (24, 6)
    assert train.classes == val.classes == whole.classes
    assert sorted(keys(train) + keys(val)) == sorted(keys(whole))
    assert (int(train.content_id, 16) + int(val.content_id, 16)) % (1 << 128) == int(whole.content_id, 16)
    assert (keys(train) == sorted(keys(train), key=keys(whole).index)) is not shuffle
    assert (train.made["split"], train.made["splits"]) == ("train", "train=4/5,val=1/5")


# What is refused


def refused(source: Path | str, target: Path | str, sharding: Sharding | None = None, **options: Any) -> str:
    with pytest.raises(BadInput) as caught:
        shard_dataset(str(source), str(target), sharding or Sharding(format="wds"), **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "wdx"}, "did you mean 'wds'"),
        ({"format": "wds", "shard_samples": 0}, "at least 1 sample"),
        ({"format": "wds", "shard_samples": 2, "shard_bytes": 5}, "not both"),
        ({"format": "folder", "shard_samples": 2}, "has no shards"),
        ({"format": "wds", "seed": -1}, "seed must be at least 0"),
        ({"format": "wds", "seed": 1 << 64}, "seed must be at least 0"),
    ],
)
def test_shardings_that_make_no_sense(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        Sharding(**options)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (".", "is what is to be sharded"),
        ("sub/dst", "lies inside the source"),
        ("../src", "is what is to be sharded"),
        ("../link/dst", "lies inside the source"),
        ("..", "the source .* lies inside"),
        ("../../top", "the source .* lies inside"),
    ],
)
def test_targets_that_overlap_the_source(target: str, message: str, tmp_path: Path) -> None:
    top = tmp_path / "top"
    write(top / "src", [("a/1.jpg", picture(1))])
    (top / "link").symlink_to("src")
    before = tree(tmp_path)
    with pytest.raises(BadInput, match=message):
        shard_dataset(str(top / "src"), str(top / "src" / target), Sharding(format="wds"))
    assert tree(tmp_path) == before


def test_a_target_inside_the_payloads_of_an_index_elsewhere(tmp_path: Path) -> None:
    write(tmp_path / "src", [("a/1.jpg", picture(1))])
    import_dataset(Import(source=str(tmp_path / "src"), out=str(tmp_path / "index")))
    assert "lies inside the source" in refused(tmp_path / "index", tmp_path / "src/dst")
    assert sorted(tree(tmp_path / "src")) == ["a", "a/1.jpg"]


def test_a_source_that_is_nothing_leaves_no_target(tmp_path: Path) -> None:
    assert "there is no folder" in refused(tmp_path / "none", tmp_path / "dst")
    assert "would get none of the 1 samples" in refused(
        write(tmp_path / "src", [("a/1.jpg", picture(1))]),
        tmp_path / "dst",
        Sharding(format="wds", split=parse_shares("a=0.5,b=0.5")),
    )
    assert not (tmp_path / "dst").exists()


@pytest.fixture
def indexed(tmp_path: Path) -> Path:
    """A folder of three pictures, indexed."""
    write(tmp_path / "src", ((f"a/{number}.jpg", picture(number)) for number in range(3)))
    import_dataset(Import(source=str(tmp_path / "src")))
    return tmp_path / "src"


PER_SHARD = Sharding(format="wds", shard_samples=1)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_changed_sample_is_noticed_and_what_is_done_is_kept(
    indexed: Path, tmp_path: Path, workers: int
) -> None:
    original = (indexed / "a/2.jpg").read_bytes()
    (indexed / "a/2.jpg").write_bytes(b"another")
    message = refused(indexed, tmp_path / "dst", PER_SHARD, workers=workers)
    assert "sample 'a/2'" in message
    assert "has changed since it was indexed" in message
    assert message.endswith("what is finished is kept, and --resume goes on from there")
    assert (tmp_path / "dst/shard-000001.tar").exists()
    with pytest.raises(BadInput, match="is incomplete"):
        open_dataset(str(tmp_path / "dst"))
    (indexed / "a/2.jpg").write_bytes(original)
    shard_dataset(str(indexed), str(tmp_path / "dst"), PER_SHARD, resume=True)
    shard_dataset(str(indexed), str(tmp_path / "whole"), PER_SHARD)
    assert tree(tmp_path / "dst") == tree(tmp_path / "whole")


def test_a_sample_that_is_gone(indexed: Path, tmp_path: Path) -> None:
    (indexed / "a/1.jpg").unlink()
    assert "sample 'a/1'" in refused(indexed, tmp_path / "dst", PER_SHARD)


def cut_short(source: Path, target: Path, sharding: Sharding) -> None:
    """Leaves a sharding whose last shard is missing."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(BadInput, match="played"):
        whole = shard.write_shard

        def fail_at_last(task: Any) -> None:
            if task.first + len(task.rows) == 3:
                raise BadInput("played")
            whole(task)

        patch.setattr(shard, "write_shard", fail_at_last)
        shard_dataset(str(source), str(target), sharding)


def test_an_unfinished_target_is_refused_unless_it_is_resumed(indexed: Path, tmp_path: Path) -> None:
    cut_short(indexed, tmp_path / "dst", PER_SHARD)
    assert "finish it with --resume" in refused(indexed, tmp_path / "dst", PER_SHARD)
    shard_dataset(str(indexed), str(tmp_path / "dst"), PER_SHARD, resume=True)
    assert "already holds something" in refused(indexed, tmp_path / "dst", PER_SHARD)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shuffle": True}, "shuffle was False and is True"),
        ({"format": "parquet"}, "format was wds and is parquet"),
        ({"shard_samples": 2}, "shard_samples was 1 and is 2"),
        ({"split": parse_shares("a=1/3,b=2/3")}, "split was None and is a=1/3,b=2/3"),
    ],
)
def test_resumed_with_other_options(
    indexed: Path, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    cut_short(indexed, tmp_path / "dst", PER_SHARD)
    before = tree(tmp_path / "dst")
    other = Sharding(**({"format": "wds", "shard_samples": 1} | options))
    assert message in refused(indexed, tmp_path / "dst", other, resume=True)
    assert tree(tmp_path / "dst") == before


def test_resumed_with_a_changed_source(indexed: Path, tmp_path: Path) -> None:
    cut_short(indexed, tmp_path / "dst", PER_SHARD)
    write(indexed, [("a/2.jpg", picture(9))])
    import_dataset(Import(source=str(indexed)))
    message = refused(indexed, tmp_path / "dst", PER_SHARD, resume=True)
    assert "cannot be resumed: the source has changed (content was" in message


def test_resumed_with_a_changed_source_that_has_no_index(tmp_path: Path) -> None:
    source = write(tmp_path / "src", ((f"a/{number}.jpg", picture(number)) for number in range(3)))
    cut_short(source, tmp_path / "dst", PER_SHARD)
    write(source, [("a/3.jpg", picture(3))])
    message = refused(source, tmp_path / "dst", PER_SHARD, resume=True)
    assert "cannot be resumed: the source has changed" in message


def test_resumed_when_all_is_done(indexed: Path, tmp_path: Path) -> None:
    first = shard_dataset(str(indexed), str(tmp_path / "dst"), PER_SHARD)
    before = tree(tmp_path / "dst")
    assert (
        shard_dataset(str(indexed), str(tmp_path / "dst"), PER_SHARD, resume=True).datasets == first.datasets
    )
    assert tree(tmp_path / "dst") == before
    other = Sharding(format="wds", shard_samples=2)
    assert "is complete, and was made otherwise" in refused(indexed, tmp_path / "dst", other, resume=True)


# Advice


def advice(source: Path, target: Path, sharding: Sharding) -> str:
    return " | ".join(shard_dataset(str(source), str(target), sharding).advice)


def test_fewer_shards_than_readers(indexed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard, "default_workers", lambda: 4)
    said = advice(indexed, tmp_path / "dst", Sharding(format="wds"))
    assert "3 shards are fewer than workers x ranks, taken as one worker on each of the 4 cores here" in said
    monkeypatch.setattr(shard, "default_workers", lambda: 3)
    assert advice(indexed, tmp_path / "dst2", Sharding(format="wds")) == ""


def test_uneven_shards(folder: Path, tmp_path: Path) -> None:
    said = advice(folder, tmp_path / "dst", Sharding(format="wds", shard_samples=8))
    assert "differ by more than 10 %: the smallest holds 6 samples, the largest 8" in said


def test_samples_that_outgrow_a_shard(indexed: Path, tmp_path: Path) -> None:
    said = advice(indexed, tmp_path / "dst", Sharding(format="wds", shard_bytes=1000))
    assert "3 samples are larger than the shard size; the largest takes 2560 bytes" in said


def test_keys_that_differ_in_case(tmp_path: Path) -> None:
    source = write(
        tmp_path / "src", [("a/x.jpg", picture(1)), ("a/X.jpg", picture(2)), ("a/y.jpg", picture(3))]
    )
    assert "keys differ only in case ('a/X' and 'a/x')" in advice(
        source, tmp_path / "d", Sharding(format="wds")
    )


def test_a_disk_without_room_is_known_before(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(_advice.shutil, "disk_usage", lambda _: usage._replace(free=10_000))
    message = refused(folder, tmp_path / "dst")
    assert "dst needs about 110 kB, and its disk has 10 kB free; make room" in message
    assert not (tmp_path / "dst").exists()


# The command


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[dict[str, Any], str]:
    assert main(["data", "shard", *map(str, arguments), "--json"]) == 0
    captured = capsys.readouterr()
    return json.loads(captured.out), captured.err


def test_the_command_with_splits(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--format", "wds", "--split", "train=0.9,val=0.1", "--shuffle", "--seed", "5"]
    said, told = run(capsys, folder, tmp_path / "dst", *options, "--workers", 2, "--shard-samples", 10)
    assert {name: split["samples"] for name, split in said["splits"].items()} == {"train": 27, "val": 3}
    assert said["splits"]["train"]["made"]["seed"] == 5
    assert [f"pipebench: note: {sentence}" for sentence in said["advice"]] == [
        line for line in told.splitlines() if "note:" in line
    ]
    again, _ = run(capsys, folder, tmp_path / "dst", *options, "--shard-samples", 10, "--resume")
    assert again["splits"] == said["splits"]


def test_the_command_is_readable(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--format", "wds", "--split", "train=0.5,val=0.5", "--workers", "1"]
    assert main(["data", "shard", str(folder), str(tmp_path / "dst"), *options]) == 0
    said = capsys.readouterr().out
    assert [line.split() for line in said.splitlines() if line.startswith(("split ", "samples"))] == [
        ["split", "train"],
        ["samples", "15"],
        ["split", "val"],
        ["samples", "15"],
    ]
    assert "advice" in said
