"""What each synthetic photograph will be: its size, its bytes, its variety of JPEG."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SIZES = (
    (500, 375, 32), (500, 333, 15), (375, 500, 11), (333, 500, 6), (500, 400, 4), (500, 500, 4),
    (640, 480, 6), (400, 300, 5), (320, 240, 4), (500, 281, 3), (250, 188, 3), (200, 150, 2),
    (800, 600, 3), (1024, 768, 1), (1600, 1200, 1),
)  # fmt: skip
"""(width, height, weight), shaped after ImageNet's training set: median 500 x 375, a long tail."""
_BY_PIXELS = sorted(SIZES, key=lambda size: size[0] * size[1])
"""In order of pixels, so that near draws give near sizes."""
SIDES = np.array([size[:2] for size in _BY_PIXELS], float)
_SHARES = np.array([size[2] for size in _BY_PIXELS]) / sum(size[2] for size in SIZES)
MEAN_PIXELS = float(_SHARES @ SIDES.prod(axis=1))
SIZE_JITTER = 0.03
"""The shorter side varies by this share, so that few sides are multiples of a JPEG block."""
BYTES_SPREAD = 1.7
"""Pictures of one size take from 1/1.7 to 1.7 times their middle bytes, evenly in the logarithm."""
BYTES_BY_PIXELS = 0.7
"""Bytes grow with this power of the pixels: larger photographs are smoother from pixel to pixel."""
GREY, PROGRESSIVE, FULL_COLOUR, HALF_COLOUR = 0.03, 0.03, 0.05, 0.03
"""Shares of pictures: greyscale; progressive; 4:4:4; 4:2:2. All others are baseline 4:2:0."""

BITS_RANGE = (0.75, 4.6)
"""Mean bits a pixel that photographs compress to; pictures shrink or grow where more or less is asked."""
GOLDEN = (0.7548776662466927, 0.5698402909980532)
"""1/g and 1/g^2 for g^3 = g + 1: the plane's additive recurrence of lowest discrepancy (Roberts, 2018).

With it a small dataset, too, has the whole range of sizes.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What the pictures of a dataset have in common; with a number it determines a picture."""

    seed: int
    samples: int
    mean_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a picture will be, before any pixel of it."""

    width: int
    height: int
    target: int
    """Bytes to come near to."""
    grey: bool
    progressive: bool
    chroma: tuple[int, int]
    """Luma pixels to a chroma pixel, across and down."""

    @property
    def rows(self) -> int:
        """Of the planes that are rendered: even, so that colour planes of half the size fit."""
        return self.height + self.height % 2

    @property
    def columns(self) -> int:
        return self.width + self.width % 2

    @property
    def bits(self) -> float:
        """A pixel."""
        return 8 * self.target / (self.width * self.height)


def make_plan(series: Series, number: int, rng: np.random.Generator) -> Plan:
    """The picture's size, bytes and variety."""
    sizes, weights = _even_draws(series.seed, np.array([number]))
    wide, high = _growth(series) * SIDES[sizes[0]]
    width, height = _jittered(wide, high, rng)
    kind, coding = rng.random(2)
    return Plan(
        width=width,
        height=height,
        target=round(float(weights[0]) * _bytes_of_weight_one(series)),
        grey=bool(kind < GREY),
        progressive=bool(coding < PROGRESSIVE),
        chroma=_chroma(kind - GREY),
    )


def _even_draws(seed: int, numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each number a position in SIDES, and a weight: its bytes beside those of the others."""
    starts = np.random.default_rng([seed, 2]).random(2)
    size_draws, spread_draws = (np.outer(GOLDEN, numbers) + starts[:, None]) % 1.0
    sizes = np.searchsorted(np.cumsum(_SHARES)[:-1], size_draws, side="right")
    pixels = SIDES[sizes].prod(axis=1) / MEAN_PIXELS
    return sizes, pixels**BYTES_BY_PIXELS * BYTES_SPREAD ** (2 * spread_draws - 1)


@lru_cache(maxsize=1)
def _bytes_of_weight_one(series: Series) -> float:
    """The factor that gives the whole series the mean that was asked for."""
    return series.mean_bytes / float(_even_draws(series.seed, np.arange(series.samples))[1].mean())


def _growth(series: Series) -> float:
    """By how much sides grow or shrink so that the mean bits a pixel stay within BITS_RANGE."""
    bits = 8 * series.mean_bytes / MEAN_PIXELS
    low, high = BITS_RANGE
    return math.sqrt(bits / min(max(bits, low), high))


def _jittered(wide: float, high: float, rng: np.random.Generator) -> tuple[int, int]:
    stretch = rng.uniform(1 - SIZE_JITTER, 1 + SIZE_JITTER)
    width, height = (wide, high * stretch) if wide >= high else (wide * stretch, high)
    return max(8, round(width)), max(8, round(height))


def _chroma(draw: float) -> tuple[int, int]:
    if 0 <= draw < FULL_COLOUR:
        return (1, 1)
    return (2, 1) if 0 <= draw - FULL_COLOUR < HALF_COLOUR else (2, 2)
