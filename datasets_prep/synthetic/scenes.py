"""The stock of synthetic scenery that every synthetic picture is cut from.

A scene follows the dead-leaves model (Lee, Mumford, Huang: "Occlusion models for natural images",
2001): leaves whose radii follow a cubic power law cover one another, which gives the 1/f amplitude
spectrum, the sharp edges and the flat areas of photographs. Leaves differ in how rough they are,
and roughness scales a field of 1/f noise.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=np.generic)
Plane = NDArray[np.uint8]
Noise = NDArray[np.int8]

SIDE = 1024
"""Pixels along each side of every field; fields wrap around."""
SCENES = 3
LUMA_SPREAD = 69.0
"""Standard deviation of a scene's luma, about LUMA_MEAN, in steps of 255."""
LUMA_MEAN = 128
LEAVES = 5000
"""They cover a scene about twice."""
RADII = (4.0, 320.0)
"""Pixels; the power law needs both ends (a scene of unbounded leaves is one leaf)."""
BLUR = 0.7
"""Pixels to each side: what a lens and a sensor's colour filter leave of an edge."""


NOISE_UNIT = 32
"""What stands for one standard deviation in a field of noise; more than four are cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Fields of SIDE x SIDE (`luma`, `roughness`) and SIDE/2 x SIDE/2 (the colour differences)."""

    luma: Plane
    """0 to 255, about LUMA_MEAN, evenly spread."""
    roughness: Plane
    """0 (flat) to 255."""
    blue: Plane
    """Colour difference; 128 is none."""
    red: Plane


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenery:
    """All that pictures of one seed are cut from. Small integers: 11 MB stay in a processor's cache."""

    scenes: tuple[Scene, ...]
    texture: Noise
    """1/f noise."""
    grain: Noise
    """Sensor noise: white, softened by one pixel."""


@lru_cache(maxsize=1)
def scenery(seed: int) -> Scenery:
    """The scenery of a seed, made once in a process (some 0.3 s)."""
    rng = np.random.default_rng([seed, 0])
    return Scenery(
        scenes=tuple(_scene(rng) for _ in range(SCENES)),
        texture=_noise(_shaped(rng.standard_normal((SIDE, SIDE)), exponent=-1.0)),
        grain=_noise(_softened(rng.standard_normal((SIDE, SIDE)))),
    )


def crop(field: NDArray[T], top: int, left: int, height: int, width: int) -> NDArray[T]:
    """A window of a field that wraps around; a view where it fits, else a copy."""
    rows, columns = field.shape
    top, left = top % rows, left % columns
    if top + height <= rows and left + width <= columns:
        return field[top : top + height, left : left + width]
    return field[np.ix_(np.arange(top, top + height) % rows, np.arange(left, left + width) % columns)]


def _scene(rng: np.random.Generator) -> Scene:
    luma, blue, red, roughness = _leaves(rng).split()
    return Scene(
        luma=np.array(luma),
        roughness=np.array(roughness),
        blue=np.array(blue.reduce(2)),
        red=np.array(red.reduce(2)),
    )


def _leaves(rng: np.random.Generator) -> Any:
    """A four-channel Pillow picture: luma, two colour differences, roughness."""
    from PIL import Image, ImageDraw, ImageFilter

    picture = Image.new("CMYK", (SIDE, SIDE), (128, 128, 128, 60))
    draw = ImageDraw.Draw(picture)
    paints = _paints(rng).tolist()
    for (x, y), (wide, high), paint in zip(_centres(rng), _half_axes(rng), paints, strict=True):
        for box in _wrapped(x, y, wide, high):
            draw.ellipse(box, fill=tuple(paint))
    return picture.filter(ImageFilter.BoxBlur(BLUR))


def _paints(rng: np.random.Generator) -> NDArray[np.uint8]:
    """(LEAVES, 4): neighbours in brightness differ more than in colour, and most leaves are smooth."""
    luma = rng.uniform(0, 255, LEAVES)
    colour = 128 + 15 * rng.standard_normal((LEAVES, 2))
    roughness = 255 * rng.random(LEAVES) ** 2
    return np.clip(np.column_stack([luma, colour, roughness]), 0, 255).astype(np.uint8)


def _centres(rng: np.random.Generator) -> list[list[float]]:
    centres: list[list[float]] = rng.uniform(0, SIDE, (LEAVES, 2)).tolist()
    return centres


def _half_axes(rng: np.random.Generator) -> list[list[float]]:
    """Radii with density r^-3 between RADII, by inversion, stretched at random along one axis."""
    small, large = (radius**-2 for radius in RADII)
    radii = (small + rng.random(LEAVES) * (large - small)) ** -0.5
    stretch = np.exp(0.35 * rng.standard_normal(LEAVES))
    axes: list[list[float]] = np.column_stack([radii * stretch, radii / stretch]).tolist()
    return axes


def _wrapped(x: float, y: float, wide: float, high: float) -> list[tuple[float, float, float, float]]:
    """The ellipse's box, and its copies where it crosses the picture's ends."""
    shifts_x = [0, SIDE if x < SIDE / 2 else -SIDE] if not wide <= x <= SIDE - wide else [0]
    shifts_y = [0, SIDE if y < SIDE / 2 else -SIDE] if not high <= y <= SIDE - high else [0]
    return [
        (x + dx - wide, y + dy - high, x + dx + wide, y + dy + high) for dx in shifts_x for dy in shifts_y
    ]


def _shaped(white: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    """Noise whose amplitude spectrum is frequency ** exponent; periodic."""
    rows, columns = np.fft.fftfreq(SIDE), np.fft.rfftfreq(SIDE)
    frequency = np.sqrt(np.add.outer(rows**2, columns**2))
    frequency[0, 0] = 1
    return np.fft.irfft2(np.fft.rfft2(white) * frequency**exponent)


def _softened(field: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each pixel averaged with its right and lower neighbour."""
    softened: NDArray[np.float64] = field + np.roll(field, 1, 0) + np.roll(field, 1, 1)
    return softened


def _noise(field: NDArray[np.float64]) -> Noise:
    units = NOISE_UNIT * (field - field.mean()) / field.std()
    noise: Noise = np.clip(np.rint(units), -127, 127).astype(np.int8)
    return noise
