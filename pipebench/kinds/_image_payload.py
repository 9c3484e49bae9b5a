"""What one payload of the image kind is: its ending, whether it is whole, whether decoding it is safe."""

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "PPM", "GIF", "TIFF")
"""What Pillow may open, whatever the name says: its readers of PostScript and others start programs."""
LARGEST = 178_956_970
"""Pixels above which an image is taken for a decompression bomb; Pillow draws the line at the same place."""
PNG = b"\x89PNG\r\n\x1a\n"
_HEADS = {b"\xff\xd8\xff": "jpg", PNG: "png", b"BM": "bmp"} | {b"P%d" % n: "ppm" for n in range(1, 7)}


def pillow_rgb(payload: bytes) -> Any:
    """The picture as Pillow decodes it."""
    from PIL import Image

    with Image.open(io.BytesIO(payload), formats=FORMATS) as picture:
        return picture.convert("RGB")


def fault(payload: bytes, *, allow_large: bool) -> str | None:
    """Why a full decode fails, or would be unsafe; None if it is whole."""
    if not payload:
        return "the file is empty"
    if not allow_large and (large := oversize(payload)):
        return large
    try:
        with _any_size() if allow_large else nullcontext():
            pillow_rgb(payload)
    except Exception as error:
        return str(error).split("<_io")[0].strip() or type(error).__name__
    return None


def oversize(payload: bytes | memoryview) -> str | None:
    """Why the picture is too large to decode, from its header alone; None if it isn't, or has no header."""
    pixels = _pixels(payload)
    if pixels <= LARGEST:
        return None
    return f"its {pixels / 1e6:.0f} megapixels may be a decompression bomb; allow them with --allow-large"


def extension(head: bytes) -> str | None:
    """The ending of a file that begins so (16 bytes will do), or None where it is no known picture."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    return next((ending for start, ending in _HEADS.items() if head.startswith(start)), None)


def _pixels(payload: bytes | memoryview) -> int:
    """Width times height as the header states them; 0 where it can't be read. Some 2 us for JPEG and PNG."""
    try:
        width, height = _jpeg_size(payload) or _png_size(payload) or _pillow_size(payload)
    except Exception:
        return 0  # damage is for the decoder to describe
    return width * height


def _jpeg_size(payload: bytes | memoryview) -> tuple[int, int] | None:
    import simplejpeg

    if payload[:2] != b"\xff\xd8":
        return None
    try:
        height, width, *_ = simplejpeg.decode_jpeg_header(payload, strict=False)
    except ValueError:
        return None
    return int(width), int(height)


def _png_size(payload: bytes | memoryview) -> tuple[int, int] | None:
    """The header chunk stands first, its width and height at byte 16."""
    if payload[:8] != PNG or len(payload) < 24:
        return None
    width, height = struct.unpack_from(">II", payload, 16)
    return width, height


def _pillow_size(payload: bytes | memoryview) -> tuple[int, int]:
    from PIL import Image

    with warnings.catch_warnings(), _any_size():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(payload), formats=FORMATS) as picture:
            return picture.size


@contextmanager
def _any_size() -> Iterator[None]:
    """Lifts Pillow's own limit, which is a setting of its module, for as long as the block runs."""
    from PIL import Image

    limit = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


_LONGEST_COMMENT = 65_533
"""Bytes of a JPEG's comment, whose length with itself is kept in two bytes."""


def flat(payload: bytes) -> bytes | None:
    """A grey JPEG of the payload's width and height, padded to its bytes; None where that cannot be read."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(payload), formats=FORMATS) as picture:
            size = picture.size
    except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError):
        return None
    file = io.BytesIO()
    Image.new("RGB", size, (128, 128, 128)).save(file, "JPEG", quality=85)
    return _padded(file.getvalue(), len(payload))


def _padded(jpeg: bytes, size: int) -> bytes:
    """With comments after its first marker, as near to `size` as they can bring it."""
    comments, missing = b"", size - len(jpeg)
    while missing >= 4:
        length = min(missing - 4, _LONGEST_COMMENT)
        comments += b"\xff\xfe" + (length + 2).to_bytes(2, "big") + bytes(length)
        missing -= length + 4
    return jpeg[:2] + comments + jpeg[2:]
