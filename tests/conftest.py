"""What many tests share: datasets, records, and loaders that misbehave.

`tiny_folder` and `tiny_wds` hold 96 synthetic photographs of 50 kB on average in 3 classes, some of
them greyscale or progressive; `tiny_wds` has 6 shards of 16. Tests must not write to them.
"""

import shutil
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash

from pipebench.dataset import Dataset, Shard, open_dataset, write_dataset
from pipebench.datasets_prep.formats import FORMATS
from pipebench.datasets_prep.formats.contract import (
    Extra,
    Part,
    Placed,
    PlacedPart,
    Row,
    Sample,
    Shared,
    Sink,
)
from pipebench.datasets_prep.formats.names import field_of
from pipebench.datasets_prep.shard import Sharding, shard_dataset
from pipebench.datasets_prep.synth import Synthesis, synthesise
from pipebench.index import content_id, make_index
from pipebench.measure import Look, Trace
from pipebench.results import Record, TrialSpec
from tests.faulty_proxy import faulty  # noqa: F401 - a fixture
from tests.seaweed import bucket, seaweed  # noqa: F401 - fixtures
from tests.verifying import verify_copy, verify_originals  # noqa: F401 - fixtures

MS = 1_000_000
SPEC = TrialSpec(
    purpose="measure",
    loader="fake",
    options={},
    python=sys.executable,
    data="data",
    batch_size=4,
    preprocessing={},
    shuffle=True,
    drop_last=False,
    seed=0,
    cpus=[0],
    device="cpu",
    step="null",
    until="batch",
    seconds=0.2,
    cache="warm",
)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    synthesis = Synthesis(samples=96, seed=5, classes=3, mean_bytes=50_000)
    made: Dataset = synthesise(tmp_path_factory.mktemp("tiny_folder"), synthesis)
    return made


@pytest.fixture(scope="session")
def tiny_wds(tiny_folder: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    sharding = Sharding(format="wds", shard_samples=16)
    target = str(tmp_path_factory.mktemp("tiny_wds"))
    made: Dataset = shard_dataset(tiny_folder.url, target, sharding).dataset
    return made


@pytest.fixture(scope="session")
def tiny_parquet(
    tiny_folder: Dataset, make_parquet: Callable[..., Dataset], tmp_path_factory: pytest.TempPathFactory
) -> Dataset:
    return make_parquet(tiny_folder, tmp_path_factory.mktemp("tiny_parquet"), rows=[16] * 6)


@pytest.fixture(scope="session")
def make_parquet() -> Callable[..., Dataset]:
    """`make_parquet(dataset, root, rows, group=7, **options)`: its samples as Parquet shards of so many rows.

    `options` are the writer's. Without any, payloads lie as they are and the index says where; with some
    it leaves that to the reader.
    """

    def make(dataset: Dataset, root: Path, rows: Sequence[int], group: int = 7, **options: Any) -> Dataset:
        shards, offsets, begin = [], [], 0
        for number, count in enumerate(rows):
            payloads = [dataset.payload(sample) for sample in range(begin, begin + count)]
            path = root / f"{number}.parquet"
            _write_parquet(path, payloads, group, options or VERBATIM)
            offsets += [-1] * count if options else _offsets(path, payloads, group)
            shards.append(Shard(name=path.name, samples=count, size=path.stat().st_size, sha256=None))
            begin += count
        index = make_index(
            key=dataset.index.key.to_pylist()[:begin],
            member=["image"] * begin,
            shard=[number for number, count in enumerate(rows) for _ in range(count)],
            row=[row for count in rows for row in range(count)],
            offset=offsets,
            size=dataset.index.size[:begin],
            label=dataset.index.label[:begin],
            hash=dataset.index.hash[:begin],
        )
        made = replace(
            dataset, url=str(root), root=str(root), format="parquet", shards=tuple(shards), samples=begin
        )
        write_dataset(made, index)
        return open_dataset(str(root))

    return make


VERBATIM: dict[str, Any] = {
    "compression": "none",
    "use_dictionary": False,
    "data_page_size": 1 << 30,
    "write_batch_size": 1 << 20,
}


def _write_parquet(path: Path, payloads: Sequence[bytes], group: int, options: dict[str, Any]) -> None:
    image = pa.field("image", pa.binary(), nullable=False)
    schema = pa.schema([("caption", pa.string()), image, ("number", pa.int64())])
    columns = [[f"no. {row}" for row in range(len(payloads))], payloads, range(len(payloads))]
    table = pa.table([pa.array(column) for column in columns], schema=schema)
    pq.write_table(table, path, row_group_size=group, **options)


def _offsets(path: Path, payloads: Sequence[bytes], group: int) -> list[int]:
    """Of each payload: each after its length in 4 bytes, they come last in their row group's column."""
    footer, offsets = pq.read_metadata(path), []
    for number in range(footer.num_row_groups):
        column = footer.row_group(number).column(1)
        at = column.data_page_offset + column.total_compressed_size
        for payload in reversed(payloads[number * group : (number + 1) * group]):
            at -= len(payload)
            offsets.append(at)
            at -= 4
        offsets[number * group :] = reversed(offsets[number * group :])
    return offsets


@pytest.fixture
def spec() -> TrialSpec:
    """A trial's spec; `dataclasses.replace` makes another of it."""
    return SPEC


@pytest.fixture(scope="session")
def make_trace() -> Callable[..., Trace]:
    """`make_trace(gaps_ms, sizes=10, epochs=(0,), step_ms=0)`: a trace from the gaps between arrivals.

    The first batch arrives 500 ms after it was asked for. Looks come at each batch from the second on;
    they see 0.5 s of CPU time a second in the tree, and 0.52 s in the host.
    """

    def make(
        gaps_ms: Sequence[float],
        sizes: int | Sequence[int] = 10,
        epochs: Sequence[int] = (0,),
        step_ms: float = 0,
    ) -> Trace:
        got = [int(at * MS) for at in accumulate([500, *gaps_ms])]
        asked = [0, *(at + int(step_ms * MS) for at in got[:-1])]
        counts = [sizes] * len(got) if isinstance(sizes, int) else list(sizes)
        looks = [Look(i + 1, at, at // 2, at * 52 // 100) for i, at in enumerate(got)]
        return Trace(array("q", asked), array("q", got), array("q", counts), list(epochs), looks)

    return make


@pytest.fixture(scope="session")
def make_record(make_trace: Callable[..., Trace]) -> Callable[..., Record]:
    """`make_record(rate=100, contestant="a", block=0, step="null", **fields)`: a trial at so many samples/s.

    Its 40 batches of 10 samples come at equal gaps, after a start-up of 3 s.
    """

    def make(
        rate: float = 100, contestant: str = "a", block: int = 0, step: str = "null", **fields: Any
    ) -> Record:
        loader = fields.pop("loader", contestant.partition(":")[0])
        ok = fields.get("status", "ok") == "ok" and block >= 0
        raw: dict[str, Any] = {
            "run": "r",
            "contestant": contestant,
            "block": block,
            "spec": replace(SPEC, loader=loader, step=step),
            "status": "ok",
            "format": "folder",
            "times_ns": {
                "spawned": 0,
                "imported": 1000 * MS,
                "step_ready": 3000 * MS,
                "loader_ready": 5000 * MS,
            },
            "trace": make_trace([10_000 / rate] * 39) if ok else None,
            "cache": {"asked": "warm", "transport": "block", "filesystem": "ext4", "resident": None}
            | {"bytes_read": 0, "payload_bytes": 1000},
        }
        return Record(**(raw | fields))

    return make


@pytest.fixture
def make_dataset(tmp_path: Path) -> Callable[..., Dataset]:
    """`make_dataset(name, samples=12, format="folder", salt="")`: a folder of payloads that are text."""

    def make(name: str = "data", samples: int = 12, format: str = "folder", salt: str = "") -> Dataset:  # noqa: A002
        root = tmp_path / name
        root.mkdir()
        members = [f"{number}.jpg" for number in range(samples)]
        for member in members:
            (root / member).write_text(salt + member)
        index = make_index(
            key=[f"{salt}{member}" for member in members],
            member=members,
            shard=[-1] * samples,
            offset=[0] * samples,
            size=[len(salt + member) for member in members],
            label=[0] * samples,
            hash=range(samples),
        )
        made = Dataset(
            url=str(root),
            root=str(root),
            kind="image",
            format=format,
            classes=("only",),
            samples=samples,
            payload_bytes=int(index.size.sum()),
            content_id=content_id(index),
        )
        write_dataset(made, index)
        return made

    return make


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Makes a working folder that holds the module `fake_loaders`, whose name it returns."""
    shutil.copy(Path(__file__).with_name("fake_loaders.py"), tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "fake_loaders", raising=False)
    return "fake_loaders"


@pytest.fixture(scope="session")
def lay_out() -> Callable[..., list[Row]]:
    """`lay_out(folder, format, samples, classes=("c0", "c1"), name="s")`: writes the samples.

    As one shard of that name, for all extras' fields that occur. Returns the rows that read them again.
    """

    def write(
        folder: Path,
        format: str,  # noqa: A002
        samples: Iterable[Sample],
        classes: Sequence[str] = ("c0", "c1"),
        name: str = "s",
    ) -> list[Row]:
        form, samples = FORMATS[format], list(samples)
        fields = sorted({extra.field for sample in samples for extra in sample.extras})
        file, shared = f"{name}{form.suffix}", Shared("image", tuple(classes), tuple(fields))
        placed = form.write(samples, _Shelf(folder), file, shared)
        shard = str(folder / file) if form.suffix else None
        return [_row(folder, format, shard, *pair) for pair in zip(samples, placed, strict=True)]

    return write


class _Shelf:
    """A place whose files appear at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def file(self, name: str, *, digest: bool = True) -> Iterator[Sink]:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            yield Sink(file, digest=digest)


def _row(folder: Path, format: str, shard: str | None, sample: Sample, placed: Placed) -> Row:  # noqa: A002
    def part(field: str, where: PlacedPart, digest: int) -> Part:
        url = shard or str(folder / where.member)
        return Part(field, where.member, url, where.offset, where.size, digest, placed.row)

    payload = part(field_of(sample.key, placed.payload.member, format), placed.payload, sample.hash)
    extras = [
        part(extra.field, where, extra.hash)
        for extra, where in zip(sample.extras, placed.extras, strict=True)
    ]
    return Row(sample.key, sample.label, payload, tuple(extras))


@pytest.fixture(scope="session")
def make_sample() -> Callable[..., Sample]:
    """`make_sample(key, label=0, payload=b"payload", field="jpg", **extras)`: a sample with its hashes."""

    def make(
        key: str, label: int = 0, payload: bytes = b"payload", field: str = "jpg", **extras: bytes
    ) -> Sample:
        digest = xxhash.xxh3_64_intdigest
        further = tuple(Extra(name, extras[name], digest(extras[name])) for name in sorted(extras))
        return Sample(key, label, field, payload, digest(payload), further)

    return make
