"""Empties the page cache of a dataset's files without root, and proves what it can.

Evicting is fsync and `posix_fadvise(DONTNEED)` per file; it changes no data and touches no other
file. Residency comes from `cachestat(2)` (Linux 6.5), else from `mincore(2)` on files of one's own;
mapping a file for `mincore` loads none of it.
"""

import ctypes
import mmap
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pipebench.machine import filesystem

if TYPE_CHECKING:  # whoever only reads results needs no dataset
    from pipebench.dataset import Dataset

CHUNK = 1 << 20
"""Bytes that are read at a time."""
MOST_RESIDENT = 0.05
"""Share of any file's pages that may be cached at the start of a cold trial."""
READ_RANGE = (0.95, 1.15)
"""Bytes read over payload bytes that prove that a cold epoch came from the device."""
WARM_READ = 0.05
"""Share of the payload that a warm trial may have read from the device; pages of libraries are in it."""

BLOCK_FILESYSTEMS = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "jfs", "reiserfs"})
"""Filesystems whose reads from a device show in `/proc/<pid>/io` and whose pages `fadvise` drops."""

_CACHESTAT = 451  # the system call's number, the same on every architecture
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Eviction:
    """What was found after the files were evicted."""

    resident: float | None
    """Largest share of any file's pages still cached; None where it could not be told."""
    files: int


def read_in(files: Iterable[Path], goes_on: Callable[[], bool] = lambda: True) -> None:
    """Reads the files, so that they are cached, while `goes_on()` says so."""
    buffer = bytearray(CHUNK)
    for path in files:
        with path.open("rb", buffering=0) as file:
            while goes_on() and file.readinto(buffer):
                pass


def transport(dataset: "Dataset") -> tuple[Literal["block", "object", "other"], str]:
    """How the dataset's bytes arrive, and the filesystem or protocol."""
    from pipebench.files import is_local

    if not is_local(dataset.root):
        return "object", dataset.root.partition("://")[0]
    name = filesystem(dataset.local_root())
    return ("block" if name in BLOCK_FILESYSTEMS else "other"), name


def evict(files: Iterable[Path]) -> Eviction:
    """Drops the files' pages from the page cache and looks at what stayed."""
    count, most, told = 0, 0.0, True
    for path in files:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            _drop(descriptor)
            share = resident_share(descriptor)
        finally:
            os.close(descriptor)
        count, told = count + 1, told and share is not None
        most = max(most, share or 0.0)
    return Eviction(resident=most if told else None, files=count)


def _drop(descriptor: int) -> None:
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def resident_share(descriptor: int) -> float | None:
    """Share of an open file's pages that are cached, or None where the kernel does not say."""
    size = os.fstat(descriptor).st_size
    pages = -(-size // mmap.PAGESIZE)
    if pages == 0:
        return 0.0
    cached = _cachestat(descriptor, size)
    if cached is None:
        cached = _mincore(descriptor, size, pages)
    return None if cached is None else min(1.0, cached / pages)


def _cachestat(descriptor: int, size: int) -> int | None:
    span = (ctypes.c_uint64 * 2)(0, size)
    counts = (ctypes.c_uint64 * 5)()
    failed = _LIBC.syscall(_CACHESTAT, descriptor, span, counts, 0)
    return None if failed else counts[0]


def _mincore(descriptor: int, size: int, pages: int) -> int | None:
    """Pages in core; for another user's file the kernel claims that all are, so it is not asked."""
    if os.fstat(descriptor).st_uid != os.geteuid():
        return None
    with mmap.mmap(descriptor, size, mmap.MAP_SHARED, mmap.PROT_READ) as mapped:
        address = _address(mapped)
        flags = (ctypes.c_ubyte * pages)()
        failed = _LIBC.mincore(ctypes.c_void_p(address), ctypes.c_size_t(size), flags)
        return None if failed else sum(flag & 1 for flag in flags)


def _address(mapped: mmap.mmap) -> int:
    import numpy as np

    return int(np.frombuffer(mapped, np.uint8).ctypes.data)


def label(cache: Mapping[str, Any]) -> str:
    """What a record's facts prove: `warm`, `guest-cold`, `fetched`, ..., or what is unproved and why."""
    if cache["transport"] == "object" and "fetched_bytes" in cache:
        return _fetched_label(cache["fetched_bytes"] / max(1, cache["payload_bytes"]))
    if cache["transport"] != "block":
        return f"unproved: bytes from {cache['filesystem']} are not counted"
    share = _share_read(cache)
    if cache["asked"] == "warm":
        return f"not warm: {share:.0%} of the payload came from the device" if is_refuted(cache) else "warm"
    return _cold_label(cache["resident"], share)


def is_refuted(cache: Mapping[str, Any], most: float = WARM_READ) -> bool:
    """Whether more than that share of what was to come from memory is proved to have come from a device."""
    return cache["asked"] == "warm" and cache["transport"] == "block" and _share_read(cache) > most


def _share_read(cache: Mapping[str, Any]) -> float:
    """Bytes read from devices over those of the payload."""
    return float(cache["bytes_read"] / max(1, cache["payload_bytes"]))


def _fetched_label(share: float) -> str:
    """Of what pipebench's own layer has read; a loader may have read more in another way."""
    if share < READ_RANGE[0]:
        return f"unproved: pipebench saw only {share:.0%} of the payload being fetched"
    return "fetched: what the server had in its caches is unknown"


def _cold_label(resident: float | None, share: float) -> str:
    if resident is None:
        return "eviction unverified"
    if resident > MOST_RESIDENT:
        return f"unproved: {resident:.0%} of a file stayed cached"
    if share > READ_RANGE[1]:
        return f"over-read: {share:.2f} bytes read for each payload byte"
    if share < READ_RANGE[0]:
        return f"unproved: only {share:.0%} of the payload came from the device"
    return "guest-cold"
