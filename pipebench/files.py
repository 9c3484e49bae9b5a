"""Where bytes lie: local paths and URLs, behind a few functions. Nobody else opens a URL.

Everything goes wrong as an `OSError` (`ImportError`, with what to install, where a library is missing).
`why` makes a text of it that is fit to print, and `shown` takes credentials out of a URL.

Remote files are read and written whole or in ranges, tried again where that may help, and counted.
**A process that forks workers** which read object stores calls `keep_forkable` before it reads any
itself; see `pipebench.remote.routing` for the rule and what happens otherwise.
"""

import io
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from pipebench.errors import one_line
from pipebench.remote import routing
from pipebench.remote.contract import Range as Range
from pipebench.remote.routing import end_helper as end_helper
from pipebench.remote.routing import keep_forkable as keep_forkable
from pipebench.remote.routing import speak_here as speak_here
from pipebench.remote.urls import is_local as is_local
from pipebench.remote.urls import join as join
from pipebench.remote.urls import local_path as local_path
from pipebench.remote.urls import shown as shown

BUFFER_BYTES = 2**20
"""Read at once from a remote file that is open, at least."""


class Listed(NamedTuple):
    """A file as a listing shows it."""

    name: str
    """Its path below the folder that was listed."""
    size: int
    """Bytes."""
    stamp: str
    """Differs once the file has been written again: its ETag or the time of its last change."""


def why(error: BaseException) -> str:
    """What an error of the storage says, in one line without credentials."""
    return one_line(getattr(error, "strerror", None) or str(error) or type(error).__name__)


def read_file(url: str) -> bytes:
    """All bytes of a file."""
    if is_local(url):
        return Path(local_path(url)).read_bytes()
    content: bytes = routing.call("read", url, url)
    return content


def read_ranges(ranges: Sequence[Range]) -> list[bytes]:
    """The bytes of each range, in order; of remote files side by side, neighbours in one request.

    All are local or all are remote. Raises `OSError` where a remote file ends before a range does; of a
    local one what there is is returned.
    """
    if all(is_local(part.url) for part in ranges):
        return [_read_local(part) for part in ranges]
    contents: list[bytes] = routing.call("read_ranges", ranges[0].url, list(ranges))
    return contents


def _read_local(part: Range) -> bytes:
    with Path(local_path(part.url)).open("rb") as file:
        file.seek(part.offset)
        return file.read(part.size)


def open_random(url: str, buffer_bytes: int = BUFFER_BYTES) -> Any:
    """A file object for reading at any place, through a buffer if it is remote. The caller closes it."""
    if is_local(url):
        return Path(local_path(url)).open("rb")
    return io.BufferedReader(_RemoteFile(url, routing.call("entry", url, url).size), buffer_bytes)


class _RemoteFile(io.RawIOBase):
    """A remote file of known size; each read is a request."""

    def __init__(self, url: str, size: int) -> None:
        self._url, self._size, self._at = url, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), self._size - self._at)
        if count <= 0:
            return 0
        buffer[:count] = read_ranges([Range(self._url, self._at, count)])[0]
        self._at += count
        return count


def exists(url: str) -> bool:
    """Whether there is such a file or folder."""
    if is_local(url):
        return Path(local_path(url)).exists()
    try:
        routing.call("entry", url, url)
    except FileNotFoundError:
        return any(True for _ in names(url))
    return True


def names(url: str) -> Iterator[str]:
    """The names of what lies directly in a folder; of none, nothing."""
    if is_local(url):
        folder = Path(local_path(url))
        yield from (entry.name for entry in folder.iterdir()) if folder.is_dir() else ()
        return
    yield from routing.call("names", url, url)


def objects(url: str) -> Iterator[Listed]:
    """All files below a remote folder, at any depth and in no order; of none, nothing."""
    for page in routing.listing(url):
        yield from (Listed(entry.name, entry.size, entry.version) for entry in page)


def times(url: str) -> dict[str, float]:
    """The names of all files below a remote folder, and when each was written, by the storage's clock (s)."""
    return {entry.name: entry.modified for page in routing.listing(url) for entry in page}


def write_whole(url: str, content: bytes) -> None:
    """Writes a small file that appears under its name only when it is complete and synced."""
    if not is_local(url):
        routing.call("write", url, url, content)
        return
    with created(url) as file:
        file.write(content)


@contextmanager
def created(url: str) -> Iterator[BinaryIO]:
    """A new file to write in turn, which appears under its name when the block ends, whole and synced.

    If the block raises there is no such file. One for a remote place is kept in the temporary folder
    until then.
    """
    with _created_locally(Path(local_path(url))) if is_local(url) else _created_remotely(url) as file:
        yield file


@contextmanager
def _created_locally(path: Path) -> Iterator[BinaryIO]:
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def clear_partials(url: str) -> None:
    """Removes from a folder what `created` left there when its process was killed. Nobody else may write."""
    if is_local(url):
        for path in Path(local_path(url)).glob(".*.partial"):
            path.unlink(missing_ok=True)


@contextmanager
def _created_remotely(url: str) -> Iterator[BinaryIO]:
    with tempfile.NamedTemporaryFile(prefix="pipebench-") as file:
        yield file  # type: ignore[misc] # it has all that a BinaryIO has
        file.flush()
        put_files([(Path(file.name), url)])


def put_files(files: Sequence[tuple[Path, str]]) -> None:
    """Uploads local files to URLs of one storage, side by side; each appears whole or not at all.

    What is above 8 MiB goes in parts of that size. When an upload fails, its parts are removed where
    the storage can tell them; see `clear_uploads`.
    """
    if files:
        routing.call("upload", files[0][1], [(str(path), url) for path, url in files])


def clear_uploads(url: str) -> int | None:
    """Ends uploads below a remote folder that were begun and never ended, as by a process that was killed.

    Nobody else may be writing there. Returns how many there were; None where the storage does not tell.
    """
    ended: int | None = routing.call("clear_uploads", url, url)
    return ended


def sizes(urls: Sequence[str]) -> list[int | None]:
    """Bytes of each of some remote files, asked side by side, or None where there is none."""
    found: list[int | None] = routing.call("sizes", urls[0], list(urls)) if urls else []
    return found


def remove(url: str) -> None:
    """Removes a file; one that is gone already is fine."""
    if is_local(url):
        Path(local_path(url)).unlink(missing_ok=True)
        return
    routing.call("remove", url, [url])


def remove_below(url: str) -> None:
    """Removes all files below a remote folder."""
    for page in routing.listing(url):
        routing.call("remove", url, [join(url, entry.name) for entry in page])
