"""WebDataset pipelines: from a rank's shards to batches of samples.

Imports webdataset and torch: a loader imports this module when it is built.
"""

import tarfile
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, islice
from typing import Any

import numpy as np
import webdataset
from numpy.typing import NDArray
from torch.utils.data import IterableDataset
from webdataset.tariterators import group_by_keys, tar_file_expander

from pipebench.contract import Placement, Stage, Workload
from pipebench.dataset import Dataset
from pipebench.errors import BadInput
from pipebench.files import is_local, join, local_path, shown

from ._draws import stream
from ._feed import Feed, Message
from ._members import fields, key_and_field
from ._payload import Payload, Payloads
from ._settings import WebDatasetSettings
from ._stream import Stream

Sample = tuple[int, Payload]
"""An id and its payload."""

PipelineStage = Callable[[Iterable[Any]], Iterator[Any]]

COLLATE = {True: webdataset.filters.default_collation_fn, False: None}
"""By whether items hold tensors; ids alone stay a list."""


class ShardIndex:
    """Which ids each shard holds."""

    def __init__(self, dataset: Dataset) -> None:
        self.local = is_local(dataset.root)
        root = local_path(dataset.root) if self.local else dataset.root
        self.urls = [join(root, shard.name) for shard in dataset.shards]
        self._sizes = [shard.size for shard in dataset.shards]
        self._shard_of = {url: shard for shard, url in enumerate(self.urls)}
        self._member, shards = dataset.index.member, dataset.index.shard
        self._stored = np.lexsort((dataset.index.offset, shards))
        self._starts = np.searchsorted(shards[self._stored], np.arange(len(self.urls) + 1))

    def ids(self, url: str) -> NDArray[np.int64]:
        """In the order in which the shard stores them."""
        shard = self._shard_of[url]
        return self._stored[self._starts[shard] : self._starts[shard + 1]]

    def stream(self, url: str) -> Stream:
        """The whole shard from an object store."""
        return Stream(url, self._sizes[self._shard_of[url]])

    def names(self, url: str) -> dict[tuple[str, str], int]:
        """From WebDataset's (key, field) to the id, for one shard: keys repeat between shards."""
        ids = self.ids(url)
        members = self._member.take(ids).to_pylist()
        return {key_and_field(member): sample for member, sample in zip(members, ids.tolist(), strict=True)}


def library_reader(index: ShardIndex, **options: Any) -> PipelineStage:
    """The library's own tar reader. Raises `BadInput` for a shard that cannot be read."""
    whole = webdataset.tarfile_to_samples(**options)

    def of_streams(shards: Iterable[Any]) -> Iterator[Any]:
        """As the library does it, but for the opening of the URL."""
        opened = ({**shard, "stream": index.stream(shard["url"])} for shard in shards)
        yield from group_by_keys(tar_file_expander(opened, **options))

    stage = whole if index.local else of_streams

    def read(shards: Iterable[Any]) -> Iterator[Any]:
        try:
            yield from stage(shards)
        except (OSError, tarfile.TarError) as error:
            # The library appends the shard to the error's arguments.
            texts = [text for text in error.args if isinstance(text, str)]
            raise BadInput(f"shard {shown(texts[-1])} cannot be read: {texts[0].split(' @ ')[0]}") from None

    return read


def identified(index: ShardIndex) -> PipelineStage:
    """A stage that turns the library's samples into (id, field, sample), leaving out what has no id."""

    def stage(samples: Iterable[Any]) -> Iterator[tuple[int, str, Any]]:
        for url, of_shard in groupby(samples, key=lambda sample: sample["__url__"]):
            names, found = index.names(url), 0
            for sample in of_shard:
                for field in sample:
                    number = names.get((sample["__key__"], field))
                    if number is not None:
                        found += 1
                        yield number, field, sample
            if found != len(names):
                raise BadInput(f"shard {url} holds {found} of the {len(names)} samples that the index says")

    return stage


def _payloads(samples: Iterable[tuple[int, str, Any]]) -> Iterator[Sample]:
    for number, field, sample in samples:
        yield number, sample[field]


def plain_reader(index: ShardIndex, payloads: Payloads) -> PipelineStage:
    """A stage that reads each shard's payloads in order from where the index says, parsing no header."""

    def stage(shards: Iterable[Any]) -> Iterator[Sample]:
        for shard in shards:
            ids = index.ids(shard["url"])
            yield from zip(ids.tolist(), payloads.stored(ids), strict=True)

    return stage


class ShardBatches(IterableDataset[Message]):
    """In a worker: the library's pipeline up to whole batches of payloads, and what is made of each."""

    def __init__(
        self, workload: Workload, placement: Placement, feed: Feed, settings: WebDatasetSettings
    ) -> None:
        self._workload, self._placement, self._settings = workload, placement, settings
        self._ship, self._epoch = feed.shipper, feed.epoch
        self._index, self._payloads = ShardIndex(workload.dataset), Payloads(workload.dataset)
        plain = settings.tar_reader == "plain"
        self._read = [plain_reader(self._index, self._payloads)] if plain else self._library()

    def _library(self) -> list[Any]:
        wanted = fields(self._workload.dataset.index.member)
        read = library_reader(self._index, select_files=lambda name: key_and_field(name)[1] in wanted)
        return [read, identified(self._index), _payloads]

    def __iter__(self) -> Iterator[Message]:
        epoch = self._epoch.value
        try:
            for samples in self._pipeline(epoch):
                if self._epoch.value != epoch:
                    return
                ids = np.array([number for number, _ in samples], np.int64)
                yield self._ship((payload for _, payload in samples), ids, epoch, self._payloads.member)
        except BadInput as error:
            yield Message(np.empty(0, np.int64), fault=str(error))

    def _pipeline(self, epoch: int) -> Any:
        shards, samples = shuffles(self._workload, len(self._index.urls), self._settings, epoch)
        return webdataset.DataPipeline(
            webdataset.SimpleShardList(self._index.urls),
            shards,
            rank_slice(self._placement),
            webdataset.split_by_worker,
            *self._read,
            samples,
            webdataset.batched(self._workload.batch_size, collation_fn=None),
        )


def shuffles(workload: Workload, shards: int, settings: WebDatasetSettings, epoch: int) -> tuple[Any, Any]:
    """The stages that shuffle all shards, and samples within a buffer; None where nothing is shuffled."""
    if not workload.shuffle:
        return None, None
    seed = stream(workload.seed, epoch)
    return webdataset.detshuffle(shards, shards, seed), webdataset.detshuffle(settings.buffer, seed=seed)


def rank_slice(placement: Placement) -> PipelineStage:
    """Deals shards out to ranks by the placement; the library would ask the environment."""
    return lambda shards: islice(shards, placement.rank, None, placement.world_size)


def item_pipeline(
    workload: Workload, placement: Placement, until: Stage, settings: WebDatasetSettings, epoch: int
) -> Any:
    """The README's pipeline: PIL images, torchvision transforms, collation; items carry ids for labels."""
    from ._tutorial import ToItem  # and with it torchvision, which takes over a second

    index, to_item = ShardIndex(workload.dataset), ToItem(workload, until)
    shards, samples = shuffles(workload, len(index.urls), settings, epoch)
    return webdataset.DataPipeline(
        webdataset.SimpleShardList(index.urls),
        shards,
        rank_slice(placement),
        webdataset.split_by_worker,
        library_reader(index),
        identified(index),
        samples,
        webdataset.map(lambda found: to_item(found[2][found[1]], found[0])),
        webdataset.batched(workload.batch_size, collation_fn=COLLATE[until is Stage.BATCH]),
    )
