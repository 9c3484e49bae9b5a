"""Decoders, resize and batches of the tuned loaders, against the image kind's reference."""

import io
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image as Pillow

from pipebench.contract import Stage
from pipebench.dataset import Dataset
from pipebench.kinds.image import Image, ImagePreprocessing
from pipebench.loaders._decode import Decoder, DecoderName, decoder
from pipebench.loaders._draws import Box
from pipebench.loaders._image import BatchMaker, Resize, Undecodable, batch_shape
from pipebench.loaders._payload import Payloads

NAMES: tuple[DecoderName, ...] = ("simplejpeg", "torchvision", "pillow")
Layout = Literal["contiguous", "channels_last"]
Dtype = Literal["uint8", "float32"]


def picture(height: int = 120, width: int = 150) -> Pillow.Image:
    rows, columns = np.mgrid[:height, :width]
    return Pillow.fromarray(np.stack([rows, columns, (rows + columns) // 2], 2).astype(np.uint8))


def encoded(mode: str = "RGB", format: str = "JPEG", **options: Any) -> bytes:  # noqa: A002
    file = io.BytesIO()
    picture().convert(mode).save(file, format, **options)
    return file.getvalue()


def whole(height: int, width: int) -> Box:
    return Box(0, 0, height, width)


def planar(row: Any, layout: Layout) -> Any:
    return row if layout == "contiguous" else row.transpose(2, 0, 1)


@pytest.fixture(params=[*((name, False) for name in NAMES), ("simplejpeg", True)], ids=str)
def any_decoder(request: pytest.FixtureRequest) -> Decoder:
    name, region = request.param
    return decoder(name, region=region)


@pytest.mark.parametrize(
    "payload",
    [
        encoded(),
        encoded("L"),
        encoded(progressive=True),
        encoded("CMYK"),
        encoded(format="PNG"),
        encoded("P", format="PNG"),
        encoded("RGBA", format="PNG"),
        encoded() + b"padding",
    ],
    ids=["colour", "grey", "progressive", "cmyk", "png", "palette", "alpha", "padded"],
)
def test_decoders_agree_with_pillow(any_decoder: Decoder, payload: bytes) -> None:
    rows, box = any_decoder(payload, whole)
    with Pillow.open(io.BytesIO(payload)) as opened:
        expected = np.asarray(opened.convert("RGB")).astype(int)
    assert box == Box(0, 0, 120, 150)
    assert np.abs(rows - expected).max() <= 2


def test_a_crop_is_the_same_part_of_the_picture(any_decoder: Decoder) -> None:
    payload, box = encoded(), Box(31, 42, 40, 50)
    rows, chosen = any_decoder(payload, lambda *_: box)
    expected, _ = decoder("pillow", region=False)(payload, whole)
    assert chosen == box
    assert np.abs(rows[31:71, 42:92] - expected[31:71, 42:92].astype(int)).max() <= 2


@pytest.mark.parametrize(
    "payload",
    [encoded()[:-900], encoded()[:300], b"", b"hello", encoded(format="PNG")[:-300]],
    ids=["cut short", "cut in its header", "empty", "text", "png cut short"],
)
def test_what_is_undecodable_raises(any_decoder: Decoder, payload: bytes) -> None:
    with pytest.raises(Exception, match=r"."):
        any_decoder(payload, whole)


def test_damage_that_pillow_accepts_is_accepted(any_decoder: Decoder) -> None:
    payload = bytearray(encoded(quality=95))
    middle = len(payload) // 2
    payload[middle : middle + 8] = b"\xff\x00" * 4
    rows, _ = any_decoder(bytes(payload), whole)
    assert rows.shape[1] == 150


@pytest.mark.parametrize("layout", ["contiguous", "channels_last"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("size", [7, 120, 224])
def test_resize_matches_the_reference(layout: Layout, dtype: Dtype, size: int) -> None:
    wanted = ImagePreprocessing(recipe="check", size=size, dtype=dtype, layout=layout)
    batch = np.zeros(batch_shape(wanted, 1), dtype)
    Resize(wanted)(np.array(picture()), Box(0, 0, 120, 150), False, batch[0])
    expected = Image().reference(encoded(format="PNG"), wanted)
    assert Image().mismatch(planar(batch[0], layout), expected, wanted) is None


@pytest.mark.parametrize("layout", ["contiguous", "channels_last"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_a_flip_mirrors_each_row(layout: Layout, dtype: Dtype) -> None:
    wanted = ImagePreprocessing(size=32, dtype=dtype, layout=layout)
    resize, batch = Resize(wanted), np.zeros(batch_shape(wanted, 2), dtype)
    for row, flip in enumerate((False, True)):
        resize(np.array(picture()), Box(10, 20, 60, 70), flip, batch[row])
    plain, flipped = (planar(row, layout) for row in batch)
    np.testing.assert_array_equal(flipped, plain[..., ::-1])


def test_a_crop_alone_is_resized() -> None:
    wanted = ImagePreprocessing(size=30)
    batch, pixels = np.zeros(batch_shape(wanted, 2), np.uint8), np.array(picture())
    resize = Resize(wanted)
    resize(pixels, Box(40, 50, 60, 70), False, batch[0])
    resize(np.ascontiguousarray(pixels[40:100, 50:120]), Box(0, 0, 60, 70), False, batch[1])
    np.testing.assert_array_equal(batch[0], batch[1])


@pytest.fixture
def make_batch(tiny_folder: Dataset) -> Callable[..., Any]:
    payloads, ids = Payloads(tiny_folder), np.arange(8)

    def make(until: Stage = Stage.BATCH, epoch: int = 0, **options: Any) -> Any:
        wanted = ImagePreprocessing(size=48, **options)
        batch = np.zeros(batch_shape(wanted, 8), np.uint8)
        maker = BatchMaker(wanted, seed=0, decoder=decoder("simplejpeg", region=True), until=until)
        maker(map(payloads.read, ids.tolist()), ids, epoch, batch)
        return batch

    return make


def test_a_batch_follows_from_epoch_and_ids(make_batch: Callable[..., Any]) -> None:
    first = make_batch()
    np.testing.assert_array_equal(first, make_batch())
    assert all((one != other).any() for one, other in zip(first, make_batch(epoch=1), strict=True))


@pytest.mark.parametrize(
    ("until", "filled"), [(Stage.READ, False), (Stage.DECODE, False), (Stage.TRANSFORM, True)]
)
def test_a_batch_is_made_up_to_its_stage(make_batch: Callable[..., Any], until: Stage, filled: bool) -> None:
    assert make_batch(until=until).any() == filled


def test_the_check_recipe_is_the_reference(make_batch: Callable[..., Any], tiny_folder: Dataset) -> None:
    wanted = ImagePreprocessing(recipe="check", size=48)
    for sample, row in enumerate(make_batch(recipe="check")):
        expected = Image().reference(Payloads(tiny_folder).read(sample), wanted)
        assert Image().mismatch(row, expected, wanted) is None


def test_an_undecodable_sample_is_named() -> None:
    wanted = ImagePreprocessing(size=8)
    maker = BatchMaker(wanted, seed=0, decoder=decoder("simplejpeg", region=True), until=Stage.DECODE)
    with pytest.raises(Undecodable) as raised:
        maker([encoded(), b"hello"], np.array([5, 6]), 0, np.zeros(batch_shape(wanted, 2), np.uint8))
    assert raised.value.reason("a b.jpg") == "sample 'a b.jpg' cannot be decoded: cannot identify image file"
