"""Crops and flips that follow from (seed, epoch, id) alone, whichever worker draws them, and when."""

import math
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pipebench.kinds.image import CROP_AREA, CROP_ASPECT, CROP_TRIES, ImagePreprocessing

_STEP = 0x9E3779B97F4A7C15
_DRAWS = 2 * CROP_TRIES + 3
_WORD = (1 << 64) - 1


class Box(NamedTuple):
    """A crop in pixels."""

    top: int
    left: int
    height: int
    width: int


class Geometry(Protocol):
    """What happens to each sample of one batch; `row` is its place in the batch."""

    flip: list[bool]

    def box(self, row: int, height: int, width: int) -> Box:
        """The crop of a picture of that size."""
        ...


class Whole:
    """The recipe `check`: the whole picture, as it is."""

    def __init__(self, count: int) -> None:
        self.flip = [False] * count

    def box(self, row: int, height: int, width: int) -> Box:  # noqa: ARG002 - the same for every row
        return Box(0, 0, height, width)


class RandomCrops:
    """The recipe `train`: torchvision's RandomResizedCrop and horizontal flip, drawn for a whole batch."""

    def __init__(self, seed: int, epoch: int, ids: NDArray[np.int64]) -> None:
        draws = uniforms(seed, epoch, ids, _DRAWS)
        area = CROP_AREA[0] + (CROP_AREA[1] - CROP_AREA[0]) * draws[:, :CROP_TRIES]
        low, high = np.log(CROP_ASPECT)
        aspect = np.exp(low + (high - low) * draws[:, CROP_TRIES : 2 * CROP_TRIES])
        self._heights: list[list[float]] = np.sqrt(area / aspect).tolist()
        self._widths: list[list[float]] = np.sqrt(area * aspect).tolist()
        self._down: list[float] = draws[:, -3].tolist()
        self._across: list[float] = draws[:, -2].tolist()
        self.flip: list[bool] = (draws[:, -1] < 0.5).tolist()

    def box(self, row: int, height: int, width: int) -> Box:
        """The first draw that fits, or the largest central crop within the aspect range."""
        side = math.sqrt(height * width)
        for down, across in zip(self._heights[row], self._widths[row], strict=True):
            rows, columns = round(down * side), round(across * side)
            if 0 < rows <= height and 0 < columns <= width:
                top = int(self._down[row] * (height - rows + 1))
                return Box(top, int(self._across[row] * (width - columns + 1)), rows, columns)
        return _central(height, width)


def geometry(preprocessing: ImagePreprocessing, seed: int, epoch: int, ids: NDArray[np.int64]) -> Geometry:
    """What the recipe does to the samples `ids` in that epoch."""
    return Whole(len(ids)) if preprocessing.recipe == "check" else RandomCrops(seed, epoch, ids)


def uniforms(seed: int, epoch: int, ids: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """(n, count) numbers in [0, 1), each from a SplitMix64 hash of (seed, epoch, id, column).

    SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    start = stream(seed, epoch)
    column = np.arange(1, count + 1, dtype=np.uint64)
    counters: NDArray[np.uint64] = ids.astype(np.uint64)[:, None] * np.uint64(count) + column
    bits = _mixed(counters * np.uint64(_STEP) + np.uint64(start))
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def stream(seed: int, epoch: int) -> int:
    """64 bits that name an epoch's randomness."""
    first = _mixed(np.array([(seed + 1) * _STEP & _WORD], np.uint64))
    return int(_mixed(first + np.array([(epoch + 1) * _STEP & _WORD], np.uint64))[0])


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def _central(height: int, width: int) -> Box:
    rows = min(height, round(width / CROP_ASPECT[0]))
    columns = min(width, round(height * CROP_ASPECT[1]))
    return Box((height - rows) // 2, (width - columns) // 2, rows, columns)
