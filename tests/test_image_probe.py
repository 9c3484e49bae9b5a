"""Crops are read back from colour ramps, and judged together."""

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from pipebench.kinds._image_probe import HEIGHT, WIDTH, Boxes, _reference, boxes, fault, payload

BILINEAR = Pillow.Resampling.BILINEAR


def _crop(box: tuple[int, int, int, int], side: int, *, mirror: bool) -> NDArray[Any]:
    with Pillow.open(io.BytesIO(payload())) as picture:
        small = np.asarray(picture.crop(box).resize((side, side), BILINEAR)).transpose(2, 0, 1)
    return small[..., ::-1] if mirror else small


@pytest.mark.parametrize("side", [16, 64, 224])
@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize(
    "box", [(0, 0, WIDTH, HEIGHT), (10, 20, 130, 110), (300, 200, 400, 300), (37, 0, 387, 262)]
)
def test_a_box_is_read_back(box: tuple[int, int, int, int], mirror: bool, side: int) -> None:
    found = boxes(_crop(box, side, mirror=mirror)[None])
    assert found[0, :4] == pytest.approx(box, abs=1.4)
    assert found[0, 4] == mirror


def _honest(seed: int, samples: int = 256) -> NDArray[np.float64]:
    """Two epochs of crops as they ought to be, read back with half a pixel of error."""
    generator = np.random.default_rng(seed)
    drawn = _reference()[generator.choice(30_000, 2 * samples, replace=False)].copy()
    drawn[:, :4] += generator.uniform(-0.5, 0.5, (2 * samples, 4))
    drawn[:, 4] = generator.random(2 * samples) < 0.5
    return drawn.reshape(2, samples, 5)


def test_honest_crops_pass_with_every_seed() -> None:
    assert [fault(_honest(seed)) for seed in range(40)] == [None] * 40


def _central(epochs: NDArray[np.float64]) -> NDArray[np.float64]:
    width, height = epochs[..., 2] - epochs[..., 0], epochs[..., 3] - epochs[..., 1]
    left, top = (WIDTH - width) / 2, (HEIGHT - height) / 2
    return np.stack([left, top, left + width, top + height, epochs[..., 4]], axis=-1)


def _scaled(epochs: NDArray[np.float64], across: float, down: float) -> NDArray[np.float64]:
    """Crops shrunk towards their own middle."""
    middle = (epochs[..., :2] + epochs[..., 2:4]) / 2
    half = (epochs[..., 2:4] - epochs[..., :2]) / 2 * [across, down]
    return np.concatenate([middle - half, middle + half, epochs[..., 4:]], axis=-1)


def _narrow_aspect(epochs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Aspect ratios of 0.8 to 1.25, as in DALI's own ImageNet example."""
    width, height = epochs[..., 2] - epochs[..., 0], epochs[..., 3] - epochs[..., 1]
    factor = (width / height) ** (np.log(0.8) / np.log(0.75) - 1)
    return _scaled_each(epochs, np.sqrt(factor), 1 / np.sqrt(factor))


def _scaled_each(epochs: Boxes, across: NDArray[np.float64], down: NDArray[np.float64]) -> Boxes:
    middle = (epochs[..., :2] + epochs[..., 2:4]) / 2
    half = (epochs[..., 2:4] - epochs[..., :2]) / 2 * np.stack([across, down], axis=-1)
    return np.concatenate([middle - half, middle + half, epochs[..., 4:]], axis=-1)


def _mirrored(epochs: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    flags = np.random.default_rng(0).random(epochs.shape[:2]) < share
    return np.concatenate([epochs[..., :4], flags[..., None]], axis=-1)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_central, "a centre crop stands in for random crops"),
        (lambda epochs: epochs[[0, 0]], "the same crops come in every epoch"),
        (lambda epochs: epochs[[0, 0]][:, ::-1], "the same crops come in every epoch"),
        (lambda epochs: epochs[:, np.arange(256) % 64], "crops repeat"),
        (lambda epochs: _scaled(epochs, 0.8, 0.8), "area is not as asked"),
        (_narrow_aspect, "aspect ratio is not as asked"),
        (lambda epochs: _scaled(epochs, 1.0, 0.8), "is not as asked"),
        (lambda epochs: epochs * [0.8, 1, 0.8, 1, 1], "is not as asked"),
        (lambda epochs: _mirrored(epochs, 0.0), "0% of the samples are mirrored"),
        (lambda epochs: _mirrored(epochs, 0.75), "of the samples are mirrored"),
        (lambda epochs: 0 * epochs + [0, 0, WIDTH, HEIGHT, 0], "a centre crop"),
    ],
)
def test_dishonest_crops_are_named(change: Any, sentence: str) -> None:
    found = fault(change(_honest(0)))
    assert found is not None
    assert sentence in found
