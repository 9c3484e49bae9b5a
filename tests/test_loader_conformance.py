"""What every registered loader must do, whoever wrote it.

The ceiling repeats one batch, and is no contestant: it need not deliver each sample. Datasets are small and
pictures smaller, since starting workers takes most of the time.
"""

import gc
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xxhash
from numpy.typing import NDArray
from PIL import Image as Pillow

from pipebench import registry
from pipebench.contract import Loader, Placement, Stage, Unsupported, Workload
from pipebench.dataset import Dataset, open_dataset, write_dataset
from pipebench.datasets_prep.shard import Sharding, shard_dataset
from pipebench.deliveries import check_batch, check_ids, check_sizes
from pipebench.index import content_id, make_index
from pipebench.kinds import kind
from pipebench.kinds.image import ImagePreprocessing
from pipebench.resources import tree, tree_cpu_ns
from pipebench.results import CEILING
from pipebench.same_work import prove

EVERYONE = [
    (name, fmt)
    for name in registry.names(registry.LOADERS)
    for fmt in sorted(registry.loader(name).formats & {"folder", "wds", "parquet"})
]
CONTESTANTS = [case for case in EVERYONE if case[0] != CEILING]
CUTS = [stage for stage in Stage if stage is not Stage.BATCH]
SAMPLES = 61
"""A prime: no batch size and no number of ranks divides it."""
SHARD_SAMPLES = 7
CORES = 2
DEVICE = os.environ.get("PIPEBENCH_TEST_DEVICE", "cpu")
"""`make gpu-check` runs this suite on `cuda`."""

ALONE = Placement(cores=CORES, device=DEVICE)

everyone = pytest.mark.parametrize(("name", "fmt"), EVERYONE)
contestants = pytest.mark.parametrize(("name", "fmt"), CONTESTANTS)
"""For what may depend on where samples are read from; for the rest one format tells enough."""
everyone_once = pytest.mark.parametrize(("name", "fmt"), list({case[0]: case for case in EVERYONE}.values()))
contestants_once = pytest.mark.parametrize(
    ("name", "fmt"), list({case[0]: case for case in CONTESTANTS}.values())
)


def _jpeg(picture: Pillow.Image, comment_bytes: int = 0) -> bytes:
    """A JPEG with comment segments, which decoders skip, of so many bytes in all."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90)
    payload, segments = file.getvalue(), b""
    while comment_bytes > len(segments):
        segments += b"\xff\xfe\xff\xff" + bytes(65_533)
    return payload[:2] + segments + payload[2:]


def _noise(sample: int) -> Pillow.Image:
    """A picture like no other; every fifth is grey."""
    generator = np.random.default_rng(sample)
    coarse = Pillow.fromarray(generator.integers(0, 256, (6, 8, 3), np.uint8))
    picture = coarse.resize((60 + sample % 7, 45 + sample % 5), Pillow.Resampling.BICUBIC)
    return picture.convert("L") if sample % 5 == 0 else picture


Build = Callable[..., Dataset]


@pytest.fixture(scope="module")
def dataset_of(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """`dataset_of(format, payloads)`: these payloads as a dataset, made once for each name and format."""
    made: dict[tuple[str, str], Dataset] = {}

    def build(fmt: str, name: str, payloads: Callable[[], list[bytes]]) -> Dataset:
        if ("folder", name) not in made:
            made["folder", name] = _folder(tmp_path_factory.mktemp(name), payloads())
        if (fmt, name) not in made:
            target = str(tmp_path_factory.mktemp(f"{name}-{fmt}"))
            sharding = Sharding(format=fmt, shard_samples=SHARD_SAMPLES)
            made[fmt, name] = shard_dataset(made["folder", name].url, target, sharding).dataset
        return made[fmt, name]

    return build


def _folder(root: Path, payloads: list[bytes]) -> Dataset:
    labels = np.arange(len(payloads)) * 7 % 3
    keys = [f"class {label}/{sample:03d}" for sample, label in enumerate(labels)]
    for label in set(labels.tolist()):
        (root / f"class {label}").mkdir()
    for key, payload in zip(keys, payloads, strict=True):
        (root / f"{key}.jpg").write_bytes(payload)
    index = make_index(
        key=keys,
        member=[f"{key}.jpg" for key in keys],
        shard=[-1] * len(keys),
        offset=[0] * len(keys),
        size=[len(payload) for payload in payloads],
        label=labels,
        hash=[xxhash.xxh3_64_intdigest(payload) for payload in payloads],
    )
    made = Dataset(
        url=str(root),
        root=str(root),
        kind="image",
        format="folder",
        classes=("class 0", "class 1", "class 2"),
        samples=len(keys),
        payload_bytes=sum(map(len, payloads)),
        content_id=content_id(index),
    )
    write_dataset(made, index)
    return open_dataset(str(root))


@pytest.fixture
def tiny(request: pytest.FixtureRequest) -> Callable[[str], Dataset]:
    """`tiny(format)`: synthetic photographs."""
    return lambda fmt: request.getfixturevalue(f"tiny_{fmt}")


@pytest.fixture
def pictures(dataset_of: Build) -> Callable[..., Dataset]:
    """`pictures(format, samples)`: small pictures of many sizes."""
    return lambda fmt, samples=SAMPLES: dataset_of(
        fmt, f"pictures-{samples}", lambda: [_jpeg(_noise(sample)) for sample in range(samples)]
    )


def _workload(dataset: Dataset, **changes: Any) -> Workload:
    base: dict[str, Any] = {"batch_size": 8, "preprocessing": ImagePreprocessing(size=32)}
    return Workload(dataset=dataset, **(base | changes))


def _load(
    name: str, workload: Workload, placement: Placement | None = None, until: Stage = Stage.BATCH
) -> Any:
    """The loader in a `with`, which closes it."""
    return closing(_make(name, workload, placement or ALONE, until))


def _make(
    name: str,
    workload: Workload,
    placement: Placement,
    until: Stage = Stage.BATCH,
    preset: str = "tuned",
) -> Loader:
    factory = registry.loader(name)
    settings = getattr(factory.settings, preset)(placement)
    return factory(workload, placement, until=until, settings=settings)


def _epoch(loader: Loader, number: int, workload: Workload) -> NDArray[np.int64]:
    """The ids of a complete epoch, batch sizes checked."""
    came = [batch.ids.copy() for batch in loader.epoch(number)]
    check_sizes([len(ids) for ids in came], workload.batch_size)
    return np.concatenate([*came, np.empty(0, np.int64)])


@contestants
@pytest.mark.parametrize("world_size", [1, 2, 3])
@pytest.mark.parametrize("changes", [{}, {"drop_last": True}, {"shuffle": False}])
def test_each_sample_comes_once(
    pictures: Build, name: str, fmt: str, world_size: int, changes: dict[str, Any]
) -> None:
    workload = _workload(pictures(fmt), **changes)
    epochs: list[list[Any]] = [[], []]
    for rank in range(world_size):
        with _load(name, workload, replace(ALONE, rank=rank, world_size=world_size)) as loader:
            for number, ranks in enumerate(epochs):
                ranks.append(_epoch(loader, number, workload))
    for ranks in epochs:
        check_ids(ranks, workload, complete=True)


@contestants_once
@pytest.mark.parametrize("drop_last", [False, True])
def test_a_batch_may_be_larger_than_the_dataset(
    pictures: Build, name: str, fmt: str, drop_last: bool
) -> None:
    workload = _workload(pictures(fmt), batch_size=SAMPLES + 3, drop_last=drop_last)
    with _load(name, workload) as loader:
        sizes = [len(batch.ids) for batch in loader.epoch(0)]
    assert sizes == ([] if drop_last else [SAMPLES])


@contestants
def test_there_may_be_fewer_samples_than_ranks(pictures: Build, name: str, fmt: str) -> None:
    """A loader that deals out whole shards may refuse, but none may deliver something else."""
    workload = _workload(pictures(fmt, 2))
    ranks = []
    for rank in range(3):
        try:
            with _load(name, workload, replace(ALONE, rank=rank, world_size=3)) as loader:
                ranks.append(_epoch(loader, 0, workload))
        except Unsupported as refusal:
            assert "shard" in str(refusal)
            return
    check_ids(ranks, workload, complete=True)


@contestants
def test_an_abandoned_epoch_leaves_the_next_complete(pictures: Build, name: str, fmt: str) -> None:
    workload = _workload(pictures(fmt))
    with _load(name, workload) as loader:
        for number, batches in enumerate((1, 3)):
            epoch = iter(loader.epoch(number))
            for _ in range(batches):
                next(epoch)
        for number in (2, 3):
            check_ids([_epoch(loader, number, workload)], workload, complete=True)


@contestants_once
def test_two_ranks_of_the_documented_preset_share_no_randomness(
    tiny: Callable[[str], Dataset], name: str, fmt: str
) -> None:
    proof = prove(
        lambda workload, placement: _make(name, workload, placement, preset="documented"),
        _workload(tiny(fmt), batch_size=20),
        replace(ALONE, world_size=2),
    )
    assert (proof.fault, proof.random) == (None, "proved")


@everyone
def test_closing_twice_or_in_an_epoch_leaves_nothing(
    pictures: Build, name: str, fmt: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workload = _workload(pictures(fmt))
    with _load(name, workload) as loader:  # starts and writes what libraries do once in a process
        _epoch(loader, 0, workload)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = _held()
    loader = _make(name, workload, ALONE)
    epoch = iter(loader.epoch(0))
    next(epoch)
    loader.close()
    loader.close()
    del loader, epoch
    gc.collect()
    processes, threads, named = _held()
    assert processes == before[0]
    assert threads <= before[1]
    assert named == before[2]
    assert not list(tmp_path.iterdir())


def _held() -> tuple[list[int], int, list[str]]:
    """Processes, threads of any kind, and names in shared memory."""
    threads = len(list(Path("/proc/self/task").iterdir()))
    return tree(os.getpid()), threads, sorted(path.name for path in Path("/dev/shm").iterdir())


@everyone_once
def test_a_format_that_it_does_not_read_is_unsupported(pictures: Build, name: str, fmt: str) -> None:
    workload = _workload(replace(pictures(fmt), format="papyrus"))
    with pytest.raises(Unsupported, match="papyrus"):
        _make(name, workload, ALONE)


@everyone_once
@pytest.mark.parametrize("recipe", ["train", "check"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("layout", ["contiguous", "channels_last"])
def test_batches_are_as_asked(
    pictures: Build, name: str, fmt: str, recipe: Any, dtype: Any, layout: Any
) -> None:
    asked = ImagePreprocessing(size=32, recipe=recipe, dtype=dtype, layout=layout)
    workload, placement = _workload(pictures(fmt), preprocessing=asked), ALONE
    with _load(name, workload, placement) as loader:
        for number, batch in enumerate(loader.epoch(0)):
            check_batch(number, batch, workload, placement, kind("image"))


@contestants
@pytest.mark.parametrize("preset", ["tuned", "documented"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_the_work_is_the_same(
    tiny: Callable[[str], Dataset], name: str, fmt: str, preset: str, dtype: Any
) -> None:
    """On photographs, whose content tells filters apart; `channels_last` goes with `float32`."""
    layout: Any = "contiguous" if dtype == "uint8" else "channels_last"
    workload = _workload(
        tiny(fmt),
        batch_size=20,
        preprocessing=ImagePreprocessing(size=64, dtype=dtype, layout=layout),
    )
    proof = prove(
        lambda workload, placement: _make(name, workload, placement, preset=preset),
        workload,
        ALONE,
    )
    assert (proof.fault, proof.random) == (None, "proved")


@everyone
@pytest.mark.parametrize("until", CUTS)
def test_a_cut_loader_delivers_ids_alone(pictures: Build, name: str, fmt: str, until: Stage) -> None:
    workload = _workload(pictures(fmt))
    with _load(name, workload, until=until) as loader:
        for batch in loader.epoch(0):
            assert batch.inputs is None
            assert batch.labels is None
            assert batch.ids.dtype == np.int64


@contestants
@pytest.mark.parametrize("until", CUTS)
def test_a_cut_loader_goes_through_every_sample(pictures: Build, name: str, fmt: str, until: Stage) -> None:
    workload = _workload(pictures(fmt))
    with _load(name, workload, until=until) as loader:
        for number in (0, 1):
            check_ids([_epoch(loader, number, workload)], workload, complete=True)


MEASURED = 64
FLAT = Pillow.new("RGB", (160, 120), (90, 140, 60))
LARGE = Pillow.new("RGB", (960, 720), (90, 140, 60))
"""36 times the pixels in about the bytes of the small one: flat areas take next to none."""


def _cpu(name: str, dataset: Dataset, until: Stage, size: int = 32) -> float:
    """CPU seconds a sample over the whole process tree, in warm epochs: the least of three measurements."""
    workload = _workload(dataset, batch_size=16, preprocessing=ImagePreprocessing(size=size))
    with _load(name, workload, until=until) as loader:
        numbers = iter(range(100))
        _epoch(loader, next(numbers), workload)
        return min(_epochs_cpu(loader, numbers, workload) for _ in range(3))


def _epochs_cpu(loader: Loader, numbers: Iterator[int], workload: Workload, epochs: int = 3) -> float:
    begin = tree_cpu_ns()
    delivered = sum(len(_epoch(loader, next(numbers), workload)) for _ in range(epochs))
    return (tree_cpu_ns() - begin) / 1e9 / delivered


SEEN, BEFORE = 1.5, 0.2
"""Planted work multiplies a stage's by at least 4: the cut after the stage must take `SEEN` times the CPU,
and the cut before it must see less than `BEFORE` of what was added."""


@contestants
def test_planted_reading_is_seen(dataset_of: Build, name: str, fmt: str) -> None:
    """A megabyte more in each payload."""
    plain = dataset_of(fmt, "flat", lambda: [_jpeg(FLAT)] * MEASURED)
    planted = dataset_of(fmt, "padded", lambda: [_jpeg(FLAT, 1_000_000)] * MEASURED)
    assert _cpu(name, planted, Stage.READ) > SEEN * _cpu(name, plain, Stage.READ)


@contestants_once
def test_planted_decoding_is_seen(dataset_of: Build, name: str, fmt: str) -> None:
    """More pixels in about as many bytes, most of which are a comment."""
    plain = dataset_of(fmt, "even", lambda: [_jpeg(FLAT, 1)] * MEASURED)
    planted = dataset_of(fmt, "large", lambda: [_jpeg(LARGE, 1)] * MEASURED)
    assert planted.payload_bytes < 1.2 * plain.payload_bytes
    reading, decoding = (
        [_cpu(name, dataset, until) for dataset in (plain, planted)] for until in (Stage.READ, Stage.DECODE)
    )
    assert decoding[1] > SEEN * decoding[0]
    assert reading[1] - reading[0] < BEFORE * (decoding[1] - decoding[0])


@contestants_once
def test_planted_transforming_is_seen(dataset_of: Build, name: str, fmt: str) -> None:
    """A larger result of the same pictures."""
    plain = dataset_of(fmt, "flat", lambda: [_jpeg(FLAT)] * MEASURED)
    decoding, transforming = (
        [_cpu(name, plain, until, size) for size in (32, 448)] for until in (Stage.DECODE, Stage.TRANSFORM)
    )
    assert transforming[1] > SEEN * transforming[0]
    assert decoding[1] - decoding[0] < BEFORE * (transforming[1] - transforming[0])


def test_every_loader_file_is_registered() -> None:
    files = {path.stem for path in Path(__file__).parents[1].joinpath("loaders").glob("[!_]*.py")}
    ours = {
        name
        for name in registry.names(registry.LOADERS)
        if registry.entry(registry.LOADERS, name).module.startswith("pipebench.loaders.")
    }
    assert files == ours, "the entry points of pyproject.toml are stale; reinstall: pip install -e ."


def test_importing_loaders_imports_no_heavy_library() -> None:
    modules = [registry.entry(registry.LOADERS, name).module for name in registry.names(registry.LOADERS)]
    heavy = {"torch", "torchvision", "nvidia", "webdataset", "PIL", "simplejpeg"}
    code = f"import sys, {', '.join(modules)}; print(*sorted({heavy} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == []
