"""One real batch held in memory and handed out again and again: the ceiling, and no contestant.

Its ids repeat, so it proves nothing about samples; it shows what the loop and the step take by themselves.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Any, ClassVar

import numpy as np

from pipebench.contract import Batch, Placement, Settings, Stage, Workload
from pipebench.errors import BadInput
from pipebench.kinds import kind
from pipebench.kinds.image import ImagePreprocessing

from ._checks import require
from ._partition import batch_count
from ._payload import Payloads

AHEAD, TENSORS = 2, 2
"""Batches whose copies are on their way to the device, and tensors that are copied for each."""


@dataclass(frozen=True)
class ResidentSettings(Settings):
    """The knob of `Resident`."""

    copied: bool = False
    """The batch lies in locked memory of the host and is copied to the device each time it is handed out."""


class Resident:
    """Holds the dataset's first samples, made by the deterministic recipe the slow, trusted way."""

    formats: ClassVar = frozenset({"folder", "wds", "parquet"})
    libraries: ClassVar = ("torch",)
    fused: ClassVar[tuple[tuple[Stage, ...], ...]] = ()
    settings: ClassVar = ResidentSettings

    def __init__(
        self,
        workload: Workload,
        placement: Placement,
        *,
        until: Stage,
        settings: ResidentSettings,
    ) -> None:
        require("resident", Resident, workload)
        self._batches = batch_count(workload, placement)
        ids = np.arange(min(workload.batch_size, workload.dataset.samples))
        whole = until is Stage.BATCH
        device = "cpu" if settings.copied else placement.device
        self._batch = _batch(workload, device, ids) if whole else Batch(None, None, ids)
        self._copies = _Copies(self._batch, placement.device) if settings.copied and whole else None

    def epoch(self, number: int) -> Iterator[Batch]:  # noqa: ARG002 - every epoch is alike
        if self._copies is None:
            return repeat(self._batch, self._batches)
        return self._copies.made(self._batches)

    def close(self) -> None:
        if self._copies is not None:
            self._copies.close()


class _Copies:
    """Copies of one batch to a device, some of them on their way; as fast as the device takes them."""

    def __init__(self, batch: Batch, device: str) -> None:
        from ._delivery import Transfer

        if device == "cpu":
            raise BadInput("setting copied=true needs a device to copy to: --device cuda")
        self._transfer = Transfer(device)
        self._locked = Batch(batch.inputs.pin_memory(), batch.labels.pin_memory(), batch.ids)

    def made(self, count: int) -> Iterator[Batch]:
        inputs, labels, ids = self._locked
        for _ in range(count):
            yield Batch(self._transfer(inputs), self._transfer(labels), ids)
            self._transfer.settle(AHEAD * TENSORS)

    def close(self) -> None:
        self._transfer.close()


def _batch(workload: Workload, device: str, ids: Any) -> Batch:
    import torch

    of_kind, wanted = kind(workload.dataset.kind), workload.preprocessing
    read = Payloads(workload.dataset).read
    samples = [
        of_kind.reference(bytes(read(sample)), of_kind.deterministic(wanted)) for sample in ids.tolist()
    ]
    inputs = torch.from_numpy(np.ascontiguousarray(samples))
    if isinstance(wanted, ImagePreprocessing) and wanted.layout == "channels_last":
        inputs = inputs.contiguous(memory_format=torch.channels_last)
    labels = torch.from_numpy(workload.dataset.index.label[ids])
    return Batch(inputs.to(device), labels.to(device), ids)
