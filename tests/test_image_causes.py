"""Guesses at why a picture differs from its reference."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from pipebench.kinds._image_causes import likely_cause

SIDE = 64


def _picture(seed: int = 0) -> Pillow.Image:
    """Soft blotches over a coarse grid, in colours that are not grey."""
    coarse = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), np.uint8)
    return Pillow.fromarray(coarse).resize((320, 240), Pillow.Resampling.BICUBIC)


def _planes(picture: Pillow.Image, filtering: Any = Pillow.Resampling.BILINEAR) -> NDArray[np.float32]:
    return np.asarray(picture.resize((SIDE, SIDE), filtering), np.float32).transpose(2, 0, 1)


def _half_pixel(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    return ((planes + np.roll(planes, 1, axis=2)) / 2).astype(np.float32)


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        (_planes(_picture())[::-1], "BGR for RGB"),
        (_planes(_picture())[..., ::-1], "mirrored"),
        (_planes(_picture(1)), "another sample's picture"),
        (_half_pixel(_planes(_picture())), "shifted by 0.5"),
        (_planes(_picture(), Pillow.Resampling.LANCZOS), "sharper, as by another resize filter"),
        (_planes(_picture(), Pillow.Resampling.NEAREST), "sharper, as by another resize filter"),
    ],
)
def test_a_cause_is_guessed(changed: NDArray[np.float32], cause: str) -> None:
    assert cause in likely_cause(changed, _planes(_picture()))


def test_noise_has_no_cause() -> None:
    noise = np.random.default_rng(2).normal(0, 5, (3, SIDE, SIDE)).astype(np.float32)
    assert likely_cause(_planes(_picture()) + noise, _planes(_picture())) == ""


def test_equal_pictures_have_no_cause() -> None:
    assert likely_cause(_planes(_picture()), _planes(_picture())) == ""
