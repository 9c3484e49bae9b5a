"""Columns of bytes on their way into Parquet's pages, and where in the file each value then lies.

An uncompressed PLAIN page ends with its values: 4 bytes of length, little-endian, and the bytes, one
after the other. Where they went is not believed but seen: the page must have the hash that is expected.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import xxhash

from .contract import Content, Sink

LENGTH = 4
"""Bytes in front of a value."""


class Pages:
    """The file that pyarrow writes to: keeps the row group until its values are found."""

    closed = False

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._written: list[tuple[int, bytes]] = []

    def write(self, data: bytes) -> int:
        self._written.append((self._sink.size, data))
        return self._sink.write(data)

    def tell(self) -> int:
        return self._sink.size

    def flush(self) -> None:
        """The sink's owner does it."""

    def close(self) -> None:
        """The sink's owner does it."""

    def begin_group(self) -> None:
        """Forgets the last row group."""
        self._written.clear()

    def find(self, size: int, digest: int) -> int:
        """The offset of these bytes, by their size and xxh3_64, at the end of a page of the row group."""
        for start, data in self._written:
            if len(data) >= size and xxhash.xxh3_64_intdigest(memoryview(data)[len(data) - size :]) == digest:
                return start + len(data) - size
        raise RuntimeError("this pyarrow lays out Parquet's pages in a way that pipebench doesn't know")


class Values:
    """A column of a row group."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._ends = [0]
        self._present: list[bool] = []
        self._page = xxhash.xxh3_64()

    def add(self, content: Content | None) -> None:
        """Appends a value, or null."""
        self._present.append(content is not None)
        if content is not None:
            self._data += content
            self._page.update(len(content).to_bytes(LENGTH, "little"))
            self._page.update(content)
        self._ends.append(len(self._data))

    def array(self) -> Any:
        """The column as a pyarrow array."""
        import pyarrow as pa

        present = np.packbits(np.array(self._present, bool), bitorder="little")
        buffers = [*map(pa.py_buffer, (present, np.array(self._ends, np.int32), self._data))]
        return pa.Array.from_buffers(pa.binary(), len(self._present), buffers)

    def parts(self, pages: Pages) -> Iterator[tuple[int, int]]:
        """Offset and size in the file of each value that is not null."""
        values = sum(self._present)
        start = pages.find(len(self._data) + LENGTH * values, self._page.intdigest()) if values else 0
        return self._parts(start)

    def _parts(self, start: int) -> Iterator[tuple[int, int]]:
        for present, (begin, end) in zip(self._present, pairwise(self._ends), strict=True):
            if present:
                start += LENGTH
                yield start + begin, end - begin
