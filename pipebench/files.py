"""Where bytes lie: local paths and fsspec URLs, behind a few functions. Nobody else opens a URL.

Errors of whatever library speaks to the storage become `OSError`, with a text that is fit to print:
`why` makes it, and `shown` takes credentials out of a URL.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import fsspec

from pipebench.errors import one_line


class Range(NamedTuple):
    """Some bytes of a file."""

    url: str
    offset: int
    size: int


class Listed(NamedTuple):
    """A file as a listing shows it."""

    name: str
    """Its path below the folder that was listed."""
    size: int
    """Bytes."""
    stamp: str
    """Differs once the file has been written again: its ETag or the time of its last change."""


def is_local(url: str) -> bool:
    """Whether the URL names this host's filesystem."""
    return "://" not in url or url.startswith("file://")


def local_path(url: str) -> str:
    """A local URL as a path."""
    return url.removeprefix("file://")


def join(url: str, name: str) -> str:
    """The URL of a file in a folder."""
    return f"{url.rstrip('/')}/{name}"


def shown(url: str) -> str:
    """The URL for messages and results: without user, password and query."""
    if is_local(url):
        return url
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def why(error: BaseException) -> str:
    """What an error of the storage says, in one line without credentials."""
    return one_line(getattr(error, "strerror", None) or str(error) or type(error).__name__)


def filesystem(url: str) -> tuple[Any, str]:
    """The fsspec filesystem of a URL, and the path in it. Raises `ImportError` and `ValueError`."""
    fs, path = fsspec.core.url_to_fs(url)
    return fs, str(path)


def read_file(url: str) -> bytes:
    """All bytes of a file."""
    if is_local(url):
        return Path(local_path(url)).read_bytes()
    fs, path = filesystem(url)
    return bytes(fs.cat_file(path))


def read_ranges(ranges: Sequence[Range]) -> list[bytes]:
    """The bytes of each range, in order; of a remote file side by side."""
    if all(is_local(part.url) for part in ranges):
        return [_read_local(part) for part in ranges]
    fs, _ = filesystem(ranges[0].url)
    paths = [filesystem(part.url)[1] for part in ranges]
    starts, ends = [part.offset for part in ranges], [part.offset + part.size for part in ranges]
    return [bytes(content) for content in fs.cat_ranges(paths, starts, ends, on_error="raise")]


def _read_local(part: Range) -> bytes:
    with Path(local_path(part.url)).open("rb") as file:
        file.seek(part.offset)
        return file.read(part.size)


def open_random(url: str) -> Any:
    """A file object for reading at any place. The caller closes it."""
    if is_local(url):
        return Path(local_path(url)).open("rb")
    fs, path = filesystem(url)
    return fs.open(path, "rb")


def exists(url: str) -> bool:
    """Whether there is such a file or folder."""
    if is_local(url):
        return Path(local_path(url)).exists()
    fs, path = filesystem(url)
    return bool(fs.exists(path))


def names(url: str) -> Iterator[str]:
    """The names of what lies directly in a folder; of none, nothing."""
    if is_local(url):
        folder = Path(local_path(url))
        yield from (entry.name for entry in folder.iterdir()) if folder.is_dir() else ()
        return
    fs, path = filesystem(url)
    fs.invalidate_cache()
    try:
        found = fs.ls(path, detail=False)
    except FileNotFoundError:
        return
    yield from (str(name).rstrip("/").rpartition("/")[2] for name in found)


def objects(url: str) -> Iterator[Listed]:
    """All files below a remote folder, at any depth and in no order; of none, nothing.

    Not fsspec's own `walk`, which passes over folders below that it could not list.
    """
    fs, root = filesystem(url)
    fs.invalidate_cache()
    root = root.rstrip("/")
    folders = [root]
    while folders:
        folder = folders.pop()
        for info in _infos(fs, folder):
            path = str(info["name"]).rstrip("/")
            if not path.startswith(f"{folder}/"):
                continue  # the folder's own marker
            if info["type"] == "directory":
                folders.append(path)
            else:
                yield Listed(path[len(root) + 1 :], int(info["size"]), _stamp(info))


def _infos(fs: Any, folder: str) -> list[dict[str, Any]]:
    try:
        return list(fs.ls(folder, detail=True))
    except FileNotFoundError:
        return []


_STAMPS = ("e_tag", "ETag", "etag", "last_modified", "LastModified", "mtime", "updated", "created")
"""What fsspec's filesystems call a file's tag or time, the surest first."""


def _stamp(info: Mapping[str, Any]) -> str:
    return next((str(info[name]) for name in _STAMPS if info.get(name)), "")


def write_whole(url: str, content: bytes) -> None:
    """Writes a small file that appears under its name only when it is complete and synced."""
    if not is_local(url):
        fs, remote = filesystem(url)
        fs.pipe_file(remote, content)
        return
    path = Path(local_path(url))
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def remove(url: str) -> None:
    """Removes a file; one that is gone already is fine."""
    if is_local(url):
        Path(local_path(url)).unlink(missing_ok=True)
        return
    fs, path = filesystem(url)
    try:
        fs.rm_file(path)
    except FileNotFoundError:
        return
