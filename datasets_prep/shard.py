"""`pipebench data shard`: the samples of a dataset as shards, with their payloads verbatim.

A plan cuts the samples, in the order of their ids, into shards; each shard is a task that knows all
it needs, run by a few processes; the description is written when all are done.
"""

import math
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipebench.dataset import Dataset, write_dataset
from pipebench.errors import BadInput, unknown
from pipebench.files import local_path
from pipebench.index import content_id, make_index
from pipebench.progress import track

from ._processes import run_tasks
from ._target import new_folder
from .formats import wds
from .formats.shards import Row, ShardTask, Written

SHARD_BYTES = 256_000_000
"""WebDataset's documentation recommends shards of some 256 MB to a few GB."""
FEWEST_SHARDS = 16
"""A small dataset gets smaller shards instead, since every reading process needs one of its own."""


class _Format(NamedTuple):
    write: Callable[[ShardTask], Written]
    sample_bytes: Callable[[int], int]
    suffix: str


FORMATS: Mapping[str, _Format] = {wds.FORMAT: _Format(wds.write_shard, wds.sample_bytes, wds.SUFFIX)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharding:
    """How to cut: by bytes or by samples a shard; by neither, evenly into a fitting number."""

    format: str
    shard_bytes: int | None = None
    shard_samples: int | None = None

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise unknown("shard format", self.format, FORMATS)
        if self.shard_bytes and self.shard_samples:
            raise BadInput("give the shards' size in bytes or in samples, not both")
        if self.shard_samples is not None and self.shard_samples < 1:
            raise BadInput(f"a shard must hold at least 1 sample, not {self.shard_samples}")


def shard_dataset(source: Dataset, target: Path, sharding: Sharding, workers: int = 1) -> Dataset:
    """Writes the shards into `target`, which must not exist or be empty; `dataset.json` comes last."""
    _refuse_overlap(source, target)
    with new_folder(target):
        tasks = _plan(source, target, sharding)
        with closing(_write(tasks, FORMATS[sharding.format], workers)) as shards:
            written = list(track(shards, len(tasks), "Writing shards"))
        return _describe(source, target, sharding, written)


def _refuse_overlap(source: Dataset, target: Path) -> None:
    resolved = target.resolve()
    for folder in {Path(local_path(source.url)).resolve(), source.local_root().resolve()}:
        if resolved == folder:
            raise BadInput(f"{target} is the dataset that is to be sharded; name another folder")
        if resolved.is_relative_to(folder):
            raise BadInput(f"{target} lies inside the dataset {folder}; name a folder outside it")


def _plan(source: Dataset, target: Path, sharding: Sharding) -> list[ShardTask]:
    form = FORMATS[sharding.format]
    return [
        ShardTask(folder=target, name=f"shard-{number:06d}{form.suffix}", rows=_rows(source, first, end))
        for number, (first, end) in enumerate(pairwise(_cuts(source, sharding)))
    ]


def _cuts(source: Dataset, sharding: Sharding) -> list[int]:
    """The first id of each shard, and the number of samples."""
    if sharding.shard_samples:
        return [*range(0, source.samples, sharding.shard_samples), source.samples]
    sizes = [FORMATS[sharding.format].sample_bytes(size) for size in source.index.size.tolist()]
    if sharding.shard_bytes:
        return [*_cuts_by_bytes(sizes, sharding.shard_bytes), source.samples]
    shards = max(math.ceil(sum(sizes) / SHARD_BYTES), min(FEWEST_SHARDS, source.samples))
    return [source.samples * number // shards for number in range(shards + 1)]


def _cuts_by_bytes(sizes: Sequence[int], limit: int) -> Iterator[int]:
    """Where to cut so that no shard is above the limit, unless a single sample is."""
    room = 0
    for position, size in enumerate(sizes):
        if position == 0 or size > room:
            yield position
            room = limit
        room -= size


def _rows(source: Dataset, first: int, end: int) -> list[Row]:
    index, root, part = source.index, source.local_root(), slice(first, end)
    numbers = (index.shard, index.offset, index.size, index.label, index.hash)
    texts = (index.key[part].to_pylist(), index.member[part].to_pylist())
    return [
        Row(
            key=key,
            path=root / (member if shard < 0 else source.shards[shard].name),
            offset=offset,
            size=size,
            label=label,
            hash=hash_,
            extension=_extension(member, in_tar=shard >= 0),
        )
        for key, member, shard, offset, size, label, hash_ in zip(
            *texts, *(column[part].tolist() for column in numbers), strict=True
        )
    ]


def _extension(member: str, *, in_tar: bool) -> str:
    """A key ends at its basename's first dot in a tar, at its last in a folder."""
    base = member.rpartition("/")[2].lower()
    return base.partition(".")[2] if in_tar else base.rpartition(".")[2]


def _write(tasks: list[ShardTask], form: _Format, workers: int) -> Generator[Written, None, None]:
    yield from run_tasks(form.write, tasks, min(workers, len(tasks)))


def _describe(source: Dataset, target: Path, sharding: Sharding, written: Sequence[Written]) -> Dataset:
    index = make_index(
        key=source.index.key,
        member=[member for part in written for member in part.members],
        shard=_repeated(written),
        offset=[offset for part in written for offset in part.offsets],
        size=source.index.size,
        label=source.index.label,
        hash=source.index.hash,
    )
    made = {"command": "shard", "shard_bytes": sharding.shard_bytes, "shard_samples": sharding.shard_samples}
    dataset = Dataset(
        url=str(target),
        root=str(target),
        kind=source.kind,
        format=sharding.format,
        classes=source.classes,
        samples=source.samples,
        payload_bytes=source.payload_bytes,
        content_id=content_id(index),
        shards=tuple(part.shard for part in written),
        made=made | {"source": dict(source.made)},
    )
    write_dataset(dataset, index)
    return dataset


def _repeated(written: Sequence[Written]) -> NDArray[np.int32]:
    """For each sample its shard's position."""
    return np.repeat(np.arange(len(written), dtype=np.int32), [part.shard.samples for part in written])
