"""One shard: a task that knows all it needs. Whether the file is there is looked at elsewhere."""

import io
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import BinaryIO, cast

from pipebench.dataset import Shard
from pipebench.files import join, why

from .content import decoder
from .faults import Fault, limited
from .idx import IdxCheck, idx_name
from .index import Extent
from .parquet import Table, TableCheck, footer
from .reading import BLOCK, Hashed
from .stored import Stored, stored
from .tar import Tar, TarCheck

LARGEST_IDX = 1_000_000_000
"""Bytes. An index that is larger is hashed, but not compared with its tar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """What the index says of a shard, and how its payloads are looked at."""

    index: str
    """A local path."""
    extent: Extent
    kind: str
    classes: tuple[str, ...]
    label: str | None
    """The column of labels that was asked for when others' tables were indexed."""
    allow_large: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardTask:
    """A shard that is to be checked."""

    root: str
    format: str
    number: int
    """Its position in the dataset."""
    shard: Shard
    size: int
    """Bytes that the file has, as it was listed; below 0 where there is none."""
    idx_size: int | None
    """The same of the DALI index beside it; None where there ought to be none."""
    samples: Samples | None
    """None to look at the file as a whole only."""

    @property
    def url(self) -> str:
        return join(self.root, self.shard.name)

    @property
    def has_work(self) -> bool:
        """Whether anything can be told from the files' contents."""
        return self.samples is not None or self.ours or self.format == "parquet"

    @property
    def ours(self) -> bool:
        """Whether pipebench wrote it."""
        return self.shard.sha256 is not None


def check_shard(task: ShardTask) -> list[Fault]:
    """What is wrong with it."""
    return limited(_faults(task), task.shard.name)


def _faults(task: ShardTask) -> Iterator[Fault]:
    idx: bytes | None = None
    try:
        if task.idx_size is not None and task.idx_size >= 0:
            idx = yield from _idx(task, task.idx_size)
        if task.size < 0:
            return
        hashed = Hashed(task.url, task.size)
        with io.BufferedReader(hashed, BLOCK) as reader:
            yield from _content(task, cast(BinaryIO, reader), idx)
            if task.ours and task.size == task.shard.size and hashed.sha256() != task.shard.sha256:
                yield Fault(task.shard.name, None, None, "its SHA-256 is not the recorded one")
    except OSError as error:
        yield Fault(task.shard.name, None, None, f"it cannot be read: {why(error)}")


def _idx(task: ShardTask, size: int) -> Generator[Fault, None, bytes | None]:
    """Returns its content if its SHA-256 is the recorded one."""
    name = idx_name(task.shard.name)
    with closing(Hashed(join(task.root, name), size)) as hashed:
        if hashed.sha256() != task.shard.idx_sha256:
            yield Fault(name, None, None, "its SHA-256 is not the recorded one")
            return None
        hashed.seek(0)
        return hashed.readall() if task.samples and size <= LARGEST_IDX else None


def _content(task: ShardTask, file: BinaryIO, idx: bytes | None) -> Iterator[Fault]:
    if task.format == "parquet":
        yield from _table(task, file)
    elif task.samples is not None:
        yield from _tar(task, task.samples, file, idx)


def _stored(task: ShardTask, samples: Samples) -> Iterator[Stored]:
    return stored(samples.index, task.number, samples.extent, in_rows=task.format == "parquet")


def _tar(task: ShardTask, samples: Samples, file: BinaryIO, idx: bytes | None) -> Iterator[Fault]:
    tar = Tar(task.shard.name, file, task.size, task.ours)
    lines = None if idx is None else IdxCheck(idx_name(task.shard.name), idx, task.shard.samples)
    decode = decoder(samples.kind, allow_large=samples.allow_large)
    yield from TarCheck(tar, samples.classes, decode, lines).faults(_stored(task, samples))


def _table(task: ShardTask, file: BinaryIO) -> Iterator[Fault]:
    import pyarrow as pa

    try:
        rows, _ = footer(file)
        if task.ours and rows != task.shard.samples:
            text = f"it has {rows} rows, and the description says {task.shard.samples}"
            yield Fault(task.shard.name, None, None, text)
        if task.samples is not None:
            yield from _rows(task, task.samples, file)
    except (ValueError, KeyError, MemoryError, pa.ArrowException) as error:
        yield Fault(task.shard.name, None, None, f"it is no whole Parquet file: {why(error)}")


def _rows(task: ShardTask, samples: Samples, file: BinaryIO) -> Iterator[Fault]:
    name, kind = task.shard.name, samples.kind
    table = Table(name, task.url, file, task.size, kind, task.ours, samples.label)
    decode = decoder(samples.kind, allow_large=samples.allow_large)
    yield from TableCheck(table, samples.classes, decode).faults(_stored(task, samples))
