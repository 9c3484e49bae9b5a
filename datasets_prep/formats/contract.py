"""What a format is given and gives back. Each shard is a task of its own, that knows all it needs."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

Content = bytes | memoryview
"""A `memoryview` is valid until the next sample is asked for."""


class Part(NamedTuple):
    """Bytes of a sample that lie somewhere: its payload, or one of its further files or columns."""

    field: str
    """What its file's name has after the key and a dot, lower case: `jpg`, `json`, `seg.png`."""
    member: str
    """Its name in its source, for messages; where Parquet holds it encoded, its column's."""
    url: str
    """The file that holds it."""
    offset: int
    """Of its first byte. 0 says that the file holds nothing else (tars and Parquet begin with bytes of
    their own), -1 that Parquet holds it encoded."""
    size: int
    """Bytes, or -1 where it is not known yet: of a whole file, or of what Parquet holds encoded."""
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


class Extra(NamedTuple):
    """A further file or column of a sample."""

    field: str
    content: Content
    hash: int
    """xxh3_64."""


class Sample(NamedTuple):
    """One sample that was read."""

    key: str
    label: int
    field: str
    payload: Content
    hash: int
    """xxh3_64 of the payload."""
    extras: tuple[Extra, ...] = ()
    """Sorted by field; no two have the same."""


class Shared(NamedTuple):
    """What all shards of a dataset have in common."""

    kind: str
    classes: tuple[str, ...]
    fields: tuple[str, ...]
    """Of all extras of all its samples, sorted."""
    is_screened: bool = True
    """Whether payloads are known to be safe to decode, or nobody minds."""


class PlacedPart(NamedTuple):
    """Where bytes went."""

    member: str
    """As in the index: a path below the root, a name in a tar, and in Parquet the column; of a payload
    in Parquet the column, a slash and its field, as in `image/jpg`."""
    offset: int
    size: int


class Placed(NamedTuple):
    """Where a sample went."""

    payload: PlacedPart
    extras: tuple[PlacedPart, ...] = ()
    """In the order of the sample's."""
    row: int = -1


class Sink:
    """A file that is being written, with its size and, if that is asked for, its SHA-256 so far."""

    def __init__(self, file: "Writable", *, digest: bool = True) -> None:
        self._file = file
        self._digest = hashlib.sha256() if digest else None
        self.size = 0

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Appends whole, however much the file takes at once."""
        size = len(data)
        written = self._file.write(data)
        while written < size:
            written += self._file.write(memoryview(data)[written:])
        if self._digest is not None:
            self._digest.update(data)
        self.size += size
        return size

    def sha256(self) -> str | None:
        """Of all that was written, or None where it is not asked for."""
        return None if self._digest is None else self._digest.hexdigest()


class Writable(Protocol):
    """What `Sink` needs of a file; unbuffered, since formats write large pieces."""

    def write(self, data: bytes | bytearray | memoryview, /) -> int: ...


class Place(Protocol):
    """Where a task's files go; they appear under their names only when the task commits, whole and synced."""

    def file(self, name: str, *, digest: bool = True) -> AbstractContextManager[Sink]:
        """A file below the dataset's folder, open for writing; `name` may hold slashes."""
        ...


class Format(Protocol):
    """A way to lay samples out in files."""

    @property
    def suffix(self) -> str:
        """Of its shards' names, or empty where each sample has a file of its own."""
        ...

    def sample_bytes(self, size: int) -> int:
        """About what a payload of `size` bytes takes, with its label and without extras."""
        ...

    def extra_bytes(self, size: int) -> int:
        """About what an extra of `size` bytes takes, at most."""
        ...

    def write(self, samples: Iterable[Sample], place: Place, name: str, shared: Shared) -> Iterator[Placed]:
        """Writes the samples as the shard `name`, which ends with `suffix`, and says where each went.

        In order, though perhaps some samples later. `BadInput` for a sample that this format can't hold.
        The caller exhausts the iterator.
        """
        ...
