"""Packed rows on disk, in their order, some thousands to a chunk: memory doesn't grow with their number."""

from collections.abc import Iterator
from typing import Any, Self

from .blobs import Blobs
from .rows import pack, unpack

CHUNK = 8192
"""Rows of a chunk; only the last has fewer."""


class Store:
    """Record batches of one schema."""

    def __init__(self) -> None:
        self._chunks = Blobs()
        self._waiting: list[Any] = []
        self._rows_waiting = 0
        self._last: tuple[int, Any] = (-1, None)
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._chunks.__exit__()

    def append(self, batch: Any) -> None:
        """Adds a record batch. `BadInput` where the disk has no room for it."""
        if self.rows % CHUNK and not self._waiting:
            raise ValueError("rows cannot be added any more")
        self._waiting.append(batch)
        self._rows_waiting += len(batch)
        self.rows += len(batch)
        if self._rows_waiting >= CHUNK:
            self._write(CHUNK)

    def batches(self, *columns: int) -> Iterator[Any]:
        """All rows in record batches of CHUNK, with these columns or all. Nothing can be added then."""
        self._finish()
        yield from (unpack(self._chunks[number], columns) for number in range(len(self._chunks)))

    def packed(self, first: int, end: int) -> Iterator[bytes]:
        """These rows, packed, in pieces of up to CHUNK. Nothing can be added then."""
        self._finish()
        while first < end:
            number, begin = divmod(first, CHUNK)
            taken = min(CHUNK - begin, end - first)
            yield self._chunks[number] if taken == CHUNK else pack(self._chunk(number)[begin:][:taken])
            first += taken

    def _chunk(self, number: int) -> Any:
        """A chunk unpacked; the last one is kept, since small pieces are taken one after the other."""
        if self._last[0] != number:
            self._last = (number, unpack(self._chunks[number]))
        return self._last[1]

    def _finish(self) -> None:
        if self._waiting:
            self._write(1)

    def _write(self, least: int) -> None:
        import pyarrow as pa

        table = pa.Table.from_batches(self._waiting).combine_chunks()
        while len(table) >= least:
            self._chunks.add(pack(table[:CHUNK].to_batches()[0]))
            table = table[CHUNK:]
        self._waiting = table.to_batches() if len(table) else []
        self._rows_waiting = len(table)
