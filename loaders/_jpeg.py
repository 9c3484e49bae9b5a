"""Just enough of a JPEG's structure to know its size, and to stop its decoding below a crop."""

from typing import NamedTuple

from ._payload import Payload

_START, _SCAN = b"\xff\xd8", 0xDA
_END = b"\xff\xd9"
_FRAMES = {0xC0, 0xC1, 0xC2}
"""Start-of-frame markers of Huffman-coded DCT pictures: baseline, extended, progressive."""
_SEQUENTIAL = {0xC0, 0xC1}

_CONTEXT_ROWS = 16
"""Rows that decoding needs below a row to give it the same value: chroma upsampling looks one chroma
row ahead, and a chroma row covers at most 4 rows."""


class Header(NamedTuple):
    """What the segments before the first scan say."""

    height: int
    width: int
    plain: bool
    """8 bits a channel, grey or three components: what every fast decoder takes."""
    height_at: int
    """Where the 2 bytes of the height lie."""
    cuttable: bool
    """One sequential scan, so that rows above a height don't depend on those below."""


def header(payload: Payload) -> Header | None:
    """None where the payload is no JPEG of a common sort."""
    if payload[:2] != _START:
        return None
    try:
        return _walk(payload)
    except IndexError:
        return None


def _walk(payload: Payload) -> Header | None:
    """Raises `IndexError` where the payload ends too soon."""
    frame, at = 0, 2
    while payload[at] == 0xFF:
        marker = payload[at + 1]
        if marker == _SCAN:
            return _header(payload, frame, at) if frame else None
        if marker in _FRAMES:
            frame = at
        at += 1 if marker == 0xFF else 2 + _word(payload, at + 2)
    return None


def _header(payload: Payload, frame: int, scan: int) -> Header:
    components = payload[frame + 9]
    plain = payload[frame + 4] == 8 and components in (1, 3)
    return Header(
        height=_word(payload, frame + 5),
        width=_word(payload, frame + 7),
        plain=plain,
        height_at=frame + 5,
        cuttable=plain
        and payload[frame + 1] in _SEQUENTIAL
        and payload[scan + 4] == components
        and payload[-2:] == _END,
    )


def _word(payload: Payload, at: int) -> int:
    return payload[at] << 8 | payload[at + 1]


def cut_below(payload: Payload, head: Header, bottom: int) -> Payload | bytearray:
    """The payload with a lower height, whose decoding gives the same rows above `bottom` and then stops.

    The decoder then warns of what it leaves unread. The payload itself, where nothing can be cut.
    """
    height = bottom + _CONTEXT_ROWS
    if not head.cuttable or height >= head.height:
        return payload
    shorter = bytearray(payload)
    shorter[head.height_at : head.height_at + 2] = height.to_bytes(2, "big")
    return shorter
