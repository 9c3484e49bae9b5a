"""Codes rendered planes as a JPEG of the bytes that its plan asks for."""

import io
import math
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .plans import Plan

QUALITIES = (20, 99)
TOLERANCE = 0.05
"""Relative distance from the byte target at which the search for a quality stops."""
TRIES = 4
STEEPNESS = 0.7
"""-d log(bytes) / d log(quantiser scale) that the search's second try assumes."""

Planes = tuple[NDArray[np.uint8], ...]
"""Y, or Y, Cb, Cr."""


def coded(planes: Planes, plan: Plan) -> bytes:
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
    """A baseline file. The encoder reads past the end of the colour planes of a picture with an odd side.

    So it gets even planes, and the file then states the true size, which has as many blocks.
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
