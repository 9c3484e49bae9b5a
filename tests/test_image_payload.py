"""What a picture is taken for by its first bytes, and which are too large or too odd to be decoded."""

import io
import struct
import warnings
import zlib

import pytest
from PIL import Image

from pipebench.kinds import _image_payload, kind


def _picture(form: str, mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.new(mode, (40, 30)).save(file, form)
    return file.getvalue()


def _large_png(side: int) -> bytes:
    """A header that states side x side pixels, and nothing behind it."""
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


def _large_jpeg(side: int) -> bytes:
    """A small picture whose frame header states another size."""
    payload = bytearray(_picture("JPEG"))
    at = payload.index(b"\xff\xc0") + 5
    payload[at : at + 4] = struct.pack(">HH", side, side)
    return bytes(payload)


def _large_bmp(side: int) -> bytes:
    payload = bytearray(_picture("BMP"))
    payload[18:26] = struct.pack("<ii", side, side)
    return bytes(payload)


@pytest.mark.parametrize("make", [_large_png, _large_jpeg, _large_bmp])
def test_a_bomb_is_told_from_its_header_and_not_decoded(make: object) -> None:
    payload = make(20_000)  # type: ignore[operator]
    image = kind("image")
    for found in (image.oversize(payload), image.oversize(memoryview(payload)), image.fault(payload)):
        assert found is not None
        assert found.startswith("its 400 megapixels may be a decompression bomb")
    assert kind("image").oversize(make(1000)) is None  # type: ignore[operator]


def test_large_pictures_can_be_allowed_and_the_limit_of_pillow_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipebench.kinds._image_payload.LARGEST", 1000)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    payload = _picture("PNG")
    assert "--allow-large" in str(kind("image").fault(payload))
    assert kind("image").fault(payload, allow_large=True) is None
    assert Image.MAX_IMAGE_PIXELS == 500


def test_damage_is_no_bomb_and_never_allowed() -> None:
    for payload in (b"", b"x" * 100, _picture("JPEG")[:20], _picture("PNG")[:20], b"\xff\xd8\xff"):
        assert kind("image").oversize(payload) is None
        assert kind("image").fault(payload, allow_large=True) is not None


def test_what_runs_programs_is_not_opened() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "cannot identify" in str(kind("image").fault(_picture("EPS")))


@pytest.mark.parametrize(
    ("form", "ending"),
    [("JPEG", "jpg"), ("PNG", "png"), ("BMP", "bmp"), ("WEBP", "webp"), ("PPM", "ppm"), ("GIF", None)],
)
def test_endings_from_first_bytes(form: str, ending: str | None) -> None:
    assert kind("image").extension(_picture(form)[:16]) == ending
    assert kind("image").fault(_picture(form)) is None


@pytest.mark.parametrize("head", [b"", b"RIFF", b"{", b"\x89PNG"])
def test_other_first_bytes(head: bytes) -> None:
    assert kind("image").extension(head) is None


@pytest.mark.parametrize("size", [(500, 375), (64, 48), (3000, 2000)])
def test_a_flat_payload_has_the_pictures_shape_and_the_payloads_bytes(size: tuple[int, int]) -> None:
    file = io.BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(file, "JPEG", quality=90)
    payload = file.getvalue()
    flat = _image_payload.flat(payload)
    assert flat is not None
    assert len(payload) - 4 < len(flat) <= len(payload)
    picture = _image_payload.pillow_rgb(flat)
    assert picture.size == size
    assert picture.getextrema() == ((128, 128),) * 3


@pytest.mark.parametrize("payload", [b"", b"no picture", b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_of_what_is_no_picture_there_is_no_flat_one(payload: bytes) -> None:
    assert _image_payload.flat(payload) is None
