"""Samples that are files of their own, held against the index."""

import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

from pipebench.files import Range, is_local, join, read_ranges, why

from .._tally import HERE
from .content import Decode, content_fault, decoder
from .faults import Fault, limited
from .reading import open_regular
from .stored import Part, Stored, unpacked
from .values import leads_out

SAMPLES = 1000
"""To a task."""
AT_ONCE = 16_000_000
"""Bytes of remote files that are fetched side by side, unless a single one is larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderTask:
    """Some samples that are to be read and decoded."""

    root: str
    kind: str
    allow_large: bool
    rows: bytes
    """Of the index, as an Arrow IPC stream."""


def folder_tasks(
    batches: Iterable[tuple[int, Any]], root: str, kind: str, *, allow_large: bool
) -> Iterator[FolderTask]:
    """All samples of an index."""
    for _, batch in batches:
        for start in range(0, len(batch), SAMPLES):
            packed = _packed(batch.slice(start, SAMPLES))
            yield FolderTask(root=root, kind=kind, allow_large=allow_large, rows=packed)


def _packed(batch: Any) -> bytes:
    """Only these rows: pickling would send the whole batch that they are a slice of."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def check_files(task: FolderTask) -> list[Fault]:
    """What is wrong; of files that are missing or have another size others tell."""
    return limited(_faults(task), task.root)


def _faults(task: FolderTask) -> Iterator[Fault]:
    decode = decoder(task.kind, allow_large=task.allow_large)
    for window in _windows(_owned(task)):
        for owned, content in zip(window, _contents(task.root, window), strict=True):
            fault = _fault(owned, content, decode)
            HERE.advance(owned.part.size)
            if fault is not None:
                yield Fault(owned.part.member, owned.key, None, fault)


def _fault(owned: "_Owned", content: bytes | OSError, decode: Decode) -> str | None:
    if isinstance(content, OSError):
        missing = isinstance(content, FileNotFoundError)
        return None if missing else f"its {owned.part.what} cannot be read: {why(content)}"
    if len(content) != owned.part.size:
        return None
    return content_fault(owned.part, content, decode if owned.is_payload else None)


class _Owned(NamedTuple):
    key: str
    part: Part
    is_payload: bool


def _owned(task: FolderTask) -> Iterator[_Owned]:
    import pyarrow as pa

    with pa.ipc.open_stream(task.rows) as stream:
        for sample in chain.from_iterable(map(unpacked, stream)):
            yield from _parts(sample)


def _parts(sample: Stored) -> Iterator[_Owned]:
    yield _Owned(sample.key, sample.payload, True)
    yield from (_Owned(sample.key, part, False) for part in sample.extras)


def _windows(owned: Iterable[_Owned]) -> Iterator[list[_Owned]]:
    """Parts with a possible place and size; of others the index's check has told."""
    window: list[_Owned] = []
    size = 0
    for one in owned:
        if one.part.size < 0 or leads_out(one.part.member):
            continue
        if window and size + one.part.size > AT_ONCE:
            yield window
            window, size = [], 0
        window.append(one)
        size += one.part.size
    if window:
        yield window


def _contents(root: str, window: list[_Owned]) -> Iterator[bytes | OSError]:
    if is_local(root):
        yield from (_local(join(root, owned.part.member), owned.part.size) for owned in window)
        return
    ranges = [Range(join(root, owned.part.member), 0, owned.part.size) for owned in window]
    try:
        yield from read_ranges(ranges)
    except OSError:  # one of them; which one, the library doesn't tell
        yield from map(_remote, ranges)


def _local(path: str, size: int) -> bytes | OSError:
    """The file, and a byte more where it is longer than it ought to be."""
    try:
        with io.BufferedReader(open_regular(path)) as file:
            there = os.fstat(file.fileno()).st_size
            return file.read(min(there, size) + 1)
    except OSError as error:
        return error


def _remote(part: Range) -> bytes | OSError:
    try:
        return read_ranges([part])[0]
    except OSError as error:
        return error
