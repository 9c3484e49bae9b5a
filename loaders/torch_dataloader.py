"""PyTorch's DataLoader over images at random places: files of their own, or inside shards by the index.

Tuned: each index that the sampler yields is a whole batch, which one worker decodes straight into a slot
of shared memory. From an object store a batch's payloads come side by side, and the worker's next batches
are fetched meanwhile. Documented: the tutorials' dataset of single PIL images, torchvision's transforms, and
DataLoader's own collation.
"""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipebench.contract import Batch, Loader, Placement, Stage, Unsupported, Workload

from ._ahead import BATCHES, Prepared
from ._checks import pillow_distribution, require
from ._partition import batch_count, batches, share
from ._payload import Payload, Payloads
from ._settings import TorchDataLoaderSettings

if TYPE_CHECKING:
    from ._feed import Feed, Message


class Task(NamedTuple):
    """What a worker is told for one batch."""

    begun: int
    """The epoch in which the workers began; the task is void once that has changed."""
    epoch: int
    ids: NDArray[np.int64]
    then: NDArray[np.int64] | None = None
    """The ids of a batch that the worker gets soon, where it shall begin to fetch them."""


class TorchDataLoader:
    """Reads samples at random places through `torch.utils.data.DataLoader`."""

    formats: ClassVar = frozenset({"folder", "wds", "parquet"})
    libraries: ClassVar = ("torch", "torchvision", "simplejpeg", pillow_distribution())
    fused: ClassVar[tuple[tuple[Stage, ...], ...]] = ()
    settings: ClassVar = TorchDataLoaderSettings

    def __init__(
        self, workload: Workload, placement: Placement, *, until: Stage, settings: TorchDataLoaderSettings
    ) -> None:
        require("torch_dataloader", TorchDataLoader, workload)
        settings.check(workload.dataset.samples, placement)
        if (workload.dataset.index.offset < 0).any():
            raise Unsupported(
                "reads single payloads, and this Parquet holds them encoded; "
                "make shards that hold them as they are with 'pipebench data shard --format parquet'"
            )
        make = _Items if settings.items else _Batches
        self._loader: Loader = make(workload, placement, until, settings)

    def epoch(self, number: int) -> Iterator[Batch]:
        return self._loader.epoch(number)

    def close(self) -> None:
        self._loader.close()


class _Batches:
    """Whole batches, each made by one worker in a slot of shared memory."""

    def __init__(
        self, workload: Workload, placement: Placement, until: Stage, settings: TorchDataLoaderSettings
    ) -> None:
        from ._feed import Feed

        self._feed = Feed(workload, placement, until, settings)
        self._count = batch_count(workload, placement)
        self._ahead = settings.ahead
        dataset = _IndexedBatches(workload, self._feed)
        tasks: Iterable[Task] = _Tasks(workload, placement, self._feed, ahead=settings.ahead)
        self._feed.connect(dataset, tasks if dataset.local else _Announced(tasks, settings.workers))

    def epoch(self, number: int) -> Iterator[Batch]:
        return self._feed.start(self._batches(number))

    def _batches(self, number: int) -> Generator[Batch]:
        with closing(self._feed.received(number, self._count if self._ahead else None)) as received:
            for ids, inputs in received:
                yield self._feed.deliver(ids, inputs)

    def close(self) -> None:
        self._feed.close()


class _Tasks:
    """In the parent: the sampler, whose indices are whole batches, from the feed's epoch on."""

    def __init__(self, workload: Workload, placement: Placement, feed: "Feed", *, ahead: bool) -> None:
        self._workload, self._placement, self._begun = workload, placement, feed.epoch
        self._ahead = ahead and batch_count(workload, placement) > 0

    def __iter__(self) -> Iterator[Task]:
        begun = self._begun.value
        for epoch in count(begun) if self._ahead else (begun,):
            for ids in batches(share(self._workload, self._placement, epoch), self._workload):
                if self._begun.value != begun:
                    return
                yield Task(begun, epoch, ids)


class _Announced:
    """Tasks that name the ids of one that the same worker gets `BATCHES` later: workers take turns."""

    def __init__(self, tasks: Iterable[Task], workers: int) -> None:
        self._tasks, self._distance = tasks, BATCHES * workers

    def __iter__(self) -> Iterator[Task]:
        waiting: deque[Task] = deque()
        for task in self._tasks:
            waiting.append(task)
            if len(waiting) > self._distance:
                yield waiting.popleft()._replace(then=task.ids)
        yield from waiting


class _IndexedBatches:
    """In a worker: a map-style dataset whose items are whole batches."""

    def __init__(self, workload: Workload, feed: "Feed") -> None:
        self._payloads = Payloads(workload.dataset)
        self.local = self._payloads.local
        self._fetch = Prepared(self._payloads.fetch)
        self._ship, self._begun = feed.shipper, feed.epoch

    def __getitem__(self, task: Task) -> "Message":
        ids = task.ids if self._begun.value == task.begun else task.ids[:0]
        return self._ship(self._read(ids, task.then), ids, task.epoch, self._payloads.member)

    def _read(self, ids: NDArray[np.int64], then: NDArray[np.int64] | None) -> Iterator[Payload]:
        """Begins when the first payload is asked for, so that its faults are met by who can ship them."""
        if self.local:
            yield from map(self._payloads.read, ids.tolist())
        elif len(ids):
            yield from self._fetch(ids, then)


class _Items:
    """Single samples, as the tutorials have them."""

    def __init__(
        self, workload: Workload, placement: Placement, until: Stage, settings: TorchDataLoaderSettings
    ) -> None:
        from ._tutorial import ItemFeed

        self._workload, self._placement, self._settings = workload, placement, settings
        self._dataset: Any = _IndexedItems(workload, until)
        self._feed = ItemFeed(workload, placement, until)

    def epoch(self, number: int) -> Iterator[Batch]:
        return self._feed.start(self._batches(number))

    def _batches(self, number: int) -> Generator[Batch]:
        with closing(self._feed.received(self._loader(number))) as received:
            for ids, inputs in received:
                yield self._feed.deliver(ids, inputs)

    def _loader(self, number: int) -> Any:
        from ._feed import QuietDataLoader
        from ._tutorial import START_METHOD, randomness

        return QuietDataLoader(
            self._dataset,
            batch_size=self._workload.batch_size,
            sampler=share(self._workload, self._placement, number).tolist(),
            drop_last=self._workload.drop_last,
            num_workers=self._settings.workers,
            prefetch_factor=self._settings.prefetch,
            pin_memory=self._placement.device != "cpu",
            multiprocessing_context=START_METHOD,
            generator=randomness(self._workload, self._placement, number),
        )

    def close(self) -> None:
        self._feed.close()


class _IndexedItems:
    """In a worker: a map-style dataset like torchvision's ImageFolder, with ids in the labels' place."""

    def __init__(self, workload: Workload, until: Stage) -> None:
        from ._tutorial import ToItem

        self._read = Payloads(workload.dataset).read
        self._item = ToItem(workload, until)

    def __getitem__(self, sample: int) -> Any:
        """(tensor, id), or the id alone where cut before `batch`. Raises `BadInput`."""
        return self._item(self._read(sample), sample)
