"""The image kind: class-labelled pictures, decoded to RGB and brought to S x S.

Recipes: `train` is RandomResizedCrop (area 0.08-1, aspect 3/4-4/3, antialiased bilinear) with a
horizontal flip; `check` resizes the whole picture to S x S. EXIF orientation is ignored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipebench.contract import Preprocessing, Unsupported, Workload
from pipebench.errors import BadInput, unknown
from pipebench.kinds import Probe, _image_payload
from pipebench.options import override

MEAN = (0.485, 0.456, 0.406)
"""ImageNet's channel means in 0..1, as torchvision's documentation gives them for its classifiers."""
STD = (0.229, 0.224, 0.225)
"""ImageNet's channel standard deviations, from the same place."""

CROP_AREA = (0.08, 1.0)
CROP_ASPECT = (3 / 4, 4 / 3)
"""RandomResizedCrop's ranges: share of the area, and width over height drawn log-uniformly."""
CROP_TRIES = 10
"""Draws before it falls back to the largest central crop within the aspect range."""

MEAN_LIMIT, TAIL_LIMIT, LARGEST_LIMIT = 0.5, 8, 32
"""Per image, in steps of 255, against Pillow: mean, 99.9th percentile and maximum difference.

Mean and percentile leave the outermost pixels out: there Pillow cuts its filter off where others repeat
the edge. Calibrated on 3000 photographs at 224 px, where a correct DALI reaches 0.198, 5 and 15 over all
pixels; over 1200 pictures at 16 to 384 px it reaches 0.196, 1 and 1 within, and 28 on the outermost.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePreprocessing(Preprocessing):
    """What is done to an image."""

    recipe: Literal["train", "check"] = "train"
    size: int = 224
    dtype: Literal["uint8", "float32"] = "uint8"
    """`float32` is normalised by the loader; `uint8` is left to the step's first act."""
    layout: Literal["contiguous", "channels_last"] = "contiguous"
    """Memory order of the (n, 3, S, S) tensor."""


def image_preprocessing(workload: Workload) -> ImagePreprocessing:
    """The workload's options, or `Unsupported` where its samples are not images."""
    if not isinstance(workload.preprocessing, ImagePreprocessing):
        raise Unsupported(f"reads images, and this dataset holds samples of kind {workload.dataset.kind!r}")
    return workload.preprocessing


class Image:
    """The kind `image`, as the harness asks it."""

    suffixes = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm"})

    def preprocessing(self, options: Mapping[str, str]) -> ImagePreprocessing:
        result = override(ImagePreprocessing(), options, "preprocessing option")
        if result.size < 1:
            raise BadInput(f"preprocessing option size must be at least 1, not {result.size}")
        return result

    def deterministic(self, preprocessing: ImagePreprocessing) -> ImagePreprocessing:
        return replace(preprocessing, recipe="check")

    def fault(self, payload: bytes, *, allow_large: bool = False) -> str | None:
        return _image_payload.fault(payload, allow_large=allow_large)

    def oversize(self, payload: bytes | memoryview) -> str | None:
        return _image_payload.oversize(payload)

    def extension(self, head: bytes) -> str | None:
        return _image_payload.extension(head)

    def decode(self, payload: bytes) -> Any:
        """With libjpeg-turbo; what that refuses (PNG, CMYK), with Pillow."""
        import simplejpeg

        try:
            return simplejpeg.decode_jpeg(payload, strict=False)
        except ValueError:
            return _image_payload.pillow_rgb(payload)

    def reference(self, payload: bytes, preprocessing: ImagePreprocessing) -> NDArray[Any]:
        """(3, S, S) by Pillow: decode, then antialiased bilinear; float32 is normalised."""
        from PIL import Image as Pillow

        size = (preprocessing.size, preprocessing.size)
        picture = _image_payload.pillow_rgb(payload).resize(size, Pillow.Resampling.BILINEAR)
        pixels = np.asarray(picture).transpose(2, 0, 1)
        return pixels if preprocessing.dtype == "uint8" else _normalise(pixels)

    def mismatch(
        self, got: NDArray[Any], expected: NDArray[Any], preprocessing: ImagePreprocessing
    ) -> str | None:
        from pipebench.kinds._image_causes import likely_cause

        if preprocessing.dtype == "float32":
            got, expected = _denormalise(got), _denormalise(expected)
        got, expected = got.astype(np.float32), expected.astype(np.float32)
        difference = np.abs(got - expected)
        within = difference[:, 1:-1, 1:-1] if preprocessing.size > 2 else difference
        found = (within.mean(), np.quantile(within, 0.999), difference.max())
        if all(value <= limit for value, limit in zip(found, _LIMITS, strict=True)):
            return None
        return (
            f"pixels differ from Pillow's by {found[0]:.2f} of 255 on average, {found[1]:.0f} at the "
            f"99.9th percentile and {found[2]:.0f} at most "
            f"(limits {MEAN_LIMIT}, {TAIL_LIMIT}, {LARGEST_LIMIT})" + likely_cause(got, expected)
        )

    def cheap(self, payload: bytes) -> Probe | None:
        """A grey JPEG of the same width and height, with comments in place of what it lacks in bytes."""
        flat = _image_payload.flat(payload)
        return None if flat is None else Probe(flat, ".jpg")

    def probe(self, preprocessing: ImagePreprocessing) -> Probe | None:
        """A colour ramp; below 16 pixels too little of it is left to read a crop from."""
        from pipebench.kinds import _image_probe

        return Probe(_image_probe.payload(), ".jpg") if preprocessing.size >= 16 else None

    def probe_marks(self, inputs: Any, preprocessing: ImagePreprocessing) -> NDArray[np.float64]:
        """Each crop's left, top, right, bottom in pixels of the ramp, and 1 where it is mirrored."""
        from pipebench.kinds import _image_probe

        pixels = inputs.cpu().numpy()
        return _image_probe.boxes(_denormalise(pixels) if preprocessing.dtype == "float32" else pixels)

    def random_fault(
        self,
        marks: NDArray[np.float64],
        preprocessing: ImagePreprocessing,  # noqa: ARG002 - one recipe is random
    ) -> str | None:
        from pipebench.kinds import _image_probe

        return _image_probe.fault(marks)

    def layout_fault(self, inputs: Any, count: int, preprocessing: ImagePreprocessing) -> str | None:
        import torch

        shape = (count, 3, preprocessing.size, preprocessing.size)
        if not isinstance(inputs, torch.Tensor):
            return f"inputs are a {type(inputs).__name__}, not a tensor"
        if tuple(inputs.shape) != shape:
            return f"inputs have shape {tuple(inputs.shape)}, not {shape}"
        if inputs.dtype != getattr(torch, preprocessing.dtype):
            return f"inputs have dtype {inputs.dtype}, not {preprocessing.dtype}"
        formats = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
        if not inputs.is_contiguous(memory_format=formats[preprocessing.layout]):
            return f"inputs are not laid out {preprocessing.layout} in memory (strides {inputs.stride()})"
        return None

    def models(self) -> list[str]:
        """torchvision's classifiers."""
        models = _torchvision_models()
        return sorted(models.list_models(module=models))

    def model(self, name: str, classes: int) -> Any:
        """A torchvision classifier with random weights, behind the normalisation of uint8 batches."""
        from torch import nn

        known = self.models()
        if name not in known:
            raise unknown("model", name, known)
        return nn.Sequential(_normalise_module(), _torchvision_models().get_model(name, num_classes=classes))


def _torchvision_models() -> Any:
    try:
        from torchvision import models
    except ImportError:
        raise BadInput("model steps need torchvision: pip install 'pipebench[model]'") from None
    return models


_LIMITS = (MEAN_LIMIT, TAIL_LIMIT, LARGEST_LIMIT)


def _normalise(pixels: NDArray[Any]) -> NDArray[np.float32]:
    mean, std = _columns()
    return ((pixels / np.float32(255) - mean) / std).astype(np.float32)


def _denormalise(values: NDArray[Any]) -> NDArray[np.float32]:
    mean, std = _columns()
    return ((values * std + mean) * np.float32(255)).astype(np.float32)


def _columns() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    mean, std = (np.array(values, np.float32).reshape(3, 1, 1) for values in (MEAN, STD))
    return mean, std


def _normalise_module() -> Any:
    import torch

    class Normalise(torch.nn.Module):
        """uint8 batches to normalised floats; float batches pass."""

        def __init__(self) -> None:
            super().__init__()
            for name, values in (("mean", MEAN), ("std", STD)):
                column = torch.tensor(values).reshape(1, 3, 1, 1) * 255
                self.register_buffer(name, column, persistent=False)

        def forward(self, inputs: Any) -> Any:
            if inputs.dtype != torch.uint8:
                return inputs
            return (inputs.float() - self.mean) / self.std

    return Normalise()
