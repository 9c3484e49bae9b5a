"""The WebDataset library over tar shards of images.

Tuned: the library's pipeline of shards, shuffles and batches, in which a plain reader takes the place of its
generic tar reader, and whose batches workers decode straight into slots of shared memory. Documented: the
README's pipeline of PIL images, torchvision's transforms and the library's collation.
"""

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any, ClassVar

from pipebench.contract import Batch, Loader, Placement, Stage, Unsupported, Workload

from ._checks import pillow_distribution, require
from ._settings import WebDatasetSettings
from ._tails import merge_tails


class WebDataset:
    """Reads `wds` through the `webdataset` library."""

    formats: ClassVar = frozenset({"wds"})
    libraries: ClassVar = ("torch", "torchvision", "webdataset", "simplejpeg", pillow_distribution())
    fused: ClassVar[tuple[tuple[Stage, ...], ...]] = ()
    settings: ClassVar = WebDatasetSettings

    def __init__(
        self, workload: Workload, placement: Placement, *, until: Stage, settings: WebDatasetSettings
    ) -> None:
        require("webdataset", WebDataset, workload)
        settings.check(workload.dataset.samples, placement)
        shards = len(workload.dataset.shards)
        if placement.world_size > shards:
            raise Unsupported(
                f"deals out whole shards, and {shards} cannot feed {placement.world_size} ranks"
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
        self, workload: Workload, placement: Placement, until: Stage, settings: WebDatasetSettings
    ) -> None:
        from ._feed import Feed
        from ._shards import ShardBatches

        self._workload = workload
        self._feed = Feed(workload, placement, until, settings)
        self._feed.connect(ShardBatches(workload, placement, self._feed, settings))

    def epoch(self, number: int) -> Iterator[Batch]:
        return self._feed.start(self._batches(number))

    def _batches(self, number: int) -> Generator[Batch]:
        with closing(self._feed.received(number)) as received:
            for ids, inputs in merge_tails(received, self._workload):
                yield self._feed.deliver(ids, inputs)

    def close(self) -> None:
        self._feed.close()


class _Items:
    """Single samples, as the README has them."""

    def __init__(
        self, workload: Workload, placement: Placement, until: Stage, settings: WebDatasetSettings
    ) -> None:
        from ._tutorial import ItemFeed

        self._workload, self._placement, self._until = workload, placement, until
        self._settings = settings
        self._feed = ItemFeed(workload, placement, until)

    def epoch(self, number: int) -> Iterator[Batch]:
        return self._feed.start(self._batches(number))

    def _batches(self, number: int) -> Generator[Batch]:
        with closing(self._feed.received(self._loader(number))) as received:
            for ids, inputs in merge_tails(received, self._workload):
                yield self._feed.deliver(ids, inputs)

    def _loader(self, number: int) -> Any:
        from ._feed import QuietDataLoader
        from ._shards import item_pipeline
        from ._tutorial import START_METHOD, randomness

        return QuietDataLoader(
            item_pipeline(self._workload, self._placement, self._until, self._settings, number),
            batch_size=None,
            num_workers=self._settings.workers,
            prefetch_factor=self._settings.prefetch,
            pin_memory=self._placement.device != "cpu",
            multiprocessing_context=START_METHOD,
            generator=randomness(self._workload, self._placement, number),
        )

    def close(self) -> None:
        self._feed.close()
