"""Colour ramps from which a random crop can be read back, and what such crops must look like together.

Red grows from left to right and green from top to bottom, both in equal steps: a straight line through
the rows and columns of what a loader made of it gives the crop's box, to about a pixel.
"""

import io
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipebench.kinds.image import CROP_AREA, CROP_ASPECT, CROP_TRIES

WIDTH, HEIGHT = 400, 300
LOW, HIGH = 32, 224
"""The ramps' ends, away from 0 and 255, where JPEG would clip."""

SAME_BOX = 0.75
"""Pixels: boxes nearer than that in all four edges and mirrored alike are one. Two honest crops are that
near with a probability of about 1e-7."""
REPEATS = 0.05
"""Share of crops that may have a twin."""
CENTRAL = 2.0
"""Pixels between a crop's centre and the picture's within which it counts as central."""
DEVIATIONS = 5.3
"""Standard errors that a share may be off: 1e-7 two-sided, since an honest loader must never be refused."""
REFERENCE_DRAWS = 40_000

Boxes = NDArray[np.float64]
"""(n, 5): left, top, right, bottom in pixels, and whether mirrored."""


def payload() -> bytes:
    """The ramps as a JPEG."""
    from PIL import Image as Pillow

    across = _ramp(WIDTH)[None, :].repeat(HEIGHT, 0)
    down = _ramp(HEIGHT)[:, None].repeat(WIDTH, 1)
    pixels = np.stack([across, down, np.full_like(across, 128)], axis=-1)
    file = io.BytesIO()
    Pillow.fromarray(pixels.round().astype(np.uint8)).save(file, "JPEG", quality=95)
    return file.getvalue()


def boxes(pixels: NDArray[Any]) -> Boxes:
    """The crops that were made of ramps; `pixels` is (n, 3, S, S) in steps of 255."""
    left, right = _edges(pixels[:, 0].mean(axis=1, dtype=np.float64), WIDTH)
    top, bottom = _edges(pixels[:, 1].mean(axis=2, dtype=np.float64), HEIGHT)
    mirrored = left > right
    return np.stack(
        [np.minimum(left, right), top, np.maximum(left, right), bottom, mirrored.astype(np.float64)], axis=1
    )


def fault(epochs: NDArray[np.float64]) -> str | None:
    """How the boxes of two epochs (2, n, 5), in id order, differ from random crops; None if they don't."""
    everything = epochs.reshape(-1, 5)
    return next(_faults(epochs, everything), None)


def _faults(epochs: NDArray[np.float64], everything: Boxes) -> Iterator[str]:
    central = _central(everything).mean()
    if central > 0.5:
        yield f"a centre crop stands in for random crops: {central:.0%} of the crops are central"
    yield from _repeats(epochs, everything)
    for feature in _features(everything):
        yield from _distribution(feature)
    mirrored, error = everything[:, 4].mean(), 0.5 / np.sqrt(len(everything))
    if abs(mirrored - 0.5) > DEVIATIONS * error:
        yield f"{mirrored:.0%} of the samples are mirrored, not half of them"


def _repeats(epochs: NDArray[np.float64], everything: Boxes) -> Iterator[str]:
    first, second = epochs
    again = _same(first, second).mean()
    if again > REPEATS:
        yield f"the same crops come in every epoch: {again:.0%} of the samples are cropped alike in two"
    twins = _same(everything[:, None], everything[None]).sum(axis=1) > 1
    if twins.mean() > REPEATS:
        yield f"crops repeat: {twins.mean():.0%} of them are the crop of another sample too"


def _same(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = np.abs(one - other).max(axis=-1) < SAME_BOX
    return result


def _central(found: Boxes) -> NDArray[np.bool_]:
    across = np.abs(found[:, 0] + found[:, 2] - WIDTH) / 2
    down = np.abs(found[:, 1] + found[:, 3] - HEIGHT) / 2
    result: NDArray[np.bool_] = np.maximum(across, down) < CENTRAL
    return result


class _Feature(NamedTuple):
    """One property of crops, as found and as it ought to be."""

    name: str
    found: NDArray[np.float64]
    expected: NDArray[np.float64]


def _features(found: Boxes) -> Iterator[_Feature]:
    reference = _reference()
    for name, of in (("area", _area), ("aspect ratio", _aspect)):
        yield _Feature(name, of(found), of(reference))
    for name, low, high, extent in (("horizontal place", 0, 2, WIDTH), ("vertical place", 1, 3, HEIGHT)):
        yield _Feature(name, _place(found, low, high, extent), _place(reference, low, high, extent))


def _area(found: Boxes) -> NDArray[np.float64]:
    result: NDArray[np.float64] = (found[:, 2] - found[:, 0]) * (found[:, 3] - found[:, 1]) / (WIDTH * HEIGHT)
    return result


def _aspect(found: Boxes) -> NDArray[np.float64]:
    result: NDArray[np.float64] = (found[:, 2] - found[:, 0]) / np.maximum(found[:, 3] - found[:, 1], 1e-6)
    return result


def _place(found: Boxes, low: int, high: int, extent: int) -> NDArray[np.float64]:
    """0 at one border and 1 at the other, of crops that leave a tenth free."""
    free = extent - (found[:, high] - found[:, low])
    loose = free > extent / 10
    result: NDArray[np.float64] = found[loose, low] / free[loose]
    return result


def _distribution(feature: _Feature) -> Iterator[str]:
    """Kolmogorov's distance, and the share in the outer tenths, to which that distance is blind.

    The distance's limit is that of Dvoretzky, Kiefer and Wolfowitz, sqrt(ln(2 / p) / 2n) for p = 1e-7,
    for both samples.
    """
    found, expected = np.sort(feature.found), np.sort(feature.expected)
    if not len(found):
        yield f"crops leave no room for a {feature.name}: they are as large as the picture"
        return
    distance = _distance(found, expected)
    limit = sum(np.sqrt(np.log(2e7) / (2 * len(sample))) for sample in (found, expected))
    low, high = np.quantile(expected, [0.1, 0.9])
    outer = ((found < low) | (found > high)).mean()
    if distance > limit or abs(outer - 0.2) > DEVIATIONS * np.sqrt(0.16 / len(found)):
        yield (
            f"the crops' {feature.name} is not as asked: its deciles are "
            f"{_deciles(found)}, and {_deciles(expected)} in RandomResizedCrop"
        )


def _distance(found: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    points = np.concatenate([found, expected])
    shares = [np.searchsorted(sample, points, side="right") / len(sample) for sample in (found, expected)]
    return float(np.abs(shares[0] - shares[1]).max())


def _deciles(values: NDArray[np.float64]) -> str:
    low, middle, high = np.quantile(values, [0.1, 0.5, 0.9])
    return f"{low:.2f} | {middle:.2f} | {high:.2f}"


@cache
def _reference() -> Boxes:
    """Crops of the probe as torchvision's RandomResizedCrop draws them, without its rare fallback."""
    generator = np.random.default_rng(0)
    shape = (REFERENCE_DRAWS, CROP_TRIES)
    area = generator.uniform(*CROP_AREA, shape) * WIDTH * HEIGHT
    low, high = np.log(CROP_ASPECT)
    aspect = np.exp(generator.uniform(float(low), float(high), shape))
    width, height = np.round(np.sqrt(area * aspect)), np.round(np.sqrt(area / aspect))
    fits = (width <= WIDTH) & (height <= HEIGHT)
    rows = np.flatnonzero(fits.any(axis=1))
    chosen = fits[rows].argmax(axis=1)
    width, height = width[rows, chosen], height[rows, chosen]
    left = np.floor(generator.uniform(0, WIDTH - width + 1))
    top = np.floor(generator.uniform(0, HEIGHT - height + 1))
    return np.stack([left, top, left + width, top + height, np.zeros(len(rows))], axis=1)


def _ramp(length: int) -> NDArray[np.float64]:
    result: NDArray[np.float64] = LOW + (HIGH - LOW) * (np.arange(length) + 0.5) / length
    return result


def _edges(lines: NDArray[np.float64], extent: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the lines (n, S) begin and end in the picture, from least squares without the outer pixels."""
    size = lines.shape[1]
    centres = np.arange(1, size - 1) + 0.5
    slope, start = np.polyfit(centres, lines[:, 1:-1].T, 1)
    scale = extent / (HIGH - LOW)
    return (start - LOW) * scale, (start + slope * size - LOW) * scale
