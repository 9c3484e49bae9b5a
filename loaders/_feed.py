"""How batches travel from a DataLoader's forked workers to the consumer.

Imports torch: a loader imports this module when it is built.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from pipebench.contract import Batch, Placement, Stage, Workload
from pipebench.errors import BadInput
from pipebench.kinds.image import image_preprocessing

from ._decode import decoder
from ._delivery import Delivery
from ._image import BatchMaker, Undecodable, batch_shape
from ._payload import Payload
from ._ring import Ring, SharedNumber
from ._settings import DataLoaderSettings

NO_EPOCH = -1

HELD = 4
"""Batches that a consumer may hold before it gets copies: a launch queue of 2, the one being taken and
the one before it."""


class Message(NamedTuple):
    """What a worker sends for one batch."""

    ids: NDArray[np.int64]
    slot: int | None = None
    """Where the inputs lie in the ring."""
    inputs: torch.Tensor | None = None
    """Without a ring: the inputs, as they lie in memory."""
    fault: str | None = None
    """Why the batch could not be made: the trial's end."""


class Shipper:
    """In a worker: makes a batch and turns it into a message."""

    def __init__(self, maker: BatchMaker, ring: Ring | None, scratch: NDArray[Any], until: Stage) -> None:
        """`scratch` is one batch of private memory, for what is not shipped."""
        self._maker, self._ring, self._scratch = maker, ring, scratch
        self._ships = until is Stage.BATCH

    def __call__(
        self, payloads: Iterable[Payload], ids: NDArray[np.int64], epoch: int, name: Callable[[int], str]
    ) -> Message:
        """`name` gives a sample's name for the message of a fault."""
        try:
            return self._made(payloads, ids, epoch)
        except Undecodable as error:
            return Message(ids, fault=error.reason(name(error.sample)))
        except BadInput as error:
            return Message(ids, fault=str(error))

    def _made(self, payloads: Iterable[Payload], ids: NDArray[np.int64], epoch: int) -> Message:
        if not self._ships:
            self._maker(payloads, ids, epoch, self._scratch)
            return Message(ids)
        if self._ring is None:
            inputs = np.empty((len(ids), *self._scratch.shape[1:]), self._scratch.dtype)
            self._maker(payloads, ids, epoch, inputs)
            return Message(ids, inputs=torch.from_numpy(inputs))
        slot = self._ring.take()
        if slot is not None:
            self._maker(payloads, ids, epoch, self._ring.slots[slot])
        return Message(ids, slot=slot)


class Feed:
    """A DataLoader whose persistent workers make whole batches, and the way of these to the consumer."""

    def __init__(
        self, workload: Workload, placement: Placement, until: Stage, settings: DataLoaderSettings
    ) -> None:
        preprocessing = image_preprocessing(workload)
        shape = batch_shape(preprocessing, min(workload.batch_size, workload.dataset.samples))
        self.epoch = SharedNumber(NO_EPOCH)
        """The epoch in which the workers began; they stop when it changes."""
        self._settings, self._pins = settings, placement.device != "cpu"
        self._ring = _ring(shape, preprocessing.dtype, settings) if settings.ring else None
        maker = BatchMaker(
            preprocessing,
            seed=workload.seed,
            decoder=decoder(settings.decoder, region=settings.region),
            until=until,
        )
        self.shipper = Shipper(maker, self._ring, np.empty(shape, preprocessing.dtype), until)
        self.deliver = Delivery(workload, placement)
        if self._ring is not None:
            self.deliver.transfer.pin(self._ring.slots)
        self._running: Generator[Batch] | None = None
        self._stream: Any = None
        self._ahead: int | None = None
        """The epoch that the workers are in, or go on with."""

    def connect(self, dataset: Any, sampler: Any = None) -> None:
        """`dataset` yields the messages that `shipper` makes."""
        self._loader = QuietDataLoader(
            dataset,
            batch_size=None,
            sampler=sampler,
            num_workers=self._settings.workers,
            prefetch_factor=self._settings.prefetch,
            persistent_workers=True,
            multiprocessing_context="fork",
            collate_fn=_as_it_is,
            worker_init_fn=None if self._ring is None else self._ring.enter,
            pin_memory=self._ring is None and self._pins,
        )

    def start(self, batches: Generator[Batch]) -> Iterator[Batch]:
        """Makes this the running epoch; one that was abandoned half-way ends first."""
        self.stop()
        self._running = batches
        return batches

    def stop(self) -> None:
        """Ends the running epoch."""
        if self._running is not None:
            self._running.close()

    def received(
        self, epoch: int, count: int | None = None
    ) -> Generator[tuple[NDArray[np.int64], torch.Tensor | None]]:
        """(ids, inputs on the host as they lie in memory) of each batch. Raises `BadInput` for a fault.

        A `count` of batches says that the dataset goes on with the next epoch by itself.
        """
        with closing(self._messages(epoch, count)) as messages:
            for message in messages:
                if message.fault is not None:
                    raise BadInput(message.fault)
                yield message.ids, self._inputs(message)

    def _messages(self, epoch: int, count: int | None) -> Generator[Message]:
        """Closed early, it waits until the workers have stopped, and frees what they made."""
        if self._ahead != epoch:
            self._discard()
            self.epoch.value = epoch
            self._stream = iter(self._loader)
        self._ahead = epoch
        try:
            yield from islice(self._stream, count)
        except GeneratorExit:
            self._discard()
            raise
        self._ahead = None if count is None else epoch + 1

    def _discard(self) -> None:
        """Stops the workers' epoch, and frees what they made ahead."""
        if self._ahead is None:
            return
        self._ahead, self.epoch.value = None, NO_EPOCH
        for message in self._stream:
            if message.slot is not None and self._ring is not None:
                self._ring.give_back(message.slot)

    def _inputs(self, message: Message) -> torch.Tensor | None:
        if message.slot is None or self._ring is None:
            return message.inputs
        return torch.from_numpy(self._ring.lend(message.slot, len(message.ids)))

    def close(self) -> None:
        """Ends the workers. May be called twice."""
        self.stop()
        if self._ring is not None:
            self._ring.close()
        end_workers(self._stream)
        self.deliver.transfer.close()


def _ring(shape: tuple[int, ...], dtype: str, settings: DataLoaderSettings) -> Ring:
    """As many slots as let a worker go on while `HELD` batches are out, over all workers."""
    lendable = 1 + -(-HELD // settings.workers)
    each = settings.prefetch + lendable
    return Ring(workers=settings.workers, each=each, lendable=lendable, shape=shape, dtype=dtype)


class QuietDataLoader(DataLoader[Any]):
    """A DataLoader that does not warn of more workers than cores: results name the workers anyway."""

    def check_worker_number_rationality(self) -> None:
        """Called by torch before it starts workers."""


def end_workers(stream: Any) -> None:
    """Ends the workers of a DataLoader's iterator, or of none. May be called twice.

    Dropping the iterator would do the same, but an exception's traceback may still hold it.
    """
    if stream is not None:
        stream._shutdown_workers()


def _as_it_is(message: Any) -> Any:
    return message
