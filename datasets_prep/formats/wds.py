"""WebDataset tars: a sample is `<key>.<field>`, `<key>.cls` (its label as ASCII digits), and its extras.

Beside each `<name>.tar` lies `<name>.idx`, DALI's index in version 1.1.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from pipebench.errors import BadInput

from ._tar import Tar, padded
from .contract import Place, Placed, PlacedPart, Sample, Shared
from .names import check_fields, check_path, named

LABEL = "cls"
"""The field of a sample's label."""
_LEFT_OUT = re.compile(r"__[^/]*__/")
"""What webdataset leaves out unasked: `skip_meta` in its `tar_file_iterator`."""
_ENDS_AT_DOT = re.compile(r"(?:.*/|)[^.]+")
"""The key as webdataset finds it in a name: `base_plus_ext`, whose `.` is no newline."""
_PLAIN = re.compile(r"[a-z0-9][\w-]*(/[\w-]+)*", re.ASCII | re.IGNORECASE)
"""Keys, as most are, in which there is nothing to encode or to refuse."""
_BLANK = re.compile(r"\s")


class Wds:
    """The format `wds`."""

    suffix = ".tar"

    def sample_bytes(self, size: int) -> int:
        return 3 * padded(1) + padded(size)

    def extra_bytes(self, size: int) -> int:
        return padded(1) + padded(size)

    def write(
        self,
        samples: Iterable[Sample],
        place: Place,
        name: str,
        shared: Shared,  # noqa: ARG002 - the tar tells no classes
    ) -> Iterator[Placed]:
        index = _DaliIndex()
        with place.file(name) as sink:
            tar = Tar(sink)
            for sample in samples:
                placed, label = _add(tar, sample)
                index.add(sample, placed, label)
                yield placed
            tar.end()
        with place.file(name.removesuffix(self.suffix) + ".idx") as sink:
            sink.write(index.text())


def member_stem(key: str) -> str:
    """The key as a member's name without extension.

    WebDataset takes a basename's first dot for the key's end, so dots in it are percent-encoded.
    """
    folder, slash, base = key.rpartition("/")
    return folder + slash + base.replace("%", "%25").replace(".", "%2E")


def _add(tar: Tar, sample: Sample) -> tuple[Placed, PlacedPart]:
    """Appends the sample's members: where they went, and where its label did."""
    check_fields(sample)
    if LABEL in (sample.field, *(extra.field for extra in sample.extras)):
        raise BadInput(f"{named(sample.key)} has a file {LABEL!r}, which is the label's in a tar; rename it")
    stem = _stem(sample.key)
    payload = _member(tar, f"{stem}.{sample.field}", sample.payload)
    label = _member(tar, f"{stem}.{LABEL}", b"%d" % sample.label)
    extras = tuple(_member(tar, f"{stem}.{extra.field}", extra.content) for extra in sample.extras)
    return Placed(payload, extras), label


def _stem(key: str) -> str:
    """As `member_stem`; `BadInput` for a key that some reader of tars would not give back."""
    if _PLAIN.fullmatch(key):
        return key
    check_path(key)
    stem = member_stem(key)
    if _LEFT_OUT.match(key) or not _ENDS_AT_DOT.fullmatch(stem):
        raise BadInput(f"{named(key)} has a key that webdataset leaves out when it reads a tar; rename it")
    return stem


def _member(tar: Tar, name: str, content: bytes | memoryview) -> PlacedPart:
    return PlacedPart(name, tar.add(name, content), len(content))


class _DaliIndex:
    """DALI's index of one tar, in version 1.1: 1.2, which has names, breaks on those with spaces.

    A line tells a sample's components as field, offset and size. A field with blanks cannot be told,
    and DALI doesn't see such a component.
    """

    def __init__(self) -> None:
        self._lines = bytearray()
        self._samples = 0

    def add(self, sample: Sample, placed: Placed, label: PlacedPart) -> None:
        extras = zip(sample.extras, placed.extras, strict=True)
        told = _told(sample.field, placed.payload) + _told(LABEL, label)
        told += "".join(_told(extra.field, part) for extra, part in extras)
        self._lines += told[1:].encode() + b"\n"
        self._samples += 1

    def text(self) -> bytes:
        return b"v1.1 %d\n" % self._samples + self._lines


def _told(field: str, part: PlacedPart) -> str:
    return f" {field} {part.offset} {part.size}" if _can_be_told(field) else ""


@lru_cache(1000)
def _can_be_told(field: str) -> bool:
    return _BLANK.search(field) is None
