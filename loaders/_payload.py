"""A sample's payload, from where the index says that it lies, locally or in an object store."""

import os
from collections.abc import Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from pipebench.dataset import Dataset
from pipebench.errors import BadInput
from pipebench.files import Range, is_local, join, local_path, read_ranges, shown, why

from ._ahead import some_ahead

Payload = bytes | memoryview

BLOCK = 8 << 20
"""Bytes that are fetched at once where payloads are read in their stored order, about."""
MOST_OPEN = 128
"""Shards that a process keeps open: its limit is often 1024 files, some of them others'."""


class Payloads:
    """Reads payloads by id. It keeps the index in arrays: no list of a million names in each worker."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset, self.local = dataset, is_local(dataset.root)
        self._root = local_path(dataset.root) if self.local else dataset.root
        self._member, self._size = dataset.index.member, dataset.index.size
        self._shard, self._offset, self._row = dataset.index.shard, dataset.index.offset, dataset.index.row
        self._shards = tuple(shard.name for shard in dataset.shards)
        self._urls = tuple(join(self._root, name) for name in self._shards)
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
        size, offset = int(self._size[sample]), int(self._offset[sample])
        if offset < 0:
            return self._decoded(sample)
        if not self.local:
            return self.fetch(np.array([sample]))[0]
        if self._shard[sample] < 0:
            return self._read_file(sample)
        return self.checked(os.pread(self._files(self._url(sample)), size, offset), sample)

    def stored(self, ids: NDArray[np.int64]) -> Iterator[Payload]:
        """Payloads of one shard, in the order in which it holds them. Raises `BadInput`.

        From an object store they come in blocks, and while one is in use the next are fetched.
        """
        if self.local:
            return map(self.read, ids.tolist())
        ends = np.flatnonzero(np.diff(self._offset[ids] // BLOCK)) + 1
        return chain.from_iterable(some_ahead(self.fetch, np.split(ids, ends)))

    def fetch(self, ids: NDArray[np.int64]) -> list[Payload]:
        """Payloads from an object store, side by side. Raises `BadInput`."""
        samples = ids.tolist()
        try:
            contents = read_ranges([self._range(sample) for sample in samples])
        except OSError as error:
            place = shown(error.filename or self._root)
            raise BadInput(f"{place} cannot be read: {why(error)}; index the dataset again") from None
        return [self.checked(content, sample) for sample, content in zip(samples, contents, strict=True)]

    def _range(self, sample: int) -> Range:
        return Range(self._url(sample), int(self._offset[sample]), int(self._size[sample]))

    def _url(self, sample: int) -> str:
        shard = self._shard[sample]
        return join(self._root, str(self._member[sample].as_py())) if shard < 0 else self._urls[shard]

    def _decoded(self, sample: int) -> bytes:
        """What Parquet holds encoded; it is searched anew each time."""
        try:
            payload = self._dataset.payload(sample)
        except OSError as error:
            raise BadInput(f"sample {self.member(sample)!r} cannot be read: {why(error)}") from None
        self.checked(payload, sample)
        return payload

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
