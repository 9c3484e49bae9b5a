"""Bytes held against what the index says of them."""

import warnings
from collections.abc import Callable
from functools import partial

import xxhash

from pipebench.kinds import kind

from .stored import Part

Decode = Callable[[bytes], str | None]
"""Why a payload cannot be decoded in full, or None."""


def decoder(kind_name: str, *, allow_large: bool) -> Decode:
    """The kind's. Warnings of a decoder about odd but usable files are not this user's concern."""
    fault = partial(kind(kind_name).fault, allow_large=allow_large)

    def decode(payload: bytes) -> str | None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return fault(payload)

    return decode


def content_fault(part: Part, content: bytes, decode: Decode | None = None) -> str | None:
    """What is wrong with a part's bytes; a payload that has its hash is decoded."""
    if len(content) != part.size:
        return f"its {part.what} has {len(content)} bytes, and {part.size} in the index"
    digest = xxhash.xxh3_64_intdigest(content)
    if digest != part.hash:
        return f"its {part.what} has the hash {digest:016x}, and {part.hash:016x} in the index"
    fault = decode(content) if decode else None
    return fault and f"its {part.what} cannot be decoded: {fault}"


def is_label(text: bytes, label: int, classes: tuple[str, ...], *, number: bool) -> bool:
    """Whether that text names the class with this number: by its number, or, unless that is due, its name."""
    if number:
        return text == b"%d" % label
    name = classes[label] if 0 <= label < len(classes) else None
    told = text.decode(errors="replace").strip()
    return name is not None and (told == name or (told.isdecimal() and told.lstrip("0") == str(label or "")))
