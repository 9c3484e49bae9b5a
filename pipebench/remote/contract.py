"""What remote storage must be able to do, a request at a time; retries are no concern of it."""

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol


class Range(NamedTuple):
    """Some bytes of a file."""

    url: str
    offset: int
    size: int


class Entry(NamedTuple):
    """A file that was found."""

    name: str
    """Below the folder that was listed, with slashes."""
    size: int
    version: str
    """Changes when the file does: its etag, or the time of its last change in nanoseconds."""
    modified: float
    """Seconds since 1970, by the clock of the storage; 0 where it doesn't tell."""


class Got(NamedTuple):
    """Some bytes of a file, and how many it has in all, where the storage said so."""

    content: bytes
    whole: int | None


class Again(OSError):
    """What another try may mend: no answer, half of one, or one that asks for patience."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EIO, reason)


class Requests(Protocol):
    """One kind of storage. Raises `Again` where another try may help, and any other `OSError` where not.

    `FileNotFoundError` and `PermissionError` say what they do elsewhere. Texts are fit to print.
    """

    def get(self, url: str, offset: int, size: int) -> Got:
        """Up to `size` bytes, fewer only where the file ends; one HTTP request."""
        ...

    def head(self, url: str) -> Entry:
        """What a file is; its `name` is empty."""
        ...

    def put(self, url: str, content: bytes) -> None:
        """Writes a file whole or not at all."""
        ...

    def upload(self, path: Path, url: str) -> None:
        """A local file, whole or not at all, in parts where it is large."""
        ...

    def pages(self, url: str, after: str) -> Iterator[list[Entry]]:
        """All files below a folder whose names come after `after`, in the storage's order, in pages."""
        ...

    def names(self, url: str) -> list[str]:
        """Names of the files and folders that lie directly in a folder; of none, nothing."""
        ...

    def delete(self, url: str) -> None:
        """Removes a file; one that is gone already is fine."""
        ...
