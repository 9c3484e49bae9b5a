"""Knobs that the loaders built on DataLoader share."""

from dataclasses import dataclass
from typing import Literal, Self

from pipebench.contract import Placement, Settings
from pipebench.errors import BadInput

from ._decode import DecoderName


@dataclass(frozen=True)
class DataLoaderSettings(Settings):
    """How workers make batches and hand them over."""

    workers: int = 2
    prefetch: int = 2
    """Batches that each worker prepares ahead."""
    decoder: DecoderName = "simplejpeg"
    ring: bool = True
    """Batches lie in slots of shared memory; else DataLoader ships each as a tensor of its own."""
    region: bool = True
    """The entropy decoder stops below the crop; of the decoders, simplejpeg alone can."""
    items: bool = False
    """Samples are decoded by Pillow, transformed one by one by torchvision, and collated by the library."""

    def __post_init__(self) -> None:
        # So that what is printed is what was done.
        object.__setattr__(self, "region", self.region and self.decoder == "simplejpeg")

    def check(self, samples: int, placement: Placement) -> None:
        """Raises `BadInput` for values that make no loader; one worker a core is always allowed."""
        if self.workers > max(samples, placement.cores):
            raise BadInput(f"setting workers is {self.workers}, and the dataset holds {samples} samples")
        for name, value in (("workers", self.workers), ("prefetch", self.prefetch)):
            if value < 1:
                raise BadInput(f"setting {name} must be at least 1, not {value}")
        if self.items and (self.decoder != "pillow" or self.ring):
            raise BadInput("setting items=true goes with decoder=pillow,ring=false")


@dataclass(frozen=True)
class TorchDataLoaderSettings(DataLoaderSettings):
    """Knobs of `TorchDataLoader`."""

    ahead: bool = True
    """Workers go on with the next epoch while the last batches of one are consumed."""

    @classmethod
    def tuned(cls, placement: Placement) -> Self:
        return cls(workers=placement.cores)

    @classmethod
    def documented(cls, placement: Placement) -> Self:  # noqa: ARG003 - the examples name one number
        """As PyTorch's transfer-learning tutorial and its ImageNet example: 4 workers, PIL, defaults."""
        return cls(workers=4, decoder="pillow", ring=False, items=True, ahead=False)


@dataclass(frozen=True)
class WebDatasetSettings(DataLoaderSettings):
    """Knobs of `WebDataset`."""

    tar_reader: Literal["plain", "library"] = "plain"
    """`plain` reads payloads from where the index says, in the shard's order, and parses no tar header.

    `library` is WebDataset's own reader: 0.11 ms of CPU a sample where `plain` takes 0.03.
    """
    buffer: int = 1000
    """Samples that each worker shuffles among."""

    @classmethod
    def tuned(cls, placement: Placement) -> Self:
        return cls(workers=placement.cores)

    @classmethod
    def documented(cls, placement: Placement) -> Self:  # noqa: ARG003 - the examples name one number
        """As the README and its ImageNet example: 4 workers, PIL images, a shuffle buffer of 1000."""
        return cls(workers=4, decoder="pillow", ring=False, items=True, tar_reader="library")

    def check(self, samples: int, placement: Placement) -> None:
        super().check(samples, placement)
        if self.items and self.tar_reader != "library":
            raise BadInput("setting items=true goes with tar_reader=library")
        if self.buffer < 1:
            raise BadInput(f"setting buffer must be at least 1, not {self.buffer}")


@dataclass(frozen=True)
class ArrowSettings(DataLoaderSettings):
    """Knobs of `Arrow`."""

    parquet_reader: Literal["plain", "library"] = "library"
    """`library` is pyarrow's reader, which decodes the payload column of whole row groups.

    `plain` reads each payload from where the index says, where Parquet holds it as it is.
    """
    mmap: bool = True
    """pyarrow maps local files rather than read them into buffers."""
    buffer: int = 1000
    """Samples that each worker shuffles among: row groups that hold as many are open at once."""
    ahead: bool = True
    """Workers go on with the next epoch while the last batches of one are consumed."""

    @classmethod
    def tuned(cls, placement: Placement) -> Self:
        return cls(workers=placement.cores)

    @classmethod
    def documented(cls, placement: Placement) -> Self:  # noqa: ARG003 - the examples name one number
        """As the pages that `loaders/arrow.py` names: 4 workers, PIL images, a shuffle buffer of 1000."""
        return cls(workers=4, decoder="pillow", ring=False, items=True, mmap=False, ahead=False)

    def check(self, samples: int, placement: Placement) -> None:
        super().check(samples, placement)
        if self.items and self.parquet_reader != "library":
            raise BadInput("setting items=true goes with parquet_reader=library")
        if self.buffer < 1:
            raise BadInput(f"setting buffer must be at least 1, not {self.buffer}")
