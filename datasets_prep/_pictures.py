"""One synthetic photograph: a pure function of its series and its number."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._coding import Planes, coded
from ._plans import Plan, Series, make_plan
from ._scenes import SCENES, SIDE, Plane, Scene, Scenery, crop, scenery

CONTRAST = (30.0, 60.0)
"""Standard deviation of a picture's large forms, in steps of 255."""
GRAIN = 0.1
"""Sensor noise over texture."""


def picture(series: Series, number: int) -> bytes:
    """The JPEG file of picture `number` (0 to samples - 1)."""
    rng = np.random.default_rng([series.seed, 1, number])
    plan = make_plan(series, number, rng)
    return coded(render(plan, scenery(series.seed), rng), plan)


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
