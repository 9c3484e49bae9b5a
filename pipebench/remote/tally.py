"""Counts requests, bytes and waiting for remote storage that is read, over all processes of a trial.

A folder that the environment names holds one small file a process, which no other process writes:
three native 64-bit numbers. So nothing is lost when a process is killed, and nobody waits for a lock
of another.
"""

import mmap
import os
import struct
import tempfile
import threading
from pathlib import Path
from typing import NamedTuple

FOLDER = "PIPEBENCH_TALLY"
"""Environment variable: where the processes of a trial count."""

_NUMBERS = struct.Struct("qqq")


class Tally(NamedTuple):
    """What was read."""

    requests: int
    """Answered or not."""
    bytes: int
    """Of bodies that arrived whole."""
    ns: int
    """From each request's sending until its answer was there or had failed; side by side, each counts."""


class _Slot:
    """This process's own file."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        descriptor, _ = tempfile.mkstemp(prefix=f"{os.getpid()}-", dir=folder)
        os.ftruncate(descriptor, _NUMBERS.size)
        self._numbers = mmap.mmap(descriptor, _NUMBERS.size)
        os.close(descriptor)

    def add(self, size: int, ns: int) -> None:
        with self._lock:
            requests, total, waited = _NUMBERS.unpack_from(self._numbers)
            _NUMBERS.pack_into(self._numbers, 0, requests + 1, total + size, waited + ns)


_slot: _Slot | None = None
_opening = threading.Lock()


def count(size: int, ns: int) -> None:
    """One request, the bytes of its answer, and how long it took; outside of a trial nothing is counted."""
    folder = os.environ.get(FOLDER)
    if folder is not None:
        _own(folder).add(size, ns)


def _own(folder: str) -> _Slot:
    global _slot
    with _opening:
        if _slot is None or _slot.folder != folder:
            _slot = _Slot(folder)
        return _slot


def total() -> Tally | None:
    """Of all processes so far, or None outside of a trial."""
    folder = os.environ.get(FOLDER)
    if folder is None:
        return None
    contents = [path.read_bytes() for path in Path(folder).iterdir()]
    found = [_NUMBERS.unpack(content) for content in contents if content]  # one that was just made is empty
    return Tally(*map(sum, zip((0, 0, 0), *found, strict=True)))


def _forget() -> None:
    global _slot, _opening
    _slot, _opening = None, threading.Lock()


os.register_at_fork(after_in_child=_forget)
