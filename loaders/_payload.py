"""A sample's payload, from where the index says that it lies, locally or in an object store."""

import os
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipebench.dataset import Dataset
from pipebench.errors import BadInput
from pipebench.files import Range, is_local, join, local_path, read_ranges, shown, why

from ._ahead import one_ahead

Payload = bytes | memoryview

SPAN = 2 << 20
"""Bytes that one request asks for at most, but for a payload that is larger."""
GAP = 64 << 10
"""Bytes between two payloads that are fetched with them rather than cost another request."""
BLOCK = 4 * SPAN
"""Bytes that are fetched side by side where payloads are read in their stored order."""
MOST_OPEN = 128
"""Shards that a process keeps open: its limit is often 1024 files, some of them others'."""


class Payloads:
    """Reads payloads by id. It keeps the index in arrays: no list of a million names in each worker."""

    def __init__(self, dataset: Dataset) -> None:
        self.local = is_local(dataset.root)
        self._root = local_path(dataset.root) if self.local else dataset.root
        self._member, self._size = dataset.index.member, dataset.index.size
        self._shard, self._offset, self._row = dataset.index.shard, dataset.index.offset, dataset.index.row
        self._shards = tuple(shard.name for shard in dataset.shards)
        self._files = _Files()

    def member(self, sample: int) -> str:
        """The sample's name in the dataset, for messages."""
        name, shard = str(self._member[sample].as_py()), self._shard[sample]
        if shard < 0:
            return name
        row = self._row[sample]
        return f"{self._shards[shard]}/{name}" + (f", row {row}" if row >= 0 else "")

    def read(self, sample: int) -> Payload:
        """A payload wherever it lies. Raises `BadInput` where it is not as indexed."""
        if not self.local:
            return self.fetch(np.array([sample]))[0]
        if self._shard[sample] < 0:
            return self._read_file(sample)
        size, offset = int(self._size[sample]), int(self._offset[sample])
        return self.checked(os.pread(self._files(self._url(sample)), size, offset), sample)

    def stored(self, ids: NDArray[np.int64]) -> Iterator[Payload]:
        """Payloads of one shard, in the order in which it holds them. Raises `BadInput`.

        From an object store they come in blocks, and while one is in use the next is fetched.
        """
        if self.local:
            return map(self.read, ids.tolist())
        ends = np.flatnonzero(np.diff(self._offset[ids] // BLOCK)) + 1
        return chain.from_iterable(one_ahead(map(self.fetch, np.split(ids, ends))))

    def fetch(self, ids: NDArray[np.int64]) -> list[Payload]:
        """Payloads from an object store, side by side. Raises `BadInput`.

        What lies close together comes with one request.
        """
        spans = self._spans(ids)
        try:
            contents = read_ranges([span.range for span in spans])
        except OSError as error:
            raise BadInput(f"{shown(self._root)} cannot be read: {why(error)}") from None
        return [
            self.checked(memoryview(content)[start : start + size], sample)
            for span, content in zip(spans, contents, strict=True)
            for sample, start, size in span.payloads
        ]

    def _spans(self, ids: NDArray[np.int64]) -> list["_Span"]:
        shard, offset = self._shard[ids], self._offset[ids]
        gap = offset[1:] - (offset + self._size[ids])[:-1]
        apart = (np.diff(shard) != 0) | (shard[1:] < 0) | (gap < 0) | (gap > GAP)
        ends = np.flatnonzero(apart | (np.diff(offset // SPAN) != 0)) + 1
        return [self._span(part) for part in np.split(ids, ends)]

    def _span(self, ids: NDArray[np.int64]) -> "_Span":
        starts, sizes = self._offset[ids], self._size[ids]
        first, end = int(starts[0]), int(starts[-1] + sizes[-1])
        places = zip(ids.tolist(), (starts - first).tolist(), sizes.tolist(), strict=True)
        return _Span(Range(self._url(int(ids[0])), first, end - first), list(places))

    def _url(self, sample: int) -> str:
        shard = self._shard[sample]
        return join(self._root, str(self._member[sample].as_py()) if shard < 0 else self._shards[shard])

    def _read_file(self, sample: int) -> bytes:
        try:
            file = os.open(self._url(sample), os.O_RDONLY)
        except OSError as error:
            raise BadInput(f"sample {self.member(sample)!r} cannot be read: {error.strerror}") from None
        try:
            # One byte more than indexed, so that a file that has grown is noticed.
            payload = os.read(file, int(self._size[sample]) + 1)
        finally:
            os.close(file)
        self.checked(payload, sample)
        return payload

    def checked(self, payload: Payload, sample: int) -> Payload:
        """The payload itself. Raises `BadInput` where it has not the indexed size."""
        if len(payload) != self._size[sample]:
            raise BadInput(
                f"sample {self.member(sample)!r} no longer holds the {self._size[sample]} bytes that the "
                "index says; index the dataset again"
            )
        return payload


class _Span(NamedTuple):
    """Payloads that come with one request."""

    range: Range
    payloads: Sequence[tuple[int, int, int]]
    """(id, first byte in the range, size) of each."""


class _Files:
    """Descriptors of local shards, each opened when it is first asked for."""

    def __init__(self) -> None:
        self._open: dict[str, int] = {}

    def __call__(self, path: str) -> int:
        """Raises `BadInput`."""
        if path not in self._open:
            if len(self._open) == MOST_OPEN:
                os.close(self._open.pop(next(iter(self._open))))
            try:
                self._open[path] = os.open(path, os.O_RDONLY)
            except OSError as error:
                raise BadInput(f"shard {path} cannot be read: {error.strerror}") from None
        return self._open[path]

    def __del__(self) -> None:
        for file in self._open.values():
            os.close(file)
