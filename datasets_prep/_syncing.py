"""Makes sure that what was written is on storage."""

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

FEW = 16
"""Paths that are synced one by one; of more, the filesystem is as a whole, which then is faster."""


def sync(paths: Iterable[Path], folder: Path) -> None:
    """Waits until these files or folders, all on the filesystem of `folder`, are on storage."""
    paths = list(paths)
    if len(paths) > FEW:
        _sync_filesystem(folder)
        return
    for path in paths:
        sync_path(path)


def sync_path(path: Path) -> None:
    """Waits until a file, or the names in a folder, are on storage."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _sync_filesystem(folder: Path) -> None:
    """Linux's syncfs, which Python doesn't have; elsewhere all filesystems."""
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:
        os.sync()
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        if syncfs(number):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        os.close(number)
