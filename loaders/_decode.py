"""Decoders: a payload to RGB rows, by three libraries.

Each takes a payload and a function that chooses the crop of a picture of some height and width, and
returns (at least the crop's rows of) the picture as uint8 (H, W, 3) with that crop. What the fast
decoders refuse (CMYK, other file formats, some damage) goes to Pillow, which raises where it is undecodable.
"""

import io
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ._draws import Box
from ._jpeg import Header, cut_below, header
from ._payload import Payload

DecoderName = Literal["simplejpeg", "torchvision", "pillow"]
Choose = Callable[[int, int], Box]
Decoded = tuple[NDArray[np.uint8], Box]
Decoder = Callable[[Payload, Choose], Decoded]


def decoder(name: DecoderName, *, region: bool) -> Decoder:
    """The decoder of that name; `region` stops the entropy decoder below the crop, where it can."""
    if name == "simplejpeg":
        return Simplejpeg(region=region)
    return Torchvision() if name == "torchvision" else Pillow()


class Pillow:
    """Decodes whatever Pillow reads."""

    def __init__(self) -> None:
        from PIL import Image

        self._open = Image.open

    def __call__(self, payload: Payload, choose: Choose) -> Decoded:
        with self._open(io.BytesIO(payload)) as picture:
            return _chosen(np.array(picture.convert("RGB")), choose)


class Torchvision:
    """Decodes JPEG by torchvision's libjpeg-turbo."""

    def __init__(self) -> None:
        import torch
        from torchvision.io import ImageReadMode

        # The operator behind `torchvision.io.decode_jpeg`, which warns at every call since 0.29.
        self._decode: Callable[..., Any] = torch.ops.image.decode_jpeg
        self._tensor: Callable[..., Any] = torch.frombuffer
        self._byte, self._mode = torch.uint8, ImageReadMode.RGB.value
        self._other = Pillow()

    def __call__(self, payload: Payload, choose: Choose) -> Decoded:
        head = header(payload)
        if head is None or not head.plain:
            return self._other(payload, choose)
        try:
            picture = self._decode(self._tensor(bytearray(payload), dtype=self._byte), self._mode)
        except RuntimeError:
            return self._other(payload, choose)
        return _chosen(picture.permute(1, 2, 0).numpy(), choose)


class Simplejpeg:
    """Decodes JPEG by libjpeg-turbo, into one buffer that the next call overwrites."""

    def __init__(self, *, region: bool) -> None:
        from simplejpeg import decode_jpeg

        self._decode = decode_jpeg
        self._region = region
        self._buffer = np.empty(0, np.uint8)
        self._other = Pillow()

    def __call__(self, payload: Payload, choose: Choose) -> Decoded:
        head = header(payload)
        if head is None or not head.plain:
            return self._other(payload, choose)
        box = choose(head.height, head.width)
        try:
            return self._rows(payload, head, box), box
        except ValueError:
            return self._other(payload, choose)

    def _rows(self, payload: Payload, head: Header, box: Box) -> NDArray[np.uint8]:
        """Raises `ValueError` on what simplejpeg refuses."""
        needed = head.height * head.width * 3
        if self._buffer.size < needed:
            self._buffer = np.empty(needed, np.uint8)
        part = cut_below(payload, head, box.top + box.height) if self._region else payload
        # What is left unread below the cut is a warning, which strict decoding takes for an error.
        rows: NDArray[np.uint8] = self._decode(part, buffer=self._buffer, strict=part is payload)
        return rows


def _chosen(picture: NDArray[np.uint8], choose: Choose) -> Decoded:
    return picture, choose(*picture.shape[:2])
