"""Pieces of bytes in a nameless temporary file, which is gone with the process however that ends."""

from tempfile import TemporaryFile
from typing import Self

from .._scratch import scratch


class Blobs:
    """Numbered 0, 1, ... as they are added."""

    def __init__(self) -> None:
        self._file = TemporaryFile(prefix="pipebench-")  # noqa: SIM115 - `__exit__` closes it
        self._ends = [0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def add(self, blob: bytes) -> int:
        """Returns its number. `BadInput` where the disk has no room for it."""
        with scratch():
            self._file.seek(self._ends[-1])
            self._file.write(blob)
            self._file.flush()
        self._ends.append(self._ends[-1] + len(blob))
        return len(self) - 1

    def __getitem__(self, number: int) -> bytes:
        self._file.seek(self._ends[number])
        return self._file.read(self._ends[number + 1] - self._ends[number])
