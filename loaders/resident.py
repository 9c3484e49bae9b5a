"""One real batch held in memory and handed out again and again: the ceiling, and no contestant.

Its ids repeat, so it proves nothing about samples; it shows what the loop and the step take by themselves.
"""

from collections.abc import Iterator
from itertools import repeat
from typing import Any, ClassVar

import numpy as np

from pipebench.contract import Batch, Placement, Settings, Stage, Workload
from pipebench.kinds import kind
from pipebench.kinds.image import ImagePreprocessing

from ._checks import require
from ._partition import batch_count
from ._payload import Payloads


class Resident:
    """Holds the dataset's first samples, made by the deterministic recipe the slow, trusted way."""

    formats: ClassVar = frozenset({"folder", "wds", "parquet"})
    libraries: ClassVar = ("torch",)
    fused: ClassVar[tuple[tuple[Stage, ...], ...]] = ()
    settings: ClassVar = Settings

    def __init__(
        self,
        workload: Workload,
        placement: Placement,
        *,
        until: Stage,
        settings: Settings,  # noqa: ARG002 - there is nothing to set
    ) -> None:
        require("resident", Resident, workload)
        self._batches = batch_count(workload, placement)
        ids = np.arange(min(workload.batch_size, workload.dataset.samples))
        whole = until is Stage.BATCH
        self._batch = _batch(workload, placement.device, ids) if whole else Batch(None, None, ids)

    def epoch(self, number: int) -> Iterator[Batch]:  # noqa: ARG002 - every epoch is alike
        return repeat(self._batch, self._batches)

    def close(self) -> None:
        pass


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
