"""A loader in one file: Pillow and torchvision in one process, as short as it gets."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pipebench.contract import Batch, Placement, Settings, Stage, Unsupported, Workload
from pipebench.kinds.image import image_preprocessing


@dataclass(frozen=True)
class PlainSettings(Settings):
    """Its knobs, set as `--loader plain:Plain:draft=true`; they are printed with every result."""

    draft: bool = False
    """Let libjpeg scale down while it decodes. Faster, and not the same work: try it."""


class Plain:
    """Reads `folder`."""

    formats: ClassVar = frozenset({"folder"})
    libraries: ClassVar = ("torch", "torchvision", "pillow")
    fused: ClassVar[tuple[tuple[Stage, ...], ...]] = ()
    settings: ClassVar = PlainSettings

    def __init__(
        self, workload: Workload, placement: Placement, *, until: Stage, settings: PlainSettings
    ) -> None:
        wanted = image_preprocessing(workload)
        if until is not Stage.BATCH or wanted.dtype != "uint8" or wanted.layout != "contiguous":
            raise Unsupported("makes whole batches of contiguous uint8 only")
        from torchvision.transforms import v2

        size = (wanted.size, wanted.size)
        random = [v2.RandomResizedCrop(size), v2.RandomHorizontalFlip()]
        recipe = random if wanted.recipe == "train" else [v2.Resize(size)]
        self._transform = v2.Compose([*recipe, v2.PILToTensor()])
        self._workload, self._placement, self._settings = workload, placement, settings

    def epoch(self, number: int) -> Iterator[Batch]:
        import torch

        workload, placement = self._workload, self._placement
        torch.manual_seed(hash((workload.seed, number, placement.rank)))
        ids = np.arange(workload.dataset.samples)
        if workload.shuffle:
            np.random.default_rng((workload.seed, number)).shuffle(ids)
        mine = ids[placement.rank :: placement.world_size]
        for start in range(0, len(mine), workload.batch_size):
            batch = mine[start : start + workload.batch_size]
            if workload.drop_last and len(batch) < workload.batch_size:
                return
            inputs = torch.stack([self._image(sample) for sample in batch.tolist()])
            yield Batch(inputs, torch.from_numpy(workload.dataset.index.label[batch]), batch)

    def _image(self, sample: int) -> Any:
        from PIL import Image

        dataset = self._workload.dataset
        with Image.open(dataset.local_root() / str(dataset.index.member[sample])) as picture:
            if self._settings.draft:
                picture.draft("RGB", (224, 224))
            return self._transform(picture.convert("RGB"))

    def close(self) -> None:
        pass
