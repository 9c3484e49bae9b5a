"""What a format is given and gives back. Each shard is a task of its own, that knows all it needs."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol


class Part(NamedTuple):
    """Bytes of a sample that lie somewhere: its payload, or one of its further files or columns."""

    field: str
    """What its file's name has after the key and a dot: `jpg`, `json`, `seg.png`."""
    member: str
    """Its name in its source, for messages; in Parquet its column's."""
    url: str
    """The file that holds it."""
    offset: int
    """Of its first byte, or -1 where Parquet holds it encoded."""
    size: int
    """Bytes, or -1 for a whole file whose size is not known yet."""
    hash: int | None
    """xxh3_64, or None where nobody has read it yet."""
    row: int = -1
    """Of its Parquet file."""


class Row(NamedTuple):
    """One sample that is to be written."""

    key: str
    label: int
    payload: Part
    extras: tuple[Part, ...] = ()


class Sample(NamedTuple):
    """One sample that was read; bytes may be `memoryview`s that are valid until the next sample."""

    key: str
    label: int
    field: str
    payload: bytes
    hash: int
    """xxh3_64 of the payload."""
    extras: tuple[tuple[str, bytes], ...] = ()
    """(field, content), sorted by field."""


class PlacedPart(NamedTuple):
    """Where bytes went."""

    member: str
    offset: int
    size: int


class Placed(NamedTuple):
    """Where a sample went."""

    payload: PlacedPart
    extras: tuple[PlacedPart, ...] = ()
    """In the order of the sample's."""
    row: int = -1


class Sink:
    """A file that is being written, with its size and SHA-256 so far."""

    def __init__(self, file: "Writable") -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Appends whole: a short write is the file's own error."""
        self._file.write(data)
        self._digest.update(data)
        self.size += len(data)
        return len(data)

    def sha256(self) -> str:
        """Of all that was written."""
        return self._digest.hexdigest()


class Writable(Protocol):
    """What `Sink` needs of a file."""

    def write(self, data: bytes | bytearray | memoryview, /) -> object: ...


class Place(Protocol):
    """Where a task's files go; they appear under their names only when the task commits, whole and synced."""

    def file(self, name: str) -> AbstractContextManager[Sink]:
        """A file below the dataset's folder, open for writing; `name` may hold slashes."""
        ...


class Format(Protocol):
    """A way to lay samples out in files."""

    suffix: str
    """Of its shards, or empty where each sample has a file of its own."""

    def sample_bytes(self, size: int) -> int:
        """About what a payload of `size` bytes takes, with its label and without extras."""
        ...

    def write(
        self, samples: Iterable[Sample], place: Place, name: str, classes: Sequence[str]
    ) -> Iterator[Placed]:
        """Writes the samples as the shard `name`, and says where each went, in order.

        `BadInput` for a sample that this format can't hold. The caller exhausts the iterator.
        """
        ...
