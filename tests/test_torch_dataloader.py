"""What the loaders built on DataLoader promise beyond the conformance suite, shown with the folder."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipebench.contract import Batch, Loader, Placement, Stage, Unsupported, Workload
from pipebench.dataset import Dataset, open_dataset
from pipebench.errors import BadInput
from pipebench.kinds.image import Image, ImagePreprocessing
from pipebench.loaders._payload import Payloads
from pipebench.loaders._settings import TorchDataLoaderSettings
from pipebench.loaders.torch_dataloader import TorchDataLoader

Make = Callable[..., Loader]
ALONE = Placement(cores=2)
TUNED = TorchDataLoaderSettings.tuned(ALONE)
DOCUMENTED = TorchDataLoaderSettings.documented(ALONE)
SETTINGS = {
    "tuned": TUNED,
    "documented": replace(DOCUMENTED, workers=2),
    "no ring": replace(TUNED, ring=False),
    "not ahead": replace(TUNED, ahead=False),
    "many workers": replace(TUNED, workers=5, prefetch=1),
}


@pytest.fixture
def make(tiny_folder: Dataset) -> Iterator[Make]:
    made: list[Loader] = []

    def build(
        settings: TorchDataLoaderSettings = TUNED,
        until: Stage = Stage.BATCH,
        placement: Placement = ALONE,
        **workload: Any,
    ) -> Loader:
        given = Workload(
            **{
                "dataset": tiny_folder,
                "batch_size": 10,
                "preprocessing": ImagePreprocessing(size=32),
                **workload,
            }
        )
        made.append(TorchDataLoader(given, placement, until=until, settings=settings))
        return made[-1]

    yield build
    for loader in made:
        loader.close()


def ids_of(batches: Iterator[Batch]) -> list[int]:
    return [int(sample) for batch in batches for sample in batch.ids]


def rows_by_id(batches: Iterator[Batch]) -> dict[int, Any]:
    rows: dict[int, Any] = {}
    for batch in batches:
        rows |= zip(batch.ids.tolist(), batch.inputs.clone(), strict=True)
    return rows


def children() -> set[str]:
    return set(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_an_epoch_after_an_abandoned_one_is_complete(make: Make, settings: Any) -> None:
    loader = make(settings)
    for number, taken in enumerate((0, 1, 3, 9)):
        abandoned = loader.epoch(number)
        for _ in range(taken):
            next(abandoned)
        assert sorted(ids_of(loader.epoch(number + 10))) == list(range(96))
        assert ids_of(abandoned) == []


@pytest.mark.parametrize("numbers", [(0, 1, 2), (0, 2, 1), (3, 3, 4)])
def test_epochs_in_any_order_are_what_they_are_alone(make: Make, numbers: tuple[int, ...]) -> None:
    loader = make()
    for number in numbers:
        alone = make(SETTINGS["not ahead"])
        assert ids_of(loader.epoch(number)) == ids_of(alone.epoch(number))
        rows, expected = rows_by_id(loader.epoch(number)), rows_by_id(alone.epoch(number))
        assert all((rows[sample] == expected[sample]).all() for sample in range(96))


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_a_rank_without_batches_has_empty_epochs(make: Make, settings: Any) -> None:
    loader = make(settings, batch_size=100, drop_last=True)
    assert [list(loader.epoch(number)) for number in (0, 1)] == [[], []]


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("taken", [0, 1, 4, 10])
def test_close_ends_every_worker(make: Make, settings: Any, taken: int) -> None:
    before = children()
    loader = make(settings)
    running = loader.epoch(0)
    kept = [next(running) for _ in range(taken)]
    loader.close()
    loader.close()
    assert children() == before
    assert all(batch.inputs.sum() > 0 for batch in kept)


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_a_batch_that_is_kept_stays_as_it_was(make: Make, settings: Any) -> None:
    loader = make(settings)
    kept = [(batch, batch.inputs.clone()) for number in range(2) for batch in loader.epoch(number)]
    assert all((batch.inputs == copy).all() for batch, copy in kept)


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("layout", ["contiguous", "channels_last"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_pixels_and_labels_are_the_references(
    make: Make, tiny_folder: Dataset, settings: Any, layout: Any, dtype: Any
) -> None:
    wanted = ImagePreprocessing(recipe="check", size=32, dtype=dtype, layout=layout)
    payloads = Payloads(tiny_folder)
    for batch in make(settings, preprocessing=wanted).epoch(0):
        assert Image().layout_fault(batch.inputs, len(batch.ids), wanted) is None
        assert batch.labels.tolist() == tiny_folder.index.label[batch.ids].tolist()
        for sample, row in zip(batch.ids.tolist(), batch.inputs.numpy(), strict=True):
            expected = Image().reference(payloads.read(sample), wanted)
            assert Image().mismatch(row, expected, wanted) is None


@pytest.mark.parametrize("preset", ["tuned", "documented"])
@pytest.mark.parametrize("until", [Stage.READ, Stage.DECODE, Stage.TRANSFORM])
def test_a_cut_passes_on_ids_alone(make: Make, preset: str, until: Stage) -> None:
    batches = list(make(SETTINGS[preset], until=until).epoch(0))
    assert all(batch.inputs is None and batch.labels is None for batch in batches)
    assert all(batch.ids.dtype == np.int64 for batch in batches)
    assert sorted(ids_of(iter(batches))) == list(range(96))


@pytest.mark.parametrize("preset", ["tuned", "documented"])
def test_drop_last_drops_a_ranks_short_batch(make: Make, preset: str) -> None:
    third = Placement(cores=2, rank=1, world_size=3)
    sizes = [len(batch.ids) for batch in make(SETTINGS[preset], placement=third, drop_last=True).epoch(0)]
    assert sizes == [10, 10, 10]


@pytest.mark.parametrize("preset", ["tuned", "documented"])
def test_a_batch_larger_than_the_dataset(make: Make, preset: str) -> None:
    assert [len(batch.ids) for batch in make(SETTINGS[preset], batch_size=1000).epoch(0)] == [96]


@pytest.mark.parametrize("preset", ["tuned", "documented"])
def test_pictures_differ_between_epochs(make: Make, preset: str) -> None:
    loader = make(SETTINGS[preset])
    first, second = (rows_by_id(loader.epoch(number)) for number in (0, 1))
    assert sum(bool((first[sample] == second[sample]).all()) for sample in first) == 0


@pytest.mark.parametrize("preset", ["tuned", "documented"])
@pytest.mark.parametrize("damage", ["truncated", "emptied", "grown", "removed"])
def test_a_damaged_sample_is_named(
    make: Make, tiny_folder: Dataset, tmp_path: Path, preset: str, damage: str
) -> None:
    shutil.copytree(tiny_folder.url, tmp_path / "copy")
    broken = open_dataset(str(tmp_path / "copy"))
    member = broken.index.member[40].as_py()
    file = tmp_path / "copy" / member
    payload = file.read_bytes()
    file.write_bytes({"truncated": payload[:-2000], "emptied": b"", "grown": payload + b"x"}.get(damage, b""))
    if damage == "removed":
        file.unlink()
    loader = make(SETTINGS[preset], dataset=broken)
    with pytest.raises(BadInput, match=member) as raised:
        ids_of(loader.epoch(0))
    assert "\n" not in str(raised.value)
    loader.close()


def test_an_undecodable_sample_is_named_and_the_workers_go_on(
    make: Make, tiny_folder: Dataset, tmp_path: Path
) -> None:
    shutil.copytree(tiny_folder.url, tmp_path / "copy")
    broken = open_dataset(str(tmp_path / "copy"))
    file = tmp_path / "copy" / broken.index.member[40].as_py()
    payload = file.read_bytes()
    file.write_bytes(b"x" * len(payload))
    loader = make(dataset=broken)
    with pytest.raises(BadInput, match=r"cannot be decoded: cannot identify image file"):
        ids_of(loader.epoch(0))
    file.write_bytes(payload)
    assert sorted(ids_of(loader.epoch(1))) == list(range(96))


def test_a_killed_worker_ends_the_epoch_with_an_error(make: Make) -> None:
    before = children()
    loader = make()
    running = loader.epoch(0)
    next(running)
    os.kill(int(min(children() - before)), 9)
    with pytest.raises(RuntimeError, match="worker"):
        ids_of(running)
    loader.close()
    assert children() == before


@pytest.mark.parametrize("settings", list(SETTINGS.values()), ids=list(SETTINGS))
@pytest.mark.parametrize("fmt", ["wds", "parquet"])
def test_shards_are_read_at_random_places(
    make: Make, request: pytest.FixtureRequest, tiny_folder: Dataset, fmt: str, settings: Any
) -> None:
    """In the order in which a folder would be read, whose samples have the same ids."""
    wanted = ImagePreprocessing(recipe="check", size=32)
    shards: Dataset = request.getfixturevalue(f"tiny_{fmt}")
    assert shards.index.key.to_pylist() == tiny_folder.index.key.to_pylist()
    of_folder, of_shards = (
        make(settings, dataset=dataset, preprocessing=wanted) for dataset in (tiny_folder, shards)
    )
    for epoch in (0, 1):
        for expected, found in zip(of_folder.epoch(epoch), of_shards.epoch(epoch), strict=True):
            assert expected.ids.tolist() == found.ids.tolist()
            assert (expected.inputs == found.inputs).all()


@pytest.mark.parametrize("preset", ["tuned", "documented"])
@pytest.mark.parametrize("fmt", ["wds", "parquet"])
def test_a_damaged_shard_is_named(
    make: Make, request: pytest.FixtureRequest, tmp_path: Path, preset: str, fmt: str
) -> None:
    shutil.copytree(request.getfixturevalue(f"tiny_{fmt}").url, tmp_path / "copy")
    broken = open_dataset(str(tmp_path / "copy"))
    name = broken.shards[2].name
    (tmp_path / "copy" / name).write_bytes(b"")
    loader = make(SETTINGS[preset], dataset=broken)
    with pytest.raises(BadInput, match=name) as raised:
        ids_of(loader.epoch(0))
    assert "\n" not in str(raised.value)
    loader.close()


@pytest.mark.parametrize("preset", ["tuned", "documented"])
def test_payloads_that_lie_encoded_are_unsupported(
    make: Make, make_parquet: Callable[..., Dataset], tiny_folder: Dataset, tmp_path: Path, preset: str
) -> None:
    foreign = make_parquet(tiny_folder, tmp_path, rows=[96], compression="zstd")
    with pytest.raises(Unsupported, match="'pipebench data shard --format parquet'"):
        make(SETTINGS[preset], dataset=foreign)


def test_another_format_is_unsupported(make: Make, tiny_wds: Dataset) -> None:
    with pytest.raises(Unsupported, match="reads folder and parquet and wds, not papyrus"):
        make(dataset=replace(tiny_wds, format="papyrus"))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (replace(TUNED, workers=97), "setting workers is 97, and the dataset holds 96 samples"),
        (replace(TUNED, workers=0), "setting workers must be at least 1, not 0"),
        (replace(TUNED, prefetch=0), "setting prefetch must be at least 1, not 0"),
        (replace(TUNED, items=True), "setting items=true goes with decoder=pillow,ring=false"),
    ],
)
def test_settings_that_make_no_loader(make: Make, settings: Any, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        make(settings)


def test_a_region_is_printed_only_where_the_decoder_cuts() -> None:
    assert TUNED.region
    assert not replace(TUNED, decoder="pillow").region
