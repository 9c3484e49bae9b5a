"""What the arrow loader promises beyond the conformance suite."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipebench.contract import Batch, Loader, Placement, Stage, Unsupported, Workload
from pipebench.dataset import Dataset, open_dataset
from pipebench.errors import BadInput
from pipebench.kinds.image import Image, ImagePreprocessing
from pipebench.loaders import _parquet
from pipebench.loaders._payload import Payloads
from pipebench.loaders._settings import ArrowSettings
from pipebench.loaders.arrow import Arrow

Make = Callable[..., Loader]
ALONE = Placement(cores=2)
TUNED = ArrowSettings.tuned(ALONE)
SETTINGS = {
    "library": replace(TUNED, parquet_reader="library"),
    "plain": replace(TUNED, parquet_reader="plain"),
    "not mapped": replace(TUNED, parquet_reader="library", mmap=False),
    "not ahead": replace(TUNED, ahead=False),
    "documented": replace(ArrowSettings.documented(ALONE), workers=2),
}


@pytest.fixture(params=list(SETTINGS.values()), ids=list(SETTINGS))
def settings(request: pytest.FixtureRequest) -> ArrowSettings:
    found: ArrowSettings = request.param
    return found


@pytest.fixture
def make(tiny_parquet: Dataset) -> Iterator[Make]:
    made: list[Loader] = []

    def build(
        settings: ArrowSettings = TUNED,
        until: Stage = Stage.BATCH,
        placement: Placement = ALONE,
        **workload: Any,
    ) -> Loader:
        base: dict[str, Any] = {
            "dataset": tiny_parquet,
            "batch_size": 10,
            "preprocessing": ImagePreprocessing(size=32),
        }
        made.append(Arrow(Workload(**(base | workload)), placement, until=until, settings=settings))
        return made[-1]

    yield build
    for loader in made:
        loader.close()


def ids_of(batches: Iterator[Batch]) -> list[int]:
    return [int(sample) for batch in batches for sample in batch.ids]


@pytest.mark.parametrize("world", [1, 3])
@pytest.mark.parametrize("workers", [1, 2, 10])
def test_every_sample_comes_once_and_one_batch_is_short(
    make: Make, settings: ArrowSettings, world: int, workers: int
) -> None:
    seen: list[int] = []
    for rank in range(world):
        placement = Placement(cores=2, rank=rank, world_size=world)
        loader = make(replace(settings, workers=workers), placement=placement, until=Stage.READ)
        batches = list(loader.epoch(3))
        assert all(len(batch.ids) == 10 for batch in batches[:-1])
        seen += ids_of(iter(batches))
    assert sorted(seen) == list(range(96))


def test_an_epoch_after_an_abandoned_one_is_complete(make: Make, settings: ArrowSettings) -> None:
    loader = make(settings)
    for number, taken in enumerate((0, 1, 5, 9)):
        abandoned = loader.epoch(number)
        for _ in range(taken):
            next(abandoned)
        assert sorted(ids_of(loader.epoch(number + 10))) == list(range(96))
        assert ids_of(abandoned) == []


@pytest.mark.parametrize("numbers", [(0, 1, 2), (0, 2, 1), (3, 3, 4)])
@pytest.mark.parametrize("workers", [2, 3])
def test_epochs_in_any_order_are_what_they_are_alone(
    make: Make, numbers: tuple[int, ...], workers: int
) -> None:
    loader = make(replace(TUNED, workers=workers))
    for number in numbers:
        alone = make(replace(TUNED, workers=workers, ahead=False))
        found, expected = (_by_ids(each.epoch(number)) for each in (loader, alone))
        assert list(found) == list(expected)
        assert all((found[ids] == expected[ids]).all() for ids in found)


def _by_ids(batches: Iterator[Batch]) -> dict[bytes, Any]:
    return {batch.ids.tobytes(): batch.inputs.clone() for batch in batches}


def test_both_readers_deliver_the_same_in_the_same_order(make: Make) -> None:
    orders = [ids_of(make(SETTINGS[name], until=Stage.READ).epoch(1)) for name in ("library", "plain")]
    assert orders[0] == orders[1]


def test_pixels_and_labels_are_the_references(
    make: Make, tiny_parquet: Dataset, settings: ArrowSettings
) -> None:
    wanted = ImagePreprocessing(recipe="check", size=32)
    for batch in make(settings, preprocessing=wanted).epoch(0):
        assert Image().layout_fault(batch.inputs, len(batch.ids), wanted) is None
        assert batch.labels.tolist() == tiny_parquet.index.label[batch.ids].tolist()
        for sample, row in zip(batch.ids.tolist(), batch.inputs.numpy(), strict=True):
            expected = Image().reference(tiny_parquet.payload(sample), wanted)
            assert Image().mismatch(row, expected, wanted) is None


def test_a_batch_that_is_kept_stays_as_it_was(make: Make, settings: ArrowSettings) -> None:
    loader = make(settings)
    kept = [(batch, batch.inputs.clone()) for number in range(2) for batch in loader.epoch(number)]
    assert all((batch.inputs == copy).all() for batch, copy in kept)


def test_a_rank_without_batches_has_empty_epochs(make: Make, settings: ArrowSettings) -> None:
    loader = make(settings, batch_size=100, drop_last=True)
    assert [list(loader.epoch(number)) for number in (0, 1)] == [[], []]


def test_more_ranks_than_row_groups_share_the_samples(make: Make) -> None:
    placements = [Placement(cores=2, rank=rank, world_size=20) for rank in range(20)]
    counts = [len(ids_of(make(TUNED, Stage.READ, placement).epoch(0))) for placement in placements]
    assert sum(counts) == 96
    assert set(counts) == {4, 5}


def test_without_shuffling_one_worker_keeps_the_stored_order(make: Make, settings: ArrowSettings) -> None:
    loader = make(replace(settings, workers=1), until=Stage.READ, shuffle=False)
    assert ids_of(loader.epoch(0)) == list(range(96))


WRITTEN: dict[str, dict[str, Any]] = {
    "compressed": {"compression": "zstd"},
    "dictionary": {"use_dictionary": True, "compression": "snappy"},
    "small pages": {"data_page_size": 1000, "data_page_version": "2.0"},
}


@pytest.mark.parametrize("group", [9, 1000])
@pytest.mark.parametrize("options", list(WRITTEN.values()), ids=list(WRITTEN))
def test_encoded_parquet_is_read(
    make: Make,
    make_parquet: Callable[..., Dataset],
    tiny_folder: Dataset,
    tmp_path: Path,
    group: int,
    options: dict[str, Any],
) -> None:
    foreign = make_parquet(tiny_folder, tmp_path, rows=[50, 46], group=group, **options)
    assert (foreign.index.offset == -1).all()
    _check_pixels(make(dataset=foreign, preprocessing=CHECK), tiny_folder)
    with pytest.raises(Unsupported, match="these lie encoded"):
        make(SETTINGS["plain"], dataset=foreign)


CHECK = ImagePreprocessing(recipe="check", size=32)


def _check_pixels(loader: Loader, original: Dataset) -> None:
    seen = []
    for batch in loader.epoch(0):
        for sample, row in zip(batch.ids.tolist(), batch.inputs.numpy(), strict=True):
            expected = Image().reference(original.payload(sample), CHECK)
            assert Image().mismatch(row, expected, CHECK) is None
            seen.append(sample)
    assert sorted(seen) == list(range(96))


def test_a_row_group_is_decoded_in_parts(
    make: Make,
    make_parquet: Callable[..., Dataset],
    tiny_folder: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_parquet, "DECODED_BYTES", 300_000)
    monkeypatch.setattr(_parquet, "WHOLE_BYTES", 1000)
    foreign = make_parquet(tiny_folder, tmp_path, rows=[96], group=96, compression="zstd")
    _check_pixels(make(replace(TUNED, workers=3), dataset=foreign, preprocessing=CHECK), tiny_folder)


TYPES = {
    "large binary": (pa.large_binary(), "image/jpg"),
    "binary view": (pa.binary_view(), "image/jpg"),
    "dictionary": (pa.dictionary(pa.int32(), pa.binary()), "image/jpg"),
    "struct": (pa.struct([("bytes", pa.binary()), ("path", pa.string())]), "image.bytes/jpg"),
    "without an ending": (pa.binary(), "image"),
}


@pytest.mark.parametrize(("kind", "member"), list(TYPES.values()), ids=list(TYPES))
def test_columns_of_other_types(
    make: Make,
    make_parquet: Callable[..., Dataset],
    tiny_folder: Dataset,
    tmp_path: Path,
    kind: Any,
    member: str,
) -> None:
    """Rows without a payload lie between those with one."""
    foreign = make_parquet(tiny_folder, tmp_path, rows=[96], compression="zstd")
    payloads = [payload for sample in range(96) for payload in (tiny_folder.payload(sample), None)]
    values = [p and {"bytes": p, "path": "x"} for p in payloads] if pa.types.is_struct(kind) else payloads
    table = pa.table({"n": range(192), "image": pa.array(values, kind)})
    pq.write_table(table, tmp_path / "0.parquet", row_group_size=20)
    members = pa.array([member] * 96, pa.large_string())
    foreign.__dict__["index"] = replace(foreign.index, row=foreign.index.row * 2, member=members)
    _check_pixels(make(dataset=foreign, preprocessing=CHECK), tiny_folder)


@pytest.fixture
def broken(tiny_parquet: Dataset, tmp_path: Path) -> Dataset:
    shutil.copytree(tiny_parquet.url, tmp_path / "copy")
    return open_dataset(str(tmp_path / "copy"))


@pytest.mark.parametrize("damage", ["cut short", "removed", "no Parquet"])
def test_a_damaged_shard_is_named(make: Make, broken: Dataset, settings: ArrowSettings, damage: str) -> None:
    file = broken.local_root() / broken.shards[2].name
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2] if damage == "cut short" else b"no Parquet" * 9)
    if damage == "removed":
        file.unlink()
    with pytest.raises(BadInput, match=file.name) as raised:
        ids_of(make(settings, dataset=broken).epoch(0))
    assert "\n" not in str(raised.value)


def test_a_column_that_is_gone_is_named(make: Make, broken: Dataset) -> None:
    path = broken.local_root() / "2.parquet"
    table = pq.read_table(path)
    pq.write_table(table.rename_columns(["caption", "picture", "number"]), path, row_group_size=7)
    with pytest.raises(BadInput, match=r"2\.parquet cannot be read: it has no column 'image'; index"):
        ids_of(make(SETTINGS["library"], dataset=broken).epoch(0))


def test_rows_that_do_not_come_are_missed(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = _parquet.LibraryReader._batches
    monkeypatch.setattr(
        _parquet.LibraryReader, "_batches", lambda *given: (batch.slice(0, 4) for batch in whole(*given))
    )
    with pytest.raises(BadInput, match=r"parquet cannot be read: a row group has 4 rows instead of"):
        ids_of(make(SETTINGS["library"]).epoch(0))


def test_an_undecodable_sample_is_named(make: Make, broken: Dataset, settings: ArrowSettings) -> None:
    with (broken.local_root() / "2.parquet").open("r+b") as file:
        file.seek(broken.index.offset[40])
        file.write(b"x" * int(broken.index.size[40]))
    with pytest.raises(BadInput, match=r"sample '2.parquet/image, row 8' cannot be decoded: cannot identify"):
        ids_of(make(settings, dataset=broken).epoch(0))


def test_a_payload_of_another_size_is_named(make: Make, broken: Dataset) -> None:
    """The length before a payload is Parquet's; that in the index is ours."""
    size = broken.index.size.copy()
    size[40] -= 1
    broken.__dict__["index"] = replace(broken.index, size=size)
    with pytest.raises(BadInput, match=r"sample '2.parquet/image, row 8' no longer holds the \d+ bytes"):
        ids_of(make(SETTINGS["library"], dataset=broken).epoch(0))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (replace(TUNED, buffer=0), "setting buffer must be at least 1, not 0"),
        (
            replace(SETTINGS["documented"], parquet_reader="plain"),
            "setting items=true goes with parquet_reader=library",
        ),
        (replace(TUNED, items=True), "setting items=true goes with decoder=pillow,ring=false"),
    ],
)
def test_settings_that_make_no_loader(make: Make, settings: Any, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        make(settings)


def test_another_format_is_unsupported(make: Make, tiny_wds: Dataset) -> None:
    with pytest.raises(Unsupported, match="reads parquet, not wds"):
        make(dataset=tiny_wds)


def test_names_of_samples(tiny_parquet: Dataset) -> None:
    assert Payloads(tiny_parquet).member(40) == "2.parquet/image, row 8"
    assert np.unique(tiny_parquet.index.shard).tolist() == list(range(6))
