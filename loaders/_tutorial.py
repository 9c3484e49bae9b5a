"""The image pipeline of PyTorch's and WebDataset's own examples: PIL images through torchvision, collated.

Where the examples carry a label with each image, an item here carries its id, from which the label
follows. Imports torch and torchvision: a loader imports this module when it is built.
"""

import io
from collections.abc import Callable, Generator, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torchvision import transforms

from pipebench.contract import Batch, Placement, Stage, Workload
from pipebench.errors import BadInput
from pipebench.kinds.image import CROP_AREA, CROP_ASPECT, MEAN, STD, ImagePreprocessing, image_preprocessing

from ._delivery import Delivery
from ._draws import stream
from ._feed import end_workers
from ._image import Undecodable
from ._payload import Payload, Payloads

START_METHOD = "fork"
"""Linux's default up to Python 3.13, which the examples rely on."""

Collated = tuple[NDArray[np.int64], torch.Tensor | None]


def transform(preprocessing: ImagePreprocessing) -> Callable[[Any], torch.Tensor]:
    """From a PIL image to a (3, S, S) tensor."""
    size = (preprocessing.size, preprocessing.size)
    cut = {
        "train": [
            transforms.RandomResizedCrop(size, scale=CROP_AREA, ratio=CROP_ASPECT),
            transforms.RandomHorizontalFlip(),
        ],
        "check": [transforms.Resize(size)],
    }[preprocessing.recipe]
    tensor = {
        "uint8": [transforms.PILToTensor()],
        "float32": [transforms.ToTensor(), transforms.Normalize(MEAN, STD)],
    }[preprocessing.dtype]
    whole: Callable[[Any], torch.Tensor] = transforms.Compose([*cut, *tensor])
    return whole


def randomness(workload: Workload, placement: Placement, epoch: int) -> torch.Generator:
    """What DataLoader takes its workers' seeds from: the workload's seed, the epoch and the rank."""
    return torch.Generator().manual_seed((stream(workload.seed, epoch) >> 1) ^ placement.rank)


class ToItem:
    """In a worker: from a payload to an item, (tensor, id), or the id alone where cut before `batch`."""

    def __init__(self, workload: Workload, until: Stage) -> None:
        self._transform, self._until = transform(image_preprocessing(workload)), until
        self._name = Payloads(workload.dataset).member

    def __call__(self, payload: Payload, sample: int) -> Any:
        """Raises `BadInput` where the payload cannot be decoded."""
        if self._until is Stage.READ:
            return sample
        try:
            picture = Image.open(io.BytesIO(payload)).convert("RGB")
        except OSError as error:
            raise BadInput(Undecodable(sample, error).reason(self._name(sample))) from None
        if self._until is Stage.DECODE:
            return sample
        tensor = self._transform(picture)
        return sample if self._until is Stage.TRANSFORM else (tensor, sample)


class ItemFeed:
    """Fresh workers each epoch, whose items DataLoader or the library collates."""

    def __init__(self, workload: Workload, placement: Placement, until: Stage) -> None:
        self._whole = until is Stage.BATCH
        self._packed = image_preprocessing(workload).layout == "channels_last"
        self._deliver = Delivery(workload, placement)
        self._running: Generator[Batch] | None = None
        self._stream: Any = None

    def start(self, batches: Generator[Batch]) -> Iterator[Batch]:
        """Makes this the running epoch; one that was abandoned half-way ends first."""
        self.close()
        self._running = batches
        return batches

    def received(self, loader: Any) -> Generator[Collated]:
        """(ids, inputs) of each batch of an epoch's own DataLoader. Raises `BadInput` for a fault."""
        self._stream = iter(loader)
        try:
            for collated in self._stream:
                yield self._parted(collated)
        except BadInput as error:
            raise BadInput(_last_line(error)) from None
        finally:
            end_workers(self._stream)

    def _parted(self, collated: Any) -> Collated:
        inputs, ids = collated if self._whole else (None, collated)
        return np.asarray(ids, np.int64), inputs

    def deliver(self, ids: NDArray[np.int64], inputs: torch.Tensor | None) -> Batch:
        """The batch of these inputs, laid out as the workload says."""
        if inputs is not None and self._packed:
            inputs = inputs.permute(0, 2, 3, 1).contiguous()
        return self._deliver(ids, inputs)

    def close(self) -> None:
        """Ends the running epoch and its workers. May be called twice."""
        if self._running is not None:
            self._running.close()
        end_workers(self._stream)


def _last_line(error: BadInput) -> str:
    """A worker's sentence, without the traceback that DataLoader puts before it."""
    return str(error).strip().splitlines()[-1].partition("BadInput: ")[2] or str(error)
