"""A JPEG's header, and decoding that stops below a crop."""

import io
from typing import Any

import numpy as np
import pytest
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from pipebench.dataset import Dataset
from pipebench.loaders._jpeg import cut_below, header
from pipebench.loaders._payload import Payloads


def picture(height: int = 90, width: int = 130) -> Image.Image:
    rows, columns = np.mgrid[:height, :width]
    noise = np.random.default_rng(0).integers(0, 60, (height, width, 3))
    return Image.fromarray((np.stack([rows, columns, rows + columns], 2) % 190 + noise).astype(np.uint8))


def jpeg(image: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


def decoded(payload: bytes | bytearray) -> NDArray[np.uint8]:
    rows: NDArray[np.uint8] = simplejpeg.decode_jpeg(payload, strict=False)
    return rows


@pytest.mark.parametrize(
    ("mode", "options", "plain", "cuttable"),
    [
        ("RGB", {}, True, True),
        ("RGB", {"subsampling": 0, "restart_marker_blocks": 4}, True, True),
        ("L", {}, True, True),
        ("RGB", {"progressive": True}, True, False),
        ("CMYK", {}, False, False),
        ("RGB", {"comment": b"\xff\xc0\xff\xda", "exif": b"Exif\0\0\xff\xda"}, True, True),
    ],
    ids=["colour", "restart markers", "grey", "progressive", "cmyk", "markers in segments"],
)
def test_header(mode: str, options: dict[str, Any], plain: bool, cuttable: bool) -> None:
    head = header(jpeg(picture().convert(mode), **options))
    assert head is not None
    assert (head.height, head.width, head.plain, head.cuttable) == (90, 130, plain, cuttable)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xd8",
        b"\x89PNG\r\n",
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xda\0\2",
        b"\xff\xd8hello",
        b"\xff" * 9,
    ],
)
def test_what_is_no_jpeg_has_no_header(payload: bytes) -> None:
    assert header(payload) is None


def test_every_shortened_jpeg_has_a_header_or_none() -> None:
    payload = jpeg(picture())
    found = [header(payload[:length]) for length in range(len(payload))]
    assert found[0] is None and found[-1] is not None
    assert not any(head.cuttable for head in found if head)


@pytest.mark.parametrize("options", [{"subsampling": s, "quality": q} for s in (0, 1, 2) for q in (30, 95)])
def test_rows_above_the_cut_are_the_same(options: dict[str, Any]) -> None:
    payload = jpeg(picture(), **options)
    head, whole = header(payload), decoded(payload)
    assert head is not None
    for bottom in range(1, 91):
        part = decoded(cut_below(payload, head, bottom))
        assert len(part) == min(90, bottom + 16)
        np.testing.assert_array_equal(part[:bottom], whole[:bottom])


def test_photographs_are_the_same_above_any_cut(tiny_folder: Dataset) -> None:
    payloads, cut = Payloads(tiny_folder), 0
    for sample in range(tiny_folder.samples):
        payload = payloads.read(sample)
        head, whole = header(payload), decoded(payload)
        assert head is not None
        bottom = 1 + sample * 37 % len(whole)
        part = cut_below(payload, head, bottom)
        cut += part is not payload
        np.testing.assert_array_equal(decoded(part)[:bottom], whole[:bottom])
    assert cut > tiny_folder.samples / 2
