"""A sample's payload, from where the index says that it lies."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from pipebench.dataset import Dataset
from pipebench.errors import BadInput


class Payloads:
    """Reads payloads by id. It keeps the index in arrays: no list of a million names in each worker."""

    def __init__(self, dataset: Dataset) -> None:
        self._root = str(dataset.local_root())
        self._member, self._size = dataset.index.member, dataset.index.size
        self._shard, self._offset = dataset.index.shard, dataset.index.offset
        self._shards = tuple(shard.name for shard in dataset.shards)

    def member(self, sample: int) -> str:
        """The sample's name in the dataset, for messages."""
        name = str(self._member[sample].as_py())
        shard = self._shard[sample]
        return name if shard < 0 else f"{self._shards[shard]}/{name}"

    def read(self, sample: int) -> bytes:
        """A payload wherever it lies. Raises `BadInput` where it is not as indexed."""
        shard = self._shard[sample]
        if shard < 0:
            return self.read_file(sample)
        with self.opened(f"{self._root}/{self._shards[shard]}") as file:
            return self.read_part(file, sample)

    @contextmanager
    def opened(self, shard: str) -> Iterator[int]:
        """A shard's file, open for reading. Raises `BadInput`."""
        try:
            file = os.open(shard, os.O_RDONLY)
        except OSError as error:
            raise BadInput(f"shard {shard} cannot be read: {error.strerror}") from None
        try:
            yield file
        finally:
            os.close(file)

    def read_file(self, sample: int) -> bytes:
        """A payload that is a file of its own. Raises `BadInput` where it is not as indexed."""
        try:
            file = os.open(f"{self._root}/{self._member[sample].as_py()}", os.O_RDONLY)
        except OSError as error:
            raise BadInput(f"sample {self.member(sample)!r} cannot be read: {error.strerror}") from None
        try:
            # One byte more than indexed, so that a file that has grown is noticed.
            payload = os.read(file, int(self._size[sample]) + 1)
        finally:
            os.close(file)
        return self._checked(payload, sample)

    def read_part(self, file: int, sample: int) -> bytes:
        """A payload inside the shard open as `file`. Raises `BadInput` where the shard is too short."""
        return self._checked(os.pread(file, int(self._size[sample]), int(self._offset[sample])), sample)

    def _checked(self, payload: bytes, sample: int) -> bytes:
        if len(payload) != self._size[sample]:
            raise BadInput(
                f"sample {self.member(sample)!r} no longer holds the {self._size[sample]} bytes that the "
                "index says; index the dataset again"
            )
        return payload
