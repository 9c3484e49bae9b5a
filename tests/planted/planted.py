"""A loader over PyTorch's DataLoader in which one resource is made narrow by a known amount.

Named as `planted:Planted@tests/planted:plant=lock,amount=3`. Its stages burn a stated CPU time, so that what
is planted can be reckoned: 0.5 ms each for decode and transform, and what reading a small file takes.
Without a plant, two workers deliver some 1700 samples/s on two cores.
"""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pipebench.contract import Batch, Placement, Settings, Stage, Workload

DECODE_MS = TRANSFORM_MS = 0.5
BURST = 10
"""Batches from one pause of `bursts` to the next."""
PASSES = 100
"""Over the dataset in an epoch."""
PIXELS = (3, 64, 64)
COPIED_BYTES = 1 << 22


@dataclass(frozen=True)
class PlantedSettings(Settings):
    """What is planted, and how much of it."""

    workers: int = 2
    plant: str = "none"
    amount: float = 0.0
    """Milliseconds: a sample for stages, reads and locks, a batch for the hand-over."""

    @classmethod
    def tuned(cls, placement: Placement) -> "PlantedSettings":
        return cls(workers=placement.cores)


def burn(milliseconds: float) -> None:
    """Uses that much CPU time of the calling thread."""
    end = time.thread_time_ns() + int(milliseconds * 1e6)
    while time.thread_time_ns() < end:
        pass


class Bucket:
    """A device that serves all workers together at one pace."""

    def __init__(self, milliseconds: float) -> None:
        self._free = multiprocessing.get_context("fork").Value("d", 0.0)
        self._seconds = milliseconds / 1000

    def __call__(self) -> None:
        with self._free.get_lock():
            end = max(time.monotonic(), self._free.value) + self._seconds
            self._free.value = end
        time.sleep(max(0.0, end - time.monotonic()))


class Work:
    """In a worker: what is done to a batch."""

    def __init__(self, workload: Workload, until: Stage, settings: PlantedSettings) -> None:
        self._files = list(workload.dataset.files())
        self._until, self._plant, self._amount = until.depth, settings.plant, settings.amount
        self._bucket = Bucket(settings.amount)
        self._lock = multiprocessing.get_context("fork").Lock()

    def __getitem__(self, ids: Any) -> Any:
        """(ids, pixels), or the ids alone where cut."""
        for sample in ids.tolist():
            self._sample(sample)
        if self._until < Stage.BATCH.depth:
            return ids, None
        import torch

        return ids, torch.zeros((len(ids), *PIXELS), dtype=torch.uint8)

    def _sample(self, sample: int) -> None:
        self._read(sample)
        if self._until >= Stage.DECODE.depth:
            with self._held():
                burn(DECODE_MS + self._extra("decode") + self._extra("lock"))
        if self._until >= Stage.TRANSFORM.depth:
            burn(TRANSFORM_MS + self._extra("transform"))

    def _read(self, sample: int) -> None:
        if self._plant == "bandwidth":
            self._bucket()
        if self._plant == "latency":
            time.sleep(self._amount / 1000)
        self._files[sample].read_bytes()

    def _held(self) -> AbstractContextManager[Any]:
        return self._lock if self._plant == "lock" else nullcontext()

    def _extra(self, plant: str) -> float:
        return self._amount if self._plant == plant else 0.0


class Planted:
    """The loader."""

    formats: ClassVar = frozenset({"folder"})
    libraries: ClassVar = ("torch",)
    fused: ClassVar[tuple[tuple[Stage, ...], ...]] = ()
    settings: ClassVar = PlantedSettings

    def __init__(
        self, workload: Workload, placement: Placement, *, until: Stage, settings: PlantedSettings
    ) -> None:
        from torch.utils.data import DataLoader

        self._workload, self._settings = workload, settings
        self._batches = _Batches(workload)
        self._stream: Any = None
        self._copied = np.zeros(COPIED_BYTES, np.uint8)
        self._ships = until is Stage.BATCH
        self._loader: Any = DataLoader(
            Work(workload, until, settings),  # type: ignore[arg-type] # it has what a map-style dataset needs
            batch_size=None,
            sampler=self._batches,
            num_workers=settings.workers,
            persistent_workers=True,
            multiprocessing_context="fork",
            collate_fn=_as_it_is,
        )

    def epoch(self, number: int) -> Iterator[Batch]:
        self._batches.epoch = number
        labels = self._workload.dataset.index.label
        self._stream = iter(self._loader)
        for count, (ids, pixels) in enumerate(self._stream, start=1):
            self._hand_over(count)
            yield Batch(pixels, labels[ids], ids) if pixels is not None else Batch(None, None, ids)

    def _hand_over(self, count: int) -> None:
        plant, amount = self._settings.plant, self._settings.amount
        if plant == "hand_over_sleep":
            time.sleep(amount / 1000)
        if plant == "bursts" and count % BURST == 0:
            time.sleep(BURST * amount / 1000)
        if plant == "hand_over_copy" and self._ships:
            end = time.thread_time_ns() + int(amount * 1e6)
            while time.thread_time_ns() < end:
                self._copied.copy()

    def close(self) -> None:
        if self._stream is not None:
            self._stream._shutdown_workers()


class _Batches:
    """The ids of each batch of an epoch, so long that what happens between epochs counts for nothing."""

    def __init__(self, workload: Workload) -> None:
        self._workload, self.epoch = workload, 0

    def __iter__(self) -> Iterator[Any]:
        random = np.random.default_rng([self._workload.seed, self.epoch])
        size = self._workload.batch_size
        for _ in range(PASSES):
            ids = random.permutation(self._workload.dataset.samples)
            yield from (ids[begin : begin + size] for begin in range(0, len(ids), size))

    def __len__(self) -> int:
        return PASSES * -(-self._workload.dataset.samples // self._workload.batch_size)


def _as_it_is(message: Any) -> Any:
    return message


class Threaded:
    """Threads of one process that decode in Python: they take turns for the interpreter's lock."""

    formats: ClassVar = frozenset({"folder"})
    libraries: ClassVar = ("numpy",)
    fused: ClassVar[tuple[tuple[Stage, ...], ...]] = ()
    settings: ClassVar = PlantedSettings

    def __init__(
        self, workload: Workload, placement: Placement, *, until: Stage, settings: PlantedSettings
    ) -> None:
        self._workload, self._until, self._settings = workload, until, settings
        self._files = list(workload.dataset.files())

    def epoch(self, number: int) -> Iterator[Batch]:
        from concurrent.futures import ThreadPoolExecutor

        batches = _Batches(self._workload)
        batches.epoch = number
        with ThreadPoolExecutor(self._settings.workers) as pool:
            yield from pool.map(self._batch, batches)

    def _batch(self, ids: Any) -> Batch:
        for sample in ids.tolist():
            self._files[sample].read_bytes()
            if self._until.depth >= 1:
                burn(DECODE_MS + self._settings.amount)
            if self._until.depth >= 2:
                burn(TRANSFORM_MS)
        return Batch(None, None, ids)

    def close(self) -> None:
        """Each epoch has ended its threads."""
