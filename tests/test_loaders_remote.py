"""Loaders over datasets in an object store, on a real S3 server."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipebench.contract import Loader, Placement, Stage, Workload
from pipebench.dataset import Dataset, open_dataset
from pipebench.errors import BadInput
from pipebench.files import put_files, remove, write_whole
from pipebench.kinds.image import Image, ImagePreprocessing
from pipebench.loaders._settings import ArrowSettings, TorchDataLoaderSettings, WebDatasetSettings
from pipebench.loaders.arrow import Arrow
from pipebench.loaders.dali import Dali, DaliSettings
from pipebench.loaders.torch_dataloader import TorchDataLoader
from pipebench.loaders.webdataset import WebDataset

ALONE = Placement(cores=2)
TORCH, TARS, ARROW = (
    settings.tuned(ALONE) for settings in (TorchDataLoaderSettings, WebDatasetSettings, ArrowSettings)
)
CASES: dict[str, tuple[Any, str, Any]] = {
    "torch_dataloader folder": (TorchDataLoader, "folder", TORCH),
    "torch_dataloader wds": (TorchDataLoader, "wds", TORCH),
    "torch_dataloader parquet": (TorchDataLoader, "parquet", TORCH),
    "torch_dataloader documented": (
        TorchDataLoader,
        "wds",
        replace(TorchDataLoaderSettings.documented(ALONE), workers=2),
    ),
    "webdataset": (WebDataset, "wds", TARS),
    "webdataset library": (WebDataset, "wds", replace(TARS, tar_reader="library")),
    "webdataset documented": (WebDataset, "wds", replace(WebDatasetSettings.documented(ALONE), workers=2)),
    "arrow": (Arrow, "parquet", ARROW),
    "arrow plain": (Arrow, "parquet", replace(ARROW, parquet_reader="plain")),
    "dali folder": (Dali, "folder", DaliSettings.tuned(ALONE)),
    "dali wds": (Dali, "wds", DaliSettings.tuned(ALONE)),
    "dali documented": (Dali, "wds", DaliSettings.documented(ALONE)),
    "arrow documented": (Arrow, "parquet", replace(ArrowSettings.documented(ALONE), workers=2)),
}

DAMAGED = [name for name in CASES if "documented" not in name and name != "torch_dataloader parquet"]

Uploaded = Callable[[str], Dataset]


@pytest.fixture(scope="module")
def places() -> dict[str, str]:
    """Where datasets were uploaded to, by their format."""
    return {}


@pytest.fixture
def uploaded(request: pytest.FixtureRequest, bucket: str, places: dict[str, str]) -> Uploaded:
    """`uploaded(format)`: synthetic photographs in an object store, uploaded once."""

    def upload(fmt: str) -> Dataset:
        if fmt not in places:
            root = Path(request.getfixturevalue(f"tiny_{fmt}").root)
            _upload(root, f"{bucket}/{fmt}")
            places[fmt] = f"{bucket}/{fmt}"
        return open_dataset(places[fmt])

    return upload


def _upload(root: Path, url: str) -> None:
    files = [path for path in root.rglob("*") if path.is_file()]
    put_files([(path, f"{url}/{path.relative_to(root)}") for path in files])


@pytest.fixture(params=list(CASES.values()), ids=list(CASES))
def make(request: pytest.FixtureRequest, uploaded: Uploaded) -> Callable[..., Any]:
    """`make(**workload)`: the loader, in a `with`."""
    factory, fmt, settings = request.param

    def build(placement: Placement = ALONE, **workload: Any) -> Any:
        base: dict[str, Any] = {"batch_size": 10, "preprocessing": ImagePreprocessing(size=32)}
        given = Workload(**(base | {"dataset": uploaded(fmt)} | workload))
        return closing(factory(given, placement, until=Stage.BATCH, settings=settings))

    return build


def _rows(loader: Loader, epoch: int) -> Iterator[tuple[int, Any]]:
    for batch in loader.epoch(epoch):
        yield from zip(batch.ids.tolist(), batch.inputs.clone().numpy(), strict=True)


def test_every_sample_comes_once_and_is_itself(make: Callable[..., Any], tiny_folder: Dataset) -> None:
    wanted = ImagePreprocessing(recipe="check", size=32)
    with make(preprocessing=wanted) as loader:
        for epoch in (0, 1):
            rows = list(_rows(loader, epoch))
            assert sorted(sample for sample, _ in rows) == list(range(96))
        for sample, row in rows:
            expected = Image().reference(tiny_folder.payload(sample), wanted)
            assert Image().mismatch(row, expected, wanted) is None


def test_an_epoch_after_an_abandoned_one_is_complete(make: Callable[..., Any]) -> None:
    with make() as loader:
        next(iter(loader.epoch(0)))
        assert sorted(sample for sample, _ in _rows(loader, 1)) == list(range(96))


def test_ranks_share_the_samples(make: Callable[..., Any]) -> None:
    found = []
    for rank in range(2):
        with make(replace(ALONE, rank=rank, world_size=2)) as loader:
            found += [sample for sample, _ in _rows(loader, 0)]
    assert sorted(found) == list(range(96))


@pytest.mark.parametrize("make", [CASES[name] for name in DAMAGED], ids=DAMAGED, indirect=True)
@pytest.mark.parametrize("damage", ["removed", "cut short"])
def test_a_damaged_file_is_named(
    make: Callable[..., Any], bucket: str, request: pytest.FixtureRequest, damage: str
) -> None:
    whole: Dataset = request.getfixturevalue(f"tiny_{request.node.callspec.params['make'][1]}")
    name = whole.shards[2].name if whole.shards else str(whole.index.member[40])
    _upload(Path(whole.root), bucket)
    if damage == "removed":
        remove(f"{bucket}/{name}")
    else:
        content = (Path(whole.root) / name).read_bytes()
        write_whole(f"{bucket}/{name}", content[: len(content) // 2])
    with pytest.raises(BadInput, match=name) as raised, make(dataset=open_dataset(bucket)) as loader:
        list(loader.epoch(0))
    assert "\n" not in str(raised.value)
