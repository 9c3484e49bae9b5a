"""Counts requests and bytes that were read from remote storage, over all processes of a trial.

A folder that the environment names holds one small file a process, which no other process writes:
two native 64-bit numbers. So nothing is lost when a process is killed, and nobody waits for a lock
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

_NUMBERS = struct.Struct("qq")


class Tally(NamedTuple):
    """What was read."""

    requests: int
    """Answered or not."""
    bytes: int
    """Of bodies that arrived whole."""


class _Slot:
    """This process's own file."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        descriptor, _ = tempfile.mkstemp(prefix=f"{os.getpid()}-", dir=folder)
        os.ftruncate(descriptor, _NUMBERS.size)
        self._numbers = mmap.mmap(descriptor, _NUMBERS.size)
        os.close(descriptor)

    def add(self, size: int) -> None:
        with self._lock:
            requests, total = _NUMBERS.unpack_from(self._numbers)
            _NUMBERS.pack_into(self._numbers, 0, requests + 1, total + size)


_slot: _Slot | None = None
_opening = threading.Lock()


def count(size: int) -> None:
    """One request, and the bytes of its answer; nothing is counted outside of a trial."""
    folder = os.environ.get(FOLDER)
    if folder is not None:
        _own(folder).add(size)


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
    return Tally(sum(requests for requests, _ in found), sum(size for _, size in found))


def _forget() -> None:
    global _slot, _opening
    _slot, _opening = None, threading.Lock()


os.register_at_fork(after_in_child=_forget)
