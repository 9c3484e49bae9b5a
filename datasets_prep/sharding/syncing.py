"""Makes sure that what was written is on storage."""

import ctypes
import os
from collections.abc import Iterable
from functools import cache
from io import FileIO
from pathlib import Path
from typing import Any

FEW = 16
"""Paths that are synced one by one; of more, the filesystem is as a whole, which then is faster."""
EARLY = 4 << 20
"""Bytes after which the system is asked to begin with their way to storage."""
SYNC_FILE_RANGE_WRITE = 2
"""Of Linux's `sync_file_range`: it begins, and nobody waits."""


class Early:
    """A file whose bytes begin their way to storage while it is written: to sync it then takes less long."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._size = self._begun = 0

    def write(self, data: bytes | bytearray | memoryview) -> int:
        written = self._file.write(data)
        self._size += written
        if self._size - self._begun >= EARLY and (begin := _function("sync_file_range")):
            begin(
                self._file.fileno(),
                ctypes.c_int64(self._begun),
                ctypes.c_int64(self._size - self._begun),
                SYNC_FILE_RANGE_WRITE,
            )
            self._begun = self._size
        return written


def sync(paths: Iterable[Path | str], folder: Path) -> None:
    """Waits until these files or folders, all on the filesystem of `folder`, are on storage."""
    paths = list(paths)
    if len(paths) > FEW:
        _sync_filesystem(folder)
        return
    for path in paths:
        sync_path(path)


def sync_path(path: Path | str) -> None:
    """Waits until a file, or the names in a folder, are on storage."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _sync_filesystem(folder: Path) -> None:
    """Linux's syncfs, which Python doesn't have; elsewhere all filesystems."""
    syncfs = _function("syncfs")
    if syncfs is None:
        os.sync()
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        if syncfs(number):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        os.close(number)


@cache
def _function(name: str) -> Any:
    """A function of the C library that Python doesn't have, or None where that hasn't either."""
    return getattr(ctypes.CDLL(None, use_errno=True), name, None)
