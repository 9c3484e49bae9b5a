"""Whatever fsspec has a filesystem for: s3fs and gcsfs where obstore is missing, `memory://`, `hf://`, ..."""

import asyncio
import errno
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import fsspec

from pipebench.redact import scrubbed
from pipebench.remote.contract import Again, Entry, Got

T = TypeVar("T")

PAGE = 1000
"""Entries that are handed on at once."""


class FsspecRequests:
    """`contract.Requests` through fsspec; listings are held whole, since fsspec gives them so."""

    def get(self, url: str, offset: int, size: int) -> Got:
        fs, path = _filesystem(url)
        return Got(bytes(_called(lambda: fs.cat_file(path, start=offset, end=offset + size))), None)

    def head(self, url: str) -> Entry:
        fs, path = _filesystem(url)
        info = _called(lambda: fs.info(path))
        if info["type"] != "file":
            raise FileNotFoundError(errno.ENOENT, "it is a folder")
        return _entry("", info)

    def put(self, url: str, content: bytes) -> None:
        fs, path = _filesystem(url)
        _called(lambda: fs.pipe_file(path, content))

    def upload(self, path: Path, url: str) -> None:
        fs, remote = _filesystem(url)
        _called(lambda: fs.put_file(str(path), remote))

    def pages(self, url: str, after: str) -> Iterator[list[Entry]]:
        fs, path = _filesystem(url)
        found = _called(lambda: fs.find(path, detail=True))
        skipped = len(path.rstrip("/")) + 1
        entries = sorted(_entry(str(name)[skipped:], info) for name, info in found.items())
        left = [entry for entry in entries if entry.name > after]
        yield from (left[start : start + PAGE] for start in range(0, len(left), PAGE))

    def names(self, url: str) -> list[str]:
        fs, path = _filesystem(url)
        fs.invalidate_cache()
        try:
            found = _called(lambda: fs.ls(path, detail=False))
        except FileNotFoundError:
            return []
        return sorted({str(name).rstrip("/").rpartition("/")[2] for name in found})

    def delete(self, url: str) -> None:
        fs, path = _filesystem(url)
        try:
            _called(lambda: fs.rm_file(path))
        except FileNotFoundError:
            return


def missing(scheme: str) -> str | None:
    """What to install for a protocol, or None; raises `OSError` for one that nobody knows."""
    try:
        fsspec.get_filesystem_class(scheme)
    except ImportError as error:
        return str(error)
    except ValueError:
        raise OSError(errno.EINVAL, f"nobody here knows the protocol {scheme}://") from None
    return None


def _filesystem(url: str) -> tuple[Any, str]:
    """The filesystem of a URL, and the path in it. Raises `ImportError` and `ValueError`."""
    fs, path = fsspec.core.url_to_fs(url)
    return fs, str(path)


def _called(call: Callable[[], T]) -> T:
    try:
        return call()
    except (ImportError, MemoryError):
        raise
    except Exception as error:  # each of fsspec's libraries has its own errors
        _raise(error)


_FINAL = (FileNotFoundError, PermissionError, FileExistsError, IsADirectoryError, NotADirectoryError)


def _raise(error: Exception) -> NoReturn:
    text = scrubbed(getattr(error, "strerror", None) or str(error) or type(error).__name__).partition("\n")[0]
    if isinstance(error, _FINAL):
        number = error.errno or _NUMBERS[next(kind for kind in _FINAL if isinstance(error, kind))]
        raise OSError(number, os.strerror(number)) from None
    if isinstance(error, ValueError | TypeError | NotImplementedError):
        raise OSError(errno.EINVAL, text[:300]) from None
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        raise Again("no answer in time") from None
    raise Again(text[:300]) from None


_NUMBERS = {
    FileNotFoundError: errno.ENOENT,
    PermissionError: errno.EACCES,
    FileExistsError: errno.EEXIST,
    IsADirectoryError: errno.EISDIR,
    NotADirectoryError: errno.ENOTDIR,
}


_TIMES = ("LastModified", "last_modified", "mtime", "updated", "created")


def _entry(name: str, info: Any) -> Entry:
    stamp = next((info[key] for key in _TIMES if key in info), 0)
    modified = stamp.timestamp() if isinstance(stamp, datetime) else float(stamp or 0)
    version = str(info.get("ETag") or info.get("e_tag") or "").strip('"') or str(modified)
    return Entry(name=name, size=int(info["size"] or 0), version=version, modified=modified)
