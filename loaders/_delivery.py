"""From tensors on the host to batches on the placement's device.

Imports torch: a loader imports this module when it is built.
"""

from collections import deque
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pipebench.contract import Batch, Placement, Workload
from pipebench.kinds.image import image_preprocessing


class Delivery:
    """Turns inputs as they lie in memory into batches on the placement's device."""

    def __init__(self, workload: Workload, placement: Placement) -> None:
        self._labels = workload.dataset.index.label
        self._packed = image_preprocessing(workload).layout == "channels_last"
        self.transfer = Transfer(placement.device)

    def __call__(self, ids: NDArray[np.int64], inputs: torch.Tensor | None) -> Batch:
        """Labels are looked up by id. `inputs` of None is a cut loader's batch."""
        if inputs is None:
            return Batch(None, None, ids)
        shaped = inputs.permute(0, 3, 1, 2) if self._packed else inputs
        return Batch(self.transfer(shaped), self.transfer(torch.from_numpy(self._labels[ids])), ids)


class Transfer:
    """Copies host tensors to a device without waiting; keeps each until its copy is done."""

    def __init__(self, device: str) -> None:
        self._device = torch.device(device)
        self._on_host = self._device.type == "cpu"
        self._pending: deque[tuple[Any, torch.Tensor]] = deque()
        self._pinned: NDArray[Any] | None = None

    def pin(self, memory: NDArray[Any]) -> None:
        """Locks shared memory in place, so that the device can copy from it by itself."""
        if not self._on_host:
            cuda: Any = torch.cuda
            cuda.check_error(cuda.cudart().cudaHostRegister(memory.ctypes.data, memory.nbytes, 0))
            self._pinned = memory

    def __call__(self, tensor: torch.Tensor) -> torch.Tensor:
        if self._on_host:
            return tensor
        moved = tensor.to(self._device, non_blocking=True)
        done: Any = torch.cuda.Event()  # type: ignore[no-untyped-call] # torch leaves it untyped
        done.record(torch.cuda.current_stream(self._device))
        self._pending.append((done, tensor))
        while self._pending and self._pending[0][0].query():
            self._pending.popleft()
        return moved

    def settle(self, most: int = 0) -> None:
        """Waits until at most so many copies are on their way."""
        while len(self._pending) > most:
            self._pending.popleft()[0].synchronize()

    def close(self) -> None:
        """Waits for the copies and unlocks the memory. May be called twice."""
        self.settle()
        if self._pinned is not None:
            cuda: Any = torch.cuda
            cuda.check_error(cuda.cudart().cudaHostUnregister(self._pinned.ctypes.data))
            self._pinned = None
