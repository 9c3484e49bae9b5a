"""NVIDIA DALI: a graph of operators that runs in DALI's own threads, on the CPU or on a GPU.

Decoding and cropping are one operator, which decodes the crop's region alone: the cut after `decode` is
after that. A batch shares its memory with DALI, which keeps it for as long as a tensor refers to it.
"""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Literal, Self

import numpy as np

from pipebench.contract import Batch, Placement, Settings, Stage, Unsupported, Workload
from pipebench.errors import BadInput
from pipebench.kinds.image import (
    CROP_AREA,
    CROP_ASPECT,
    CROP_TRIES,
    MEAN,
    STD,
    ImagePreprocessing,
    image_preprocessing,
)

from ._checks import is_installed, require
from ._dali_errors import explained
from ._dali_reader import READERS, Reader


@dataclass(frozen=True)
class DaliSettings(Settings):
    """Knobs of `Dali`."""

    threads: int = 2
    prefetch: int = 2
    """Batches that the pipeline prepares ahead."""
    read_ahead: int = 1
    """Batches that the reader prepares ahead of the pipeline."""
    mmap: bool = False
    """Payloads are mapped rather than read, which touches them first in the decoder."""
    resize: Literal["fused", "separate"] = "fused"
    """Resize and mirror in one operator, or mirror afterwards, where pixels are normalised."""
    reshuffle: bool = True
    """Files, or whole tars, come in a new random order each epoch."""
    shuffle_buffer: int = 1024
    """Samples held to draw from; not used for files that are reshuffled."""
    hw_decoder_load: float = 0.65
    """Share of the images that a GPU's JPEG engine decodes, where it has one."""

    def check(self) -> None:
        """Raises `BadInput` for values that make no pipeline."""
        for name in ("threads", "prefetch", "read_ahead", "shuffle_buffer"):
            if getattr(self, name) < 1:
                raise BadInput(f"setting {name} must be at least 1, not {getattr(self, name)}")
        if not 0 <= self.hw_decoder_load <= 1:
            raise BadInput(f"setting hw_decoder_load must lie within 0 and 1, not {self.hw_decoder_load}")

    @classmethod
    def tuned(cls, placement: Placement) -> Self:
        return cls(threads=placement.cores)

    @classmethod
    def documented(cls, placement: Placement) -> Self:  # noqa: ARG003 - the example names one number
        """As DALI's ImageNet example for PyTorch (resnet50/main.py): 4 threads, defaults elsewhere."""
        return cls(threads=4, mmap=True, resize="separate", reshuffle=False)


def _distribution() -> str:
    """DALI comes as one distribution for each CUDA generation; ours is named where none is installed."""
    names = ("nvidia-dali-cuda130", "nvidia-dali-cuda120")
    return next(filter(is_installed, names), names[0])


class Dali:
    """Reads `folder` and `wds`."""

    formats: ClassVar = frozenset(READERS)
    libraries: ClassVar = ("torch", _distribution())
    fused: ClassVar[tuple[tuple[Stage, ...], ...]] = ()
    settings: ClassVar = DaliSettings

    def __init__(
        self, workload: Workload, placement: Placement, *, until: Stage, settings: DaliSettings
    ) -> None:
        require("dali", Dali, workload)
        settings.check()
        _require_device(placement.device)
        preprocessing = image_preprocessing(workload)
        self._packed = preprocessing.layout == "channels_last"
        self._workload, self._placement = workload, placement
        self._until, self._settings = until, settings
        self._graph = _Graph(preprocessing, placement, until, settings)
        self._reader: Reader = READERS[workload.dataset.format](workload, placement)
        self._labels = workload.dataset.index.label
        self._pipeline: Any = None
        self._next = -1
        if self._batches():
            self._build(0)

    def epoch(self, number: int) -> Generator[Batch]:
        if number != self._next and self._batches():
            self._build(number)
        # While an epoch runs no number fits: after one that was abandoned the pipeline is built anew.
        self._next = -1
        size, left = self._workload.batch_size, len(self._reader.ids)
        for _ in range(self._batches()):
            yield self._batch(self._run(), min(size, left))
            left -= size
        if self._batches() and left > 0:
            self._run()  # DALI knows no drop_last: the epoch's short batch is made, and dropped here
        self._next = number + 1

    def close(self) -> None:
        self._pipeline = None

    def _batches(self) -> int:
        share, size = len(self._reader.ids), self._workload.batch_size
        return share // size if self._workload.drop_last else -(-share // size)

    def _run(self) -> tuple[Any, ...]:
        try:
            outputs: tuple[Any, ...] = self._pipeline.run()
        except RuntimeError as error:
            raise explained(error) from error
        return outputs

    def _batch(self, outputs: tuple[Any, ...], count: int) -> Batch:
        """DALI fills a rank's last batch up by repeating its last sample: `count` are real."""
        import torch
        from torch.utils.dlpack import from_dlpack

        ids = self._reader.found(outputs[0].as_array())[:count]
        if self._until is not Stage.BATCH:
            return Batch(None, None, ids)
        inputs = from_dlpack(outputs[1].as_tensor())[:count]
        labels = torch.from_numpy(self._labels[ids]).to(self._placement.device)
        return Batch(inputs.permute(0, 3, 1, 2) if self._packed else inputs, labels, ids)

    def _build(self, epoch: int) -> None:
        """A pipeline whose next epoch is `epoch`; a running one ends first."""
        from nvidia.dali import Pipeline

        self._pipeline = None
        first, second = self._seeds(epoch)
        pipeline = Pipeline(
            batch_size=min(self._workload.batch_size, len(self._reader.ids)),
            num_threads=self._settings.threads,
            device_id=_device_id(self._placement.device),
            prefetch_queue_depth=self._settings.prefetch,
            seed=first,
        )
        with TemporaryDirectory(prefix="pipebench-dali-") as scratch:
            with pipeline:
                payloads, marks = self._reader.read(Path(scratch), **self._reader_options(second))
                pipeline.set_outputs(marks, *self._graph.outputs(payloads))
            try:
                pipeline.build()
            except RuntimeError as error:
                raise explained(error) from error
        self._pipeline, self._next = pipeline, epoch

    def _seeds(self, epoch: int) -> list[int]:
        """Two that differ between ranks, and between pipelines that begin at different epochs."""
        entropy = [self._workload.seed, self._placement.rank, epoch]
        return [int(word) >> 1 for word in np.random.SeedSequence(entropy).generate_state(2)]

    def _reader_options(self, seed: int) -> dict[str, Any]:
        options: dict[str, Any] = {
            "pad_last_batch": True,
            "dont_use_mmap": not self._settings.mmap,
            "prefetch_queue_depth": self._settings.read_ahead,
        }
        if not self._workload.shuffle:
            return options
        if self._settings.reshuffle:
            options |= {"shuffle_after_epoch": True, "shuffle_after_epoch_seed": seed}
        # DALI's file reader takes one kind of shuffling; a new order of all files is the stronger one.
        if not self._settings.reshuffle or self._workload.dataset.format == "wds":
            options |= {"random_shuffle": True, "initial_fill": self._settings.shuffle_buffer, "seed": seed}
        return options


class _Graph:
    """The operators after the reader, for one recipe and up to one stage."""

    def __init__(
        self, preprocessing: ImagePreprocessing, placement: Placement, until: Stage, settings: DaliSettings
    ) -> None:
        self._preprocessing, self._until, self._settings = preprocessing, until, settings
        self._on_host = _device_id(placement.device) is None
        self._random = preprocessing.recipe == "train"

    def outputs(self, payloads: Any) -> list[Any]:
        """What the pipeline delivers. DALI drops operators that serve no output, hence `preserve`."""
        from nvidia.dali import fn

        if self._until is Stage.READ:
            if self._settings.mmap:
                fn.reductions.max(payloads, preserve=True)  # mapped pages are read when they are touched
            return []
        pictures = self._decode(payloads, preserve=self._until is Stage.DECODE)
        if self._until is Stage.DECODE:
            return []
        pixels = self._transform(pictures, preserve=self._until is Stage.TRANSFORM)
        return [] if self._until is Stage.TRANSFORM else [pixels]

    def _decode(self, payloads: Any, *, preserve: bool) -> Any:
        from nvidia.dali import fn

        options: dict[str, Any] = {
            "preserve": preserve,
            "adjust_orientation": False,
            "jpeg_fancy_upsampling": True,
        }
        if self._on_host:
            options |= {"device": "cpu"}
        else:
            options |= {"device": "mixed", "hw_decoder_load": self._settings.hw_decoder_load}
        if not self._random:
            return fn.decoders.image(payloads, **options)
        return fn.decoders.image_random_crop(
            payloads,
            random_area=list(CROP_AREA),
            random_aspect_ratio=list(CROP_ASPECT),
            num_attempts=CROP_TRIES,
            **options,
        )

    def _transform(self, pictures: Any, *, preserve: bool) -> Any:
        """The last operator alone is preserved, and pulls the others."""
        from nvidia.dali import fn

        size = [self._preprocessing.size] * 2
        mirror = fn.random.coin_flip(probability=0.5) if self._random else 0
        if self._settings.resize == "separate":
            return self._finish(fn.resize(pictures, size=size), mirror, preserve)
        done = (self._preprocessing.dtype, self._preprocessing.layout) == ("uint8", "channels_last")
        pixels = fn.resize_crop_mirror(
            pictures, size=size, crop=size, mirror=mirror, preserve=preserve and done
        )
        return pixels if done else self._finish(pixels, 0, preserve)

    def _finish(self, pixels: Any, mirror: Any, preserve: bool) -> Any:
        """Mirrors, brings to the layout, and normalises for float32."""
        from nvidia.dali import fn, types

        floating = self._preprocessing.dtype == "float32"
        return fn.crop_mirror_normalize(
            pixels,
            mirror=mirror,
            dtype=types.FLOAT if floating else types.UINT8,
            output_layout="CHW" if self._preprocessing.layout == "contiguous" else "HWC",
            mean=[255 * mean for mean in MEAN] if floating else 0.0,
            std=[255 * std for std in STD] if floating else 1.0,
            preserve=preserve,
        )


def _device_id(device: str) -> int | None:
    """The GPU's number, or None for the host."""
    kind, _, number = device.partition(":")
    return None if kind == "cpu" else int(number or 0)


def _require_device(device: str) -> None:
    """Raises `Unsupported` for a GPU that is not there, at which DALI fails with an assertion."""
    import torch

    number = _device_id(device)
    if number is not None and number >= torch.cuda.device_count():
        raise Unsupported(f"there is no device {device} on this host")
