"""One writer at a time for a folder."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipebench.errors import BadInput
from pipebench.files import is_local, join, local_path, shown

from .remote_lock import locked_remotely

LOCK = "lock"


@contextmanager
def locked(work: str, target: str) -> Iterator[Callable[[], None]]:
    """Holds the lock of a work folder; `BadInput` naming `target` where another process does.

    Yields what raises `BadInput` once the lock is lost, which happens on object stores alone.
    """
    if not is_local(work):
        with locked_remotely(join(work, LOCK), target) as check:
            yield check
        return
    path = Path(local_path(join(work, LOCK)))
    try:
        number = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except FileNotFoundError:  # another process has just finished and removed the folder
        raise BadInput(_taken(target)) from None
    try:
        _lock(number, path, target)
        yield lambda: None
    finally:
        os.close(number)


def _lock(number: int, path: Path, target: str) -> None:
    """The kernel frees it when the process ends, however that happens."""
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        still_there = os.path.samestat(os.fstat(number), path.stat())
    except (BlockingIOError, FileNotFoundError):
        still_there = False
    if not still_there:
        raise BadInput(_taken(target))


def _taken(target: str) -> str:
    return f"{shown(target)} is being written by another process; wait for it, or name another folder"
