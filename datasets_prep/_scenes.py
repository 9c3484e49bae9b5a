"""The stock of synthetic scenery that every synthetic picture is cut from.

A scene follows the dead-leaves model (Lee, Mumford, Huang: "Occlusion models for natural images",
2001): leaves whose radii follow a cubic power law cover one another, which gives the 1/f amplitude
spectrum, the sharp edges and the flat areas of photographs. Leaves differ in how rough they are,
and roughness scales a field of 1/f noise.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

SIDE = 1024
"""Pixels along each side of every field; fields wrap around."""
SCENES = 3
LEAVES = 5000
"""They cover a scene about twice."""
RADII = (4.0, 320.0)
"""Pixels; the power law needs both ends (a scene of unbounded leaves is one leaf)."""
BLUR = 0.7
"""Pixels to each side: what a lens and a sensor's colour filter leave of an edge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Fields of SIDE x SIDE (`luma`, `roughness`) and SIDE/2 x SIDE/2 (the colour differences)."""

    luma: Plane
    """Mean 0, standard deviation 1."""
    roughness: Plane
    """0 (flat) to 1."""
    blue: Plane
    """Colour difference, mean 0, in steps of 255."""
    red: Plane


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenery:
    """All that pictures of one seed are cut from."""

    scenes: tuple[Scene, ...]
    texture: Plane
    """1/f noise, mean 0, standard deviation 1."""
    grain: Plane
    """Sensor noise: white, softened by one pixel, mean 0, standard deviation 1."""


@lru_cache(maxsize=1)
def scenery(seed: int) -> Scenery:
    """The scenery of a seed, made once in a process (some 0.4 s)."""
    rng = np.random.default_rng([seed, 0])
    return Scenery(
        scenes=tuple(_scene(rng) for _ in range(SCENES)),
        texture=_shaped_noise(rng, exponent=-1.0),
        grain=_blurred(rng.standard_normal((SIDE, SIDE)).astype(np.float32)),
    )


def crop(field: Plane, top: int, left: int, height: int, width: int) -> Plane:
    """A window of a field that wraps around; a view where it fits, else a copy."""
    rows, columns = field.shape
    top, left = top % rows, left % columns
    if top + height <= rows and left + width <= columns:
        return field[top : top + height, left : left + width]
    return field[np.ix_(np.arange(top, top + height) % rows, np.arange(left, left + width) % columns)]


def _scene(rng: np.random.Generator) -> Scene:
    planes = np.asarray(_leaves(rng), np.float32)
    luma, blue, red, roughness = (planes[:, :, channel] for channel in range(4))
    return Scene(
        luma=_standard(luma),
        roughness=np.ascontiguousarray(roughness) / np.float32(255),
        blue=_halved(blue - blue.mean()),
        red=_halved(red - red.mean()),
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


def _shaped_noise(rng: np.random.Generator, exponent: float) -> Plane:
    """Gaussian noise whose amplitude spectrum is frequency ** exponent; periodic."""
    rows, columns = np.fft.fftfreq(SIDE), np.fft.rfftfreq(SIDE)
    frequency = np.sqrt(np.add.outer(rows**2, columns**2))
    frequency[0, 0] = 1
    spectrum = np.fft.rfft2(rng.standard_normal((SIDE, SIDE))) * frequency**exponent
    return _standard(np.fft.irfft2(spectrum).astype(np.float32))


def _blurred(field: Plane) -> Plane:
    """Each pixel averaged with its right and lower neighbour."""
    return _standard(field + np.roll(field, 1, 0) + np.roll(field, 1, 1))


def _standard(field: Plane) -> Plane:
    standard: Plane = ((field - field.mean()) / field.std()).astype(np.float32)
    return standard


def _halved(field: Plane) -> Plane:
    half: Plane = field.reshape(SIDE // 2, 2, SIDE // 2, 2).mean((1, 3), dtype=np.float32)
    return half
