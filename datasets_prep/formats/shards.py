"""What a writer of shards is given and gives back. Each shard is a task of its own."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import xxhash

from pipebench.dataset import Shard
from pipebench.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One sample: where its payload lies, and what its index says."""

    key: str
    path: Path
    offset: int
    size: int
    label: int
    hash: int
    """xxh3_64 of the payload."""
    extension: str
    """Of the payload, lower case, without its first dot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardTask:
    """Write these rows, in this order, as `folder`/`name`."""

    folder: Path
    name: str
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A shard that is complete on storage, and where in it each row went."""

    shard: Shard
    members: Sequence[str]
    offsets: Sequence[int]


def payloads(rows: Sequence[Row]) -> Iterator[bytes]:
    """Each row's payload, checked against the index; `BadInput` where it is gone or has changed."""
    path, file = None, None
    try:
        for row in rows:
            if row.path != path:
                _close(file)
                path, file = row.path, _open(row)
            assert file is not None
            yield _read(file, row)
    finally:
        _close(file)


def _open(row: Row) -> BinaryIO:
    try:
        return row.path.open("rb")
    except OSError as error:
        raise BadInput(f"{row.path} cannot be read: {error.strerror}; index its dataset again") from None


def _read(file: BinaryIO, row: Row) -> bytes:
    file.seek(row.offset)
    payload = file.read(row.size)
    if xxhash.xxh3_64_intdigest(payload) != row.hash:
        raise BadInput(f"{row.path} has changed since it was indexed; index its dataset again")
    return payload


def _close(file: BinaryIO | None) -> None:
    if file is not None:
        with suppress(OSError):
            file.close()
