"""One synthetic photograph: a pure function of the seed, its number and the mean size asked for."""

import io
import math
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._scenes import SCENES, SIDE, Plane, Scene, Scenery, crop, scenery

SIZES = (
    (500, 375, 32), (500, 333, 15), (375, 500, 11), (333, 500, 6), (500, 400, 4), (500, 500, 4),
    (640, 480, 6), (400, 300, 5), (320, 240, 4), (500, 281, 3), (250, 188, 3), (200, 150, 2),
    (800, 600, 3), (1024, 768, 1), (1600, 1200, 1),
)  # fmt: skip
"""(width, height, weight), shaped after ImageNet's training set: median 500 x 375, a long tail."""
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
QUALITIES = (20, 99)
TOLERANCE = 0.05
"""Relative distance from the byte target at which the search for a quality stops."""
TRIES = 4
STEEPNESS = 0.7
"""d log(bytes) / -d log(quantiser scale), for the search's first step; measured on photographs."""

GOLDEN = (0.7548776662466927, 0.5698402909980532)
"""1/g and 1/g^2 for g^3 = g + 1: the plane's additive recurrence of lowest discrepancy (Roberts, 2018).

Sizes drawn with it have nearly the right mean in a dataset of any length.
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


CONTRAST = (30.0, 60.0)
"""Standard deviation of a picture's large forms, in steps of 255."""
GRAIN = 0.1
"""Sensor noise over texture."""

Planes = tuple[NDArray[np.uint8], ...]
"""Y, or Y, Cb, Cr."""


def picture(series: Series, number: int) -> bytes:
    """The JPEG file of picture `number` (0 to samples - 1)."""
    rng = np.random.default_rng([series.seed, 1, number])
    plan = make_plan(series, number, rng)
    return _coded(render(plan, scenery(series.seed), rng), plan)


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


def render(plan: Plan, stock: Scenery, rng: np.random.Generator) -> Planes:
    """Two scenes, one seen through shapes cut in the other, textured, lit and with grain."""
    far, near = (_View.draw(stock, plan, rng) for _ in range(2))
    small = _shapes(plan, rng)
    luma = _luma(far, near, _enlarged(small, plan.rows, plan.columns), stock, plan, rng)
    if plan.grey:
        return (luma,)
    colours = (_blend(far.colour(n, plan), near.colour(n, plan), small) for n in ("blue", "red"))
    return (luma, *(_chroma_plane(colour + rng.uniform(118, 138), plan) for colour in colours))


def _luma(
    far: "_View", near: "_View", mask: Plane, stock: Scenery, plan: Plan, rng: np.random.Generator
) -> NDArray[np.uint8]:
    detail = _detail(plan, rng)
    roughness = _blend(far.luma("roughness", plan), near.luma("roughness", plan), mask)
    luma = _blend(far.luma("luma", plan), near.luma("luma", plan), mask)
    luma *= _contrast(plan, rng)
    luma += _light(plan, rng)
    roughness *= detail
    roughness *= _window(stock.texture, plan, rng)
    luma += roughness
    luma += _window(stock.grain, plan, rng) * (GRAIN * detail)
    return _bytes(luma)


_BY_PIXELS = sorted(SIZES, key=lambda size: size[0] * size[1])
"""In order of pixels, so that near draws give near sizes."""
SIDES = np.array([size[:2] for size in _BY_PIXELS], float)
_SHARES = np.array([size[2] for size in _BY_PIXELS]) / sum(size[2] for size in SIZES)
MEAN_PIXELS = float(_SHARES @ SIDES.prod(axis=1))


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """Where in which scene a picture looks."""

    scene: Scene
    top: int
    left: int

    @staticmethod
    def draw(stock: Scenery, plan: Plan, rng: np.random.Generator) -> "_View":
        top, left = _corner(plan, rng)
        return _View(scene=stock.scenes[rng.integers(SCENES)], top=top & ~1, left=left & ~1)

    def luma(self, name: str, plan: Plan) -> Plane:
        return crop(getattr(self.scene, name), self.top, self.left, plan.rows, plan.columns)

    def colour(self, name: str, plan: Plan) -> Plane:
        return crop(getattr(self.scene, name), self.top // 2, self.left // 2, *_half(plan))


def _corner(plan: Plan, rng: np.random.Generator) -> tuple[int, int]:
    """The top left corner of a random window: inside the field where it fits, for a crop without a copy."""
    room = [max(SIDE - plan.rows, 0) + 1, max(SIDE - plan.columns, 0) + 1]
    top, left = rng.integers(0, room)
    return int(top), int(left)


def _half(plan: Plan) -> tuple[int, int]:
    return (plan.rows + 1) // 2, (plan.columns + 1) // 2


def _window(field: Plane, plan: Plan, rng: np.random.Generator) -> Plane:
    return crop(field, *_corner(plan, rng), plan.rows, plan.columns)


def _shapes(plan: Plan, rng: np.random.Generator) -> Plane:
    """Half the picture's height and width; 1 where the nearer scene shows."""
    from PIL import Image, ImageDraw

    high, wide = _half(plan)
    mask = Image.new("L", (wide, high))
    draw = ImageDraw.Draw(mask)
    for corners in rng.integers(3, 8, rng.integers(2, 6)):
        draw.polygon(_outline(wide, high, int(corners), rng), fill=int(rng.random() < 0.7))
    return np.asarray(mask, np.float32)


def _enlarged(plane: Plane, height: int, width: int) -> Plane:
    """Brought to another size with linear interpolation, which leaves edges as soft as a lens does."""
    from PIL import Image

    image = Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(image, np.float32)


def _outline(wide: int, high: int, corners: int, rng: np.random.Generator) -> list[tuple[float, float]]:
    """A polygon around a random centre, a fifth to half of the picture across."""
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    reach = rng.uniform(0.1, 0.25, corners) * (wide + high)
    x, y = rng.random(2) * (wide, high)
    corner_x, corner_y = x + reach * np.cos(angles), y + reach * np.sin(angles)
    return list(zip(corner_x.tolist(), corner_y.tolist(), strict=True))


def _blend(far: Plane, near: Plane, mask: Plane) -> Plane:
    return far + mask * (near - far)


def _light(plan: Plan, rng: np.random.Generator) -> Plane:
    """(height, width): brightness that falls off along a random direction."""
    across, down = rng.normal(0, 25, 2)
    rows = np.linspace(-down, down, plan.rows, dtype=np.float32)
    columns = np.linspace(-across, across, plan.columns, dtype=np.float32)
    return (rows + np.float32(rng.uniform(95, 150)))[:, None] + columns


def _contrast(plan: Plan, rng: np.random.Generator) -> float:
    """Steps of 255 by which large forms vary: less in pictures that take few bytes."""
    return float(rng.uniform(*CONTRAST) * min(1.0, math.sqrt(plan.bits / 2)))


def _detail(plan: Plan, rng: np.random.Generator) -> float:
    """Steps of 255 by which texture varies: pictures that take more bytes show more of it."""
    return float(6 * plan.bits**1.15 * math.exp(rng.normal(0, 0.2)))


def _chroma_plane(plane: Plane, plan: Plan) -> NDArray[np.uint8]:
    """A half-size plane at the plan's chroma resolution."""
    high, wide = -(-plan.rows // plan.chroma[1]), -(-plan.columns // plan.chroma[0])
    return _bytes(plane if (high, wide) == plane.shape else _enlarged(plane, high, wide))


def _bytes(plane: Plane) -> NDArray[np.uint8]:
    return np.clip(plane, 0, 255).astype(np.uint8)


def _coded(planes: Planes, plan: Plan) -> bytes:
    """The file, at the quality that comes nearest to the target of at most TRIES that are tried."""
    tried: dict[int, bytes] = {}
    quality = _first_quality(plan)
    while quality not in tried and len(tried) < TRIES:
        tried[quality] = _baseline(planes, plan, quality)
        if abs(len(tried[quality]) / plan.target - 1) <= TOLERANCE:
            break
        quality = _next_quality(tried, quality, plan.target)
    best = min(tried, key=lambda quality: abs(len(tried[quality]) - plan.target))
    return _progressive(planes, plan, best) if plan.progressive else tried[best]


def _first_quality(plan: Plan) -> int:
    """What pictures of this many bits a pixel have needed; only a start, which saves tries."""
    return _quality(12 * (plan.bits / 4) ** -1.5)


def _next_quality(tried: dict[int, bytes], quality: int, target: int) -> int:
    """Bytes follow a power of the quantiser's scale; its exponent is taken from the last two tries."""
    size = len(tried[quality])
    steepness = STEEPNESS
    others = [other for other in tried if other != quality]
    if others:
        run = math.log(_scale(others[-1]) / _scale(quality))
        steepness = max(0.3, math.log(size / len(tried[others[-1]])) / run)
    return _quality(_scale(quality) * (size / target) ** (1 / steepness))


def _scale(quality: int) -> float:
    """libjpeg's `jpeg_quality_scaling`: percent by which the standard tables are multiplied."""
    return 5000 / quality if quality < 50 else 200 - 2 * quality


def _quality(scale: float) -> int:
    quality = 5000 / scale if scale > 100 else (200 - scale) / 2
    return min(max(round(quality), QUALITIES[0]), QUALITIES[1])


def _baseline(planes: Planes, plan: Plan, quality: int) -> bytes:
    """A baseline file. The encoder gets even planes (it reads past the end of a colour plane whose luma

    plane has an odd side), and the file then states the true size, which has as many blocks.
    """
    import simplejpeg

    luma, blue, red = planes if len(planes) == 3 else (*planes, None, None)
    coded: bytes = simplejpeg.encode_jpeg_yuv_planes(luma, blue, red, quality=quality)
    return _resized(coded, plan)


def _resized(coded: bytes, plan: Plan) -> bytes:
    """The file with another size in its frame header (T.81 B.2.2)."""
    at = 2
    while coded[at : at + 2] != b"\xff\xc0":
        at += 2 + int.from_bytes(coded[at + 2 : at + 4])
    return coded[: at + 5] + struct.pack(">HH", plan.height, plan.width) + coded[at + 9 :]


def _progressive(planes: Planes, plan: Plan, quality: int) -> bytes:
    from PIL import Image

    parts: list[Any] = [Image.fromarray(plane).resize((plan.columns, plan.rows)) for plane in planes]
    image = Image.merge("YCbCr", parts) if len(parts) == 3 else parts[0]
    subsampling = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0"}[plan.chroma]
    file = io.BytesIO()
    image.crop((0, 0, plan.width, plan.height)).save(
        file, "JPEG", quality=quality, progressive=True, subsampling=subsampling
    )
    return file.getvalue()
