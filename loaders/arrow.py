"""pyarrow over Parquet shards of images.

Tuned: row groups are shuffled over the whole dataset and dealt out to ranks and workers; each worker has
pyarrow decode the payload column alone, one row group at a time, mixes the samples of those that are open,
and decodes whole batches straight into slots of shared memory. From an object store the next row group is
fetched meanwhile.

Documented: rows from `ParquetFile.iter_batches` (https://arrow.apache.org/docs/python/parquet.html) as an
iterable dataset under DataLoader with 4 workers (https://huggingface.co/docs/datasets/use_with_pytorch,
"Stream data", whose Parquet builder calls `iter_batches`), shuffled by shards and in a buffer of 1000
(https://huggingface.co/docs/datasets/stream, "Shuffle"), PIL images, torchvision's transforms.
"""

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any, ClassVar

from pipebench.contract import Batch, Loader, Placement, Stage, Unsupported, Workload

from ._checks import pillow_distribution, require
from ._settings import ArrowSettings
from ._tails import merge_tails


class Arrow:
    """Reads `parquet` through pyarrow."""

    formats: ClassVar = frozenset({"parquet"})
    libraries: ClassVar = ("torch", "torchvision", "pyarrow", "simplejpeg", pillow_distribution())
    fused: ClassVar[tuple[tuple[Stage, ...], ...]] = ()
    settings: ClassVar = ArrowSettings

    def __init__(
        self, workload: Workload, placement: Placement, *, until: Stage, settings: ArrowSettings
    ) -> None:
        require("arrow", Arrow, workload)
        settings.check(workload.dataset.samples, placement)
        if settings.parquet_reader == "plain" and (workload.dataset.index.offset < 0).any():
            raise Unsupported("parquet_reader=plain needs payloads as they are, and these lie encoded")
        make = _Items if settings.items else _Batches
        self._loader: Loader = make(workload, placement, until, settings)

    def epoch(self, number: int) -> Iterator[Batch]:
        return self._loader.epoch(number)

    def close(self) -> None:
        self._loader.close()


class _Batches:
    """Whole batches, each made by one worker in a slot of shared memory."""

    def __init__(
        self, workload: Workload, placement: Placement, until: Stage, settings: ArrowSettings
    ) -> None:
        from ._feed import Feed
        from ._row_batches import RowBatches
        from ._rows import Rows

        self._workload = workload
        rows = Rows(workload, placement, settings)
        self._messages = rows.rounds * settings.workers if settings.ahead else None
        self._feed = Feed(workload, placement, until, settings)
        self._feed.connect(RowBatches(rows, workload, self._feed, ahead=settings.ahead))

    def epoch(self, number: int) -> Iterator[Batch]:
        return self._feed.start(self._batches(number))

    def _batches(self, number: int) -> Generator[Batch]:
        with closing(self._feed.received(number, self._messages)) as received:
            for ids, inputs in merge_tails(received, self._workload):
                yield self._feed.deliver(ids, inputs)

    def close(self) -> None:
        self._feed.close()


class _Items:
    """Single samples, as the pages have them."""

    def __init__(
        self, workload: Workload, placement: Placement, until: Stage, settings: ArrowSettings
    ) -> None:
        from ._rows import Rows
        from ._tutorial import ItemFeed

        self._workload, self._placement, self._until = workload, placement, until
        self._settings, self._rows = settings, Rows(workload, placement, settings)
        self._feed = ItemFeed(workload, placement, until)

    def epoch(self, number: int) -> Iterator[Batch]:
        return self._feed.start(self._batches(number))

    def _batches(self, number: int) -> Generator[Batch]:
        with closing(self._feed.received(self._loader(number))) as received:
            for ids, inputs in merge_tails(received, self._workload):
                yield self._feed.deliver(ids, inputs)

    def _loader(self, number: int) -> Any:
        from ._feed import QuietDataLoader
        from ._row_batches import RowItems
        from ._tutorial import START_METHOD, ToItem, randomness

        return QuietDataLoader(
            RowItems(self._rows, ToItem(self._workload, self._until), number),
            batch_size=self._workload.batch_size,
            num_workers=self._settings.workers,
            prefetch_factor=self._settings.prefetch,
            pin_memory=self._placement.device != "cpu",
            multiprocessing_context=START_METHOD,
            generator=randomness(self._workload, self._placement, number),
        )

    def close(self) -> None:
        self._feed.close()
