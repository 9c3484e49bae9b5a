"""One synthetic photograph: a pure function of its series and its number."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .coding import Planes, coded
from .plans import Plan, Series, make_plan
from .scenes import (
    LUMA_MEAN,
    LUMA_SPREAD,
    NOISE_UNIT,
    SCENES,
    SIDE,
    Noise,
    Plane,
    Scene,
    Scenery,
    crop,
    scenery,
)

Fixed = NDArray[np.int16]

CONTRAST = (30.0, 60.0)
"""Standard deviation of a picture's large forms, in steps of 255."""
GRAIN = 0.1
"""Sensor noise over texture."""
MASK = 128
"""What stands for all in a mask."""


def picture(series: Series, number: int) -> bytes:
    """The JPEG file of picture `number` (0 to samples - 1)."""
    rng = np.random.default_rng([series.seed, 1, number])
    plan = make_plan(series, number, rng)
    return coded(render(plan, scenery(series.seed), rng), plan)


def render(plan: Plan, stock: Scenery, rng: np.random.Generator) -> Planes:
    """Two scenes, one seen through shapes cut in the other, textured, lit and with grain."""
    view = _View.draw(plan, stock, rng)
    luma = _luma(view, stock, rng)
    if plan.grey:
        return (luma,)
    tints = rng.integers(-10, 11, 2).tolist()
    colours = zip(("blue", "red"), tints, strict=True)
    return (luma, *(_colour_plane(view.half(name) + tint, plan) for name, tint in colours))


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """What a picture shows: a far and a near scene, each from its own corner, and where which is seen."""

    plan: Plan
    far: Scene
    near: Scene
    corners: tuple[tuple[int, int], tuple[int, int]]
    mask: Plane

    @staticmethod
    def draw(plan: Plan, stock: Scenery, rng: np.random.Generator) -> "_View":
        far, near = rng.integers(0, SCENES, 2)
        return _View(
            plan=plan,
            far=stock.scenes[far],
            near=stock.scenes[near],
            corners=(_corner(plan, rng), _corner(plan, rng)),
            mask=_shapes(plan, rng),
        )

    def full(self, name: str) -> Fixed:
        """(rows, columns) of a scene's field."""
        return self._blend(name, step=1)

    def half(self, name: str) -> Fixed:
        """The same of a field that has half as many pixels along each side."""
        return self._blend(name, step=2)

    def _blend(self, name: str, step: int) -> Fixed:
        """255 * MASK is the most that int16 has to hold."""
        rows, columns = self.plan.rows, self.plan.columns
        far, near = (
            crop(getattr(scene, name), top // step, left // step, rows // step, columns // step)
            for scene, (top, left) in zip((self.far, self.near), self.corners, strict=True)
        )
        blend = near.astype(np.int16)
        blend -= far
        blend *= self.mask[::step, ::step]
        blend >>= 7
        blend += far
        return blend


def _luma(view: _View, stock: Scenery, rng: np.random.Generator) -> Plane:
    """Fixed-point arithmetic in int16, several times as fast as in floats."""
    plan, detail = view.plan, _detail(view.plan, rng)
    luma = view.full("luma") - np.int16(LUMA_MEAN)
    luma *= np.int16(128 * _contrast(plan, rng) / LUMA_SPREAD)
    luma >>= 7
    luma += _light(plan, rng)
    texture = view.full("roughness")
    texture *= _window(stock.texture, plan, rng)
    texture >>= 8
    luma += _scaled(texture, detail)
    luma += _scaled(_window(stock.grain, plan, rng), detail * GRAIN)
    return _bytes(luma)


def _corner(plan: Plan, rng: np.random.Generator) -> tuple[int, int]:
    """An even top and left of a random window: inside the field where it fits, for a crop without a copy."""
    room = [max(SIDE - plan.rows, 0) // 2 + 1, max(SIDE - plan.columns, 0) // 2 + 1]
    top, left = rng.integers(0, room)
    return 2 * int(top), 2 * int(left)


def _window(field: Noise, plan: Plan, rng: np.random.Generator) -> Noise:
    return crop(field, *_corner(plan, rng), plan.rows, plan.columns)


def _shapes(plan: Plan, rng: np.random.Generator) -> Plane:
    """(rows, columns): MASK where the nearer scene shows, else 0."""
    from PIL import Image, ImageDraw

    mask = Image.new("L", (plan.columns, plan.rows))
    draw = ImageDraw.Draw(mask)
    for corners in rng.integers(3, 8, rng.integers(2, 6)):
        draw.polygon(_outline(plan, int(corners), rng), fill=MASK * int(rng.random() < 0.7))
    return np.asarray(mask)


def _outline(plan: Plan, corners: int, rng: np.random.Generator) -> list[tuple[float, float]]:
    """A polygon around a random centre, a fifth to half of the picture across."""
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    reach = rng.uniform(0.1, 0.25, corners) * (plan.columns + plan.rows)
    x, y = rng.random(2) * (plan.columns, plan.rows)
    corner_x, corner_y = x + reach * np.cos(angles), y + reach * np.sin(angles)
    return list(zip(corner_x.tolist(), corner_y.tolist(), strict=True))


def _scaled(noise: Noise | Fixed, deviation: float) -> Fixed:
    """Noise in NOISE_UNITs at another standard deviation, up to 127 steps, to an eighth of a step."""
    deviation = min(deviation, 127)
    spare = int(deviation / NOISE_UNIT).bit_length()
    scaled = noise.astype(np.int16) >> spare
    scaled *= np.int16(deviation * 256 / NOISE_UNIT)
    scaled >>= 8 - spare
    return scaled


def _light(plan: Plan, rng: np.random.Generator) -> Fixed:
    """(rows, columns): brightness that falls off along a random direction."""
    across, down = rng.normal(0, 25, 2)
    rows = np.linspace(-down, down, plan.rows) + rng.uniform(95, 150)
    columns = np.linspace(-across, across, plan.columns)
    return rows.astype(np.int16)[:, None] + columns.astype(np.int16)


def _contrast(plan: Plan, rng: np.random.Generator) -> float:
    """Steps of 255 by which large forms vary: less in pictures that take few bytes."""
    return float(rng.uniform(*CONTRAST) * min(1.0, math.sqrt(plan.bits / 2)))


def _detail(plan: Plan, rng: np.random.Generator) -> float:
    """Steps of 255 by which texture varies: pictures that take more bytes show more of it."""
    return float(6 * plan.bits**1.15 * math.exp(rng.normal(0, 0.2)))


def _colour_plane(plane: Fixed, plan: Plan) -> Plane:
    """A half-size plane at the plan's colour resolution."""
    high, wide = plan.rows // plan.chroma[1], plan.columns // plan.chroma[0]
    colour = _bytes(plane)
    return colour if (high, wide) == colour.shape else _resized(colour, high, wide)


def _resized(plane: Plane, height: int, width: int) -> Plane:
    """Brought to another size with linear interpolation."""
    from PIL import Image

    return np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR))


def _bytes(plane: Fixed) -> Plane:
    return np.clip(plane, 0, 255).astype(np.uint8)
