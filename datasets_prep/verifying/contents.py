"""The files' contents: tasks for those that are there, and who runs them."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain

from pipebench.dataset import Dataset

from .._processes import run_tasks
from .._tally import HERE, Tally
from .columns import read_batches
from .faults import Fault
from .files import Sizes
from .folder import check_files, folder_tasks
from .index import Extent
from .shard import Samples, ShardTask, check_shard


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What to check, and how."""

    url: str
    full: bool = False
    allow_large: bool = False
    """Whether payloads whose decoding could exhaust the memory are decoded."""
    workers: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """An index that agrees with itself well enough to be followed."""

    path: str
    """A local one."""
    extents: Sequence[Extent]
    """Of each shard."""


def content_faults(
    task: Verification, dataset: Dataset, index: Indexed | None, sizes: Sequence[Sizes], tally: Tally
) -> Iterator[Fault]:
    """What is wrong within the files, in their order; `sizes` are those that the shards' files have."""
    if dataset.format == "folder":
        if task.full and index is not None:
            tasks = folder_tasks(
                read_batches(index.path), dataset.root, dataset.kind, allow_large=_allows_large(task, dataset)
            )
            yield from chain.from_iterable(run_tasks(check_files, tasks, task.workers, tally))
    elif task.full:
        shards = _shard_tasks(task, dataset, index, sizes)
        yield from chain.from_iterable(run_tasks(check_shard, shards, task.workers, tally))
    else:
        shards = (shard for shard in _shard_tasks(task, dataset, None, sizes) if shard.has_work)
        yield from _in_threads(shards, task.workers, tally)


def _in_threads(tasks: Iterable[ShardTask], workers: int, tally: Tally) -> Iterator[Fault]:
    """Hashing lets other threads run, and processes would take longer to start than most of it takes."""
    HERE.report_to(tally)
    with ThreadPoolExecutor(workers) as threads:
        yield from chain.from_iterable(threads.map(check_shard, tasks))


def _shard_tasks(
    task: Verification, dataset: Dataset, index: Indexed | None, sizes: Sequence[Sizes]
) -> Iterator[ShardTask]:
    for number, (shard, (size, idx_size)) in enumerate(zip(dataset.shards, sizes, strict=True)):
        yield ShardTask(
            root=dataset.root,
            format=dataset.format,
            number=number,
            shard=shard,
            size=size,
            idx_size=idx_size,
            samples=None if index is None else _samples(task, dataset, index, number),
        )


def _samples(task: Verification, dataset: Dataset, index: Indexed, shard: int) -> Samples:
    asked = dataset.made.get("label")
    return Samples(
        index=index.path,
        extent=index.extents[shard],
        kind=dataset.kind,
        classes=dataset.classes,
        label=None if asked is None else str(asked),
        allow_large=_allows_large(task, dataset),
    )


def _allows_large(task: Verification, dataset: Dataset) -> bool:
    """Asked for now, or when the dataset was indexed."""
    return task.allow_large or dataset.made.get("allow_large") is True
