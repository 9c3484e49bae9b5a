"""What the webdataset loader promises beyond the conformance suite."""

import io
import shutil
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipebench.contract import Batch, Loader, Placement, Stage, Unsupported, Workload
from pipebench.dataset import Dataset, Shard, open_dataset, write_dataset
from pipebench.errors import BadInput
from pipebench.index import Index, content_id, make_index
from pipebench.kinds.image import Image, ImagePreprocessing
from pipebench.loaders._payload import Payloads
from pipebench.loaders._settings import WebDatasetSettings
from pipebench.loaders.webdataset import WebDataset

Make = Callable[..., Loader]
ALONE = Placement(cores=2)
TUNED = WebDatasetSettings.tuned(ALONE)
SETTINGS = {
    "library": replace(TUNED, tar_reader="library"),
    "plain": replace(TUNED, tar_reader="plain"),
    "documented": replace(WebDatasetSettings.documented(ALONE), workers=2),
}


@pytest.fixture(params=SETTINGS)
def settings(request: pytest.FixtureRequest) -> WebDatasetSettings:
    return SETTINGS[request.param]


@pytest.fixture
def make(tiny_wds: Dataset) -> Iterator[Make]:
    made: list[Loader] = []

    def build(
        settings: WebDatasetSettings,
        until: Stage = Stage.BATCH,
        placement: Placement = ALONE,
        **workload: Any,
    ) -> Loader:
        base: dict[str, Any] = {
            "dataset": tiny_wds,
            "batch_size": 10,
            "preprocessing": ImagePreprocessing(size=32),
        }
        given = Workload(**(base | workload))
        made.append(WebDataset(given, placement, until=until, settings=settings))
        return made[-1]

    yield build
    for loader in made:
        loader.close()


def ids_of(batches: Iterator[Batch]) -> list[int]:
    return [int(sample) for batch in batches for sample in batch.ids]


@pytest.mark.parametrize("world", [1, 2, 3])
@pytest.mark.parametrize("workers", [1, 2, 5, 10])
def test_every_sample_comes_once_and_one_batch_is_short(
    make: Make, settings: WebDatasetSettings, world: int, workers: int
) -> None:
    seen: Counter[int] = Counter()
    for rank in range(world):
        placement = Placement(cores=2, rank=rank, world_size=world)
        batches = list(
            make(replace(settings, workers=workers), placement=placement, until=Stage.READ).epoch(3)
        )
        assert all(len(batch.ids) == 10 for batch in batches[:-1])
        seen.update(ids_of(iter(batches)))
    assert seen == Counter(range(96))


def test_an_epoch_after_an_abandoned_one_is_complete(make: Make, settings: WebDatasetSettings) -> None:
    loader = make(settings)
    for number, taken in enumerate((0, 1, 5)):
        abandoned = loader.epoch(number)
        for _ in range(taken):
            next(abandoned)
        assert sorted(ids_of(loader.epoch(number + 10))) == list(range(96))
        assert ids_of(abandoned) == []


def test_pixels_and_labels_are_the_references(
    make: Make, tiny_wds: Dataset, settings: WebDatasetSettings
) -> None:
    wanted = ImagePreprocessing(recipe="check", size=32)
    payloads = Payloads(tiny_wds)
    for batch in make(settings, preprocessing=wanted).epoch(0):
        assert Image().layout_fault(batch.inputs, len(batch.ids), wanted) is None
        assert batch.labels.tolist() == tiny_wds.index.label[batch.ids].tolist()
        for sample, row in zip(batch.ids.tolist(), batch.inputs.numpy(), strict=True):
            assert Image().mismatch(row, Image().reference(payloads.read(sample), wanted), wanted) is None


def test_a_batch_that_is_kept_stays_as_it_was(make: Make, settings: WebDatasetSettings) -> None:
    loader = make(settings)
    kept = [(batch, batch.inputs.clone()) for number in range(2) for batch in loader.epoch(number)]
    assert all((batch.inputs == copy).all() for batch, copy in kept)


def test_order_follows_from_seed_and_epoch(make: Make, settings: WebDatasetSettings) -> None:
    loader = make(settings, until=Stage.READ)
    first, second, again = (ids_of(loader.epoch(number)) for number in (0, 1, 0))
    assert first == again != second
    assert first != sorted(first)


def test_without_shuffling_one_worker_keeps_the_stored_order(
    make: Make, tiny_wds: Dataset, settings: WebDatasetSettings
) -> None:
    loader = make(replace(settings, workers=1), until=Stage.READ, shuffle=False)
    stored = sorted(range(96), key=lambda i: (tiny_wds.index.shard[i], tiny_wds.index.offset[i]))
    assert ids_of(loader.epoch(0)) == stored


@pytest.mark.parametrize("until", [Stage.READ, Stage.DECODE, Stage.TRANSFORM])
def test_a_cut_passes_on_ids_alone(make: Make, settings: WebDatasetSettings, until: Stage) -> None:
    batches = list(make(settings, until=until).epoch(0))
    assert all(batch.inputs is None and batch.labels is None for batch in batches)
    assert sorted(ids_of(iter(batches))) == list(range(96))


def test_drop_last_drops_a_ranks_short_batch(make: Make, settings: WebDatasetSettings) -> None:
    second = Placement(cores=2, rank=1, world_size=2)
    batches = list(make(settings, placement=second, drop_last=True).epoch(0))
    assert [len(batch.ids) for batch in batches] == [10] * 4


@pytest.fixture
def broken(tiny_wds: Dataset, tmp_path: Path) -> Dataset:
    shutil.copytree(tiny_wds.url, tmp_path / "copy")
    return open_dataset(str(tmp_path / "copy"))


@pytest.mark.parametrize("damage", ["cut short", "cut between samples", "removed", "not a tar"])
def test_a_damaged_shard_is_named(
    make: Make, broken: Dataset, settings: WebDatasetSettings, damage: str
) -> None:
    name = broken.shards[2].name
    file = broken.local_root() / name
    content = file.read_bytes()
    if damage == "removed":
        file.unlink()
    elif damage == "cut between samples":
        last = broken.index.offset[broken.index.shard == 2].max()
        with tarfile.open(file) as tar:
            header = min(m.offset for m in tar if m.offset_data == last)
        file.write_bytes(content[:header])
    else:
        file.write_bytes(content[: len(content) // 2] if damage == "cut short" else b"no tar" * 9)
    with pytest.raises(BadInput, match=name) as raised:
        ids_of(make(settings, dataset=broken).epoch(0))
    assert "\n" not in str(raised.value)


def test_an_undecodable_sample_is_named(make: Make, broken: Dataset, settings: WebDatasetSettings) -> None:
    member, shard = broken.index.member[40].as_py(), broken.shards[broken.index.shard[40]].name
    with (broken.local_root() / shard).open("r+b") as file:
        file.seek(broken.index.offset[40])
        file.write(b"x" * int(broken.index.size[40]))
    with pytest.raises(BadInput, match=f"sample '{shard}/{member}' cannot be decoded: cannot identify"):
        ids_of(make(settings, dataset=broken).epoch(0))


FOREIGN = ("a b/1.JPG", "a b/1.seg.jpg", "ü/2.jpeg", "ü/left-out.jpg")
"""Keys repeat between shards; one key has two images; the last is not in the index."""


@pytest.fixture
def foreign(tiny_folder: Dataset, tmp_path: Path) -> Dataset:
    """Two shards of the images of `tiny_folder` with ids 0 to 3 and 4 to 7, with trying names."""
    root = tmp_path / "of #1? {0..1}"
    root.mkdir()
    payloads = Payloads(tiny_folder)
    for shard in range(2):
        with tarfile.open(root / f"{shard}.tar", "w") as tar:
            for number, name in enumerate(FOREIGN, shard * 4):
                payload = payloads.read(number)
                info = tarfile.TarInfo(name)
                info.size = len(payload)
                tar.addfile(info, io.BytesIO(payload))
    index = _foreign_index(root)
    made = Dataset(
        url=str(root),
        root=str(root),
        kind="image",
        format="wds",
        classes=("only",),
        samples=len(index),
        payload_bytes=int(index.size.sum()),
        content_id=content_id(index),
        shards=tuple(Shard(name=f"{shard}.tar", samples=3, size=1, sha256=None) for shard in range(2)),
    )
    write_dataset(made, index)
    return open_dataset(str(root))


def _foreign_index(root: Path) -> Index:
    found = []
    for shard in range(2):
        with tarfile.open(root / f"{shard}.tar") as tar:
            found += [(shard, tar.getmember(name)) for name in FOREIGN[:3]]
    return make_index(
        key=[f"{shard}/{member.name}" for shard, member in found],
        member=[member.name for _, member in found],
        shard=[shard for shard, _ in found],
        offset=[member.offset_data for _, member in found],
        size=[member.size for _, member in found],
        label=[0] * len(found),
        hash=range(len(found)),
    )


def test_foreign_tars(
    make: Make, settings: WebDatasetSettings, foreign: Dataset, tiny_folder: Dataset
) -> None:
    wanted = ImagePreprocessing(recipe="check", size=16)
    payloads, seen = Payloads(tiny_folder), []
    for batch in make(settings, dataset=foreign, preprocessing=wanted, batch_size=2).epoch(0):
        for sample, row in zip(batch.ids.tolist(), batch.inputs.numpy(), strict=True):
            original = payloads.read(sample // 3 * 4 + sample % 3)
            assert Image().mismatch(row, Image().reference(original, wanted), wanted) is None
            seen.append(sample)
    assert sorted(seen) == list(range(6))


def test_more_ranks_than_shards_are_unsupported(make: Make) -> None:
    with pytest.raises(Unsupported, match="deals out whole shards, and 6 cannot feed 7 ranks"):
        make(TUNED, placement=Placement(cores=2, world_size=7))


def test_another_format_is_unsupported(make: Make, tiny_folder: Dataset) -> None:
    with pytest.raises(Unsupported, match="reads wds, not folder"):
        make(TUNED, dataset=tiny_folder)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (replace(TUNED, buffer=0), "setting buffer must be at least 1, not 0"),
        (
            replace(SETTINGS["documented"], tar_reader="plain"),
            "setting items=true goes with tar_reader=library",
        ),
        (replace(TUNED, items=True), "setting items=true goes with decoder=pillow,ring=false"),
    ],
)
def test_settings_that_make_no_loader(make: Make, settings: Any, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        make(settings)
