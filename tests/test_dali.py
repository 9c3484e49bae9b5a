"""What the dali loader promises beyond the conformance suite."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xxhash
from numpy.typing import NDArray

from pipebench.contract import Loader, Placement, Stage, Unsupported, Workload
from pipebench.dataset import Dataset, open_dataset, write_dataset
from pipebench.datasets_prep.shard import Sharding, shard_dataset
from pipebench.deliveries import displacement
from pipebench.errors import BadInput
from pipebench.index import Index, content_id, make_index
from pipebench.kinds.image import Image, ImagePreprocessing
from pipebench.loaders._dali_errors import explained
from pipebench.loaders.dali import Dali, DaliSettings, _device_id
from pipebench.resources import tree_cpu_ns

ALONE = Placement(cores=2)
TUNED = DaliSettings.tuned(ALONE)
STEADY = ImagePreprocessing(size=32, recipe="check")

Make = Callable[..., Loader]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[Loader] = []

    def build(
        dataset: Dataset,
        settings: DaliSettings = TUNED,
        until: Stage = Stage.BATCH,
        placement: Placement = ALONE,
        **workload: Any,
    ) -> Loader:
        base: dict[str, Any] = {"batch_size": 20, "preprocessing": ImagePreprocessing(size=32)}
        given = Workload(dataset=dataset, **(base | workload))
        made.append(Dali(given, placement, until=until, settings=settings))
        return made[-1]

    yield build
    for loader in made:
        loader.close()


def _order(loader: Loader, epoch: int) -> NDArray[np.int64]:
    return np.concatenate([batch.ids for batch in loader.epoch(epoch)])


def _pixels(loader: Loader, epoch: int) -> dict[int, bytes]:
    """Each sample's pixels by id."""
    return {
        int(sample): pixels.numpy().tobytes()
        for batch in loader.epoch(epoch)
        for sample, pixels in zip(batch.ids, batch.inputs, strict=True)
    }


def test_the_tuned_preset_follows_the_cores() -> None:
    assert DaliSettings.tuned(Placement(cores=7)).threads == 7


def test_the_documented_preset_is_the_example() -> None:
    documented = DaliSettings.documented(ALONE)
    assert (documented.threads, documented.prefetch, documented.mmap) == (4, 2, True)
    assert (documented.resize, documented.reshuffle) == ("separate", False)


@pytest.mark.parametrize("name", ["threads", "prefetch", "read_ahead", "shuffle_buffer"])
def test_settings_that_make_no_pipeline_are_refused(tiny_folder: Dataset, make: Make, name: str) -> None:
    with pytest.raises(BadInput, match=f"setting {name} must be at least 1, not 0"):
        make(tiny_folder, replace(TUNED, **{name: 0}))


@pytest.mark.parametrize("load", [-0.1, 1.1])
def test_a_share_is_a_share(tiny_folder: Dataset, make: Make, load: float) -> None:
    with pytest.raises(BadInput, match="hw_decoder_load must lie within 0 and 1"):
        make(tiny_folder, replace(TUNED, hw_decoder_load=load))


def test_a_missing_library_is_named(
    tiny_folder: Dataset, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dali, "libraries", ("no-such-distribution",))
    with pytest.raises(Unsupported, match=r"^pip install 'pipebench\[dali\]'$"):
        make(tiny_folder)


def test_a_missing_gpu_is_named(tiny_folder: Dataset, make: Make) -> None:
    with pytest.raises(Unsupported, match="there is no device cuda:99 on this host"):
        make(tiny_folder, placement=replace(ALONE, device="cuda:99"))


@pytest.mark.parametrize(("device", "number"), [("cpu", None), ("cuda", 0), ("cuda:3", 3)])
def test_device_numbers(device: str, number: int | None) -> None:
    assert _device_id(device) == number


@pytest.mark.parametrize("settings", [TUNED, DaliSettings.documented(ALONE)], ids=["tuned", "documented"])
def test_a_seed_means_one_order_and_one_set_of_crops(
    tiny_folder: Dataset, make: Make, settings: DaliSettings
) -> None:
    first, again, other = (make(tiny_folder, settings, seed=seed) for seed in (5, 5, 6))
    for epoch in (0, 1):
        order = _order(first, epoch)
        assert np.array_equal(order, _order(again, epoch))
        assert not np.array_equal(order, _order(other, epoch))
    one, same, another = (_pixels(loader, 2) for loader in (first, again, other))
    assert one == same
    assert all(one[sample] != another[sample] for sample in one)


def test_files_are_shuffled_globally_and_tars_by_a_buffer(
    tiny_folder: Dataset, tiny_wds: Dataset, make: Make
) -> None:
    files, tars = make(tiny_folder), make(tiny_wds, replace(TUNED, shuffle_buffer=4, reshuffle=False))
    assert displacement([_order(files, 0)], 96) == pytest.approx(1 / 3, abs=0.1)
    assert displacement([_order(tars, 0)], 96) < 0.1


def test_whole_tars_change_places(tiny_wds: Dataset, make: Make) -> None:
    """Which with a buffer of one is all the shuffling."""
    loader = make(tiny_wds, replace(TUNED, shuffle_buffer=1))
    orders = [_order(loader, epoch) // 16 for epoch in (0, 1, 2)]
    assert all(np.count_nonzero(np.diff(order)) == 5 for order in orders)
    assert len({tuple(order) for order in orders}) > 1


def test_ranks_keep_apart_when_one_begins_anew(tiny_folder: Dataset, make: Make) -> None:
    first, second = (make(tiny_folder, placement=replace(ALONE, rank=rank, world_size=2)) for rank in (0, 1))
    next(iter(first.epoch(0)))
    _order(second, 0)
    both = np.concatenate([_order(first, 1), _order(second, 1)])
    assert sorted(both.tolist()) == list(range(96))


def test_batches_that_are_kept_stay_as_they_were(tiny_folder: Dataset, make: Make) -> None:
    """More than was promised: tensors share DALI's memory, and it waits for them."""
    kept = [(batch, batch.inputs.clone()) for batch in make(tiny_folder, batch_size=8).epoch(0)]
    assert all(bool((batch.inputs == copy).all()) for batch, copy in kept)


@pytest.mark.parametrize("resize", ["fused", "separate"])
@pytest.mark.parametrize("mmap", [False, True])
def test_every_way_gives_the_same_pixels(tiny_folder: Dataset, make: Make, resize: Any, mmap: bool) -> None:
    loader = make(tiny_folder, replace(TUNED, resize=resize, mmap=mmap), preprocessing=STEADY)
    batch = next(iter(loader.epoch(0)))
    image = Image()
    for sample, pixels in zip(batch.ids.tolist(), batch.inputs.numpy(), strict=True):
        expected = image.reference(tiny_folder.payload(sample), STEADY)
        assert image.mismatch(pixels, expected, STEADY) is None


def test_a_mapped_read_touches_its_bytes(tiny_folder: Dataset, make: Make, tmp_path: Path) -> None:
    """Mapping alone costs the same whatever the size."""
    large = _written(tmp_path, {f"{number}.jpg": bytes(3_000_000) for number in range(20)})
    costs = []
    for dataset in (tiny_folder, large):
        loader = make(dataset, replace(TUNED, mmap=True), until=Stage.READ)
        _order(loader, 0)
        begin = tree_cpu_ns()
        delivered = sum(len(_order(loader, epoch)) for epoch in (1, 2, 3))
        costs.append((tree_cpu_ns() - begin) / delivered)
    assert costs[1] > 3 * costs[0]


ODD_NAMES = [
    "with space.jpg",
    "Ünïcödé 文.jpg",
    "UPPER.JPG",
    "many.dots.here.jpeg",
    "quote'\".jpg",
    "a#b?c.jpg",
]


@pytest.mark.parametrize("fmt", ["folder", "wds"])
def test_names_of_any_kind_are_read(tiny_folder: Dataset, make: Make, tmp_path: Path, fmt: str) -> None:
    root = tmp_path / "a folder with ünïcode"
    root.mkdir()
    dataset = _written(root, {name: tiny_folder.payload(row) for row, name in enumerate(ODD_NAMES)})
    if fmt == "wds":
        target = str(tmp_path / "a shard's #1 folder")
        dataset = shard_dataset(dataset.url, target, Sharding(format=fmt, shard_samples=2)).dataset
    for batch in make(dataset, batch_size=4).epoch(0):
        assert batch.labels.tolist() == dataset.index.label[batch.ids].tolist()
    assert sorted(_order(make(dataset, until=Stage.DECODE), 0).tolist()) == list(range(len(ODD_NAMES)))


def _written(root: Path, payloads: dict[str, bytes]) -> Dataset:
    for name, payload in payloads.items():
        (root / name).write_bytes(payload)
    index = _index(payloads)
    made = Dataset(
        url=str(root),
        root=str(root),
        kind="image",
        format="folder",
        classes=("even", "odd"),
        samples=len(index),
        payload_bytes=int(index.size.sum()),
        content_id=content_id(index),
    )
    write_dataset(made, index)
    return open_dataset(str(root))


def _index(payloads: dict[str, bytes]) -> Index:
    names = list(payloads)
    return make_index(
        key=names,
        member=names,
        shard=[-1] * len(names),
        offset=[0] * len(names),
        size=[len(payload) for payload in payloads.values()],
        label=[row % 2 for row in range(len(names))],
        hash=[xxhash.xxh3_64_intdigest(payload) for payload in payloads.values()],
    )


def _damaged(dataset: Dataset, tmp_path: Path, damage: Callable[[Path], None]) -> Dataset:
    """A copy of the dataset whose first file was damaged."""
    root = tmp_path / "damaged"
    shutil.copytree(dataset.root, root)
    first = dataset.shards[0].name if dataset.shards else str(dataset.index.member[0])
    damage(root / first)
    return replace(dataset, url=str(root), root=str(root))


def _cut_short(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(
    ("fmt", "damage", "sentence"),
    [
        ("folder", _cut_short, "Failed to decode sample"),
        ("folder", Path.unlink, "Could not open file"),
        ("folder", lambda path: path.write_bytes(b"no picture"), "nvImageCodec failure"),
        ("wds", _cut_short, "Error reading from a file"),
        ("wds", Path.unlink, "cannot use a sample"),
    ],
)
def test_damaged_data_is_one_sentence(
    tiny_folder: Dataset, tiny_wds: Dataset, make: Make, tmp_path: Path, fmt: str, damage: Any, sentence: str
) -> None:
    dataset = _damaged({"folder": tiny_folder, "wds": tiny_wds}[fmt], tmp_path, damage)
    with pytest.raises(BadInput, match=sentence) as caught:
        _order(make(dataset), 0)
    assert "\n" not in str(caught.value)


TRACEBACK = """Critical error in pipeline:
Error in CPU operator `nvidia.dali.fn.{operator}`,
which was used in the pipeline definition with the following traceback:

  File "dali.py", line 145, in _build

encountered:

Assert on "a != b" failed: {cause}
C++ context: [/opt/dali/x.cc:1]
Current pipeline object is no longer valid.
"""


def test_failures_are_explained_by_their_operator() -> None:
    reading = explained(RuntimeError(TRACEBACK.format(operator="readers.file", cause="no file x")))
    assert isinstance(reading, BadInput)
    assert str(reading) == "DALI cannot use a sample: no file x; index the dataset again"
    resizing = explained(RuntimeError(TRACEBACK.format(operator="resize", cause="too large")))
    assert type(resizing) is RuntimeError
    assert str(resizing) == "too large"
    unknown = RuntimeError("something else")
    assert explained(unknown) is unknown
