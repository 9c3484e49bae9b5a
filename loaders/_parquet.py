"""Payloads out of Parquet, piece by piece: by pyarrow's reader, or from where the index says."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pipebench.cells import payload_column
from pipebench.dataset import Dataset
from pipebench.errors import BadInput
from pipebench.files import is_local, join, local_path, shown, why

from ._payload import MOST_OPEN, Payload, Payloads
from ._row_groups import Piece
from ._stream import RemoteFile

DECODED_BYTES = 16 << 20
"""Payload bytes that are decoded at once, about: twice a row group of our own shards."""
WHOLE_BYTES = 64 << 20
"""Bytes of a row group's column up to which it is read as a whole."""
BUFFER_BYTES = 8 << 20
"""Bytes of a larger one that are read at once."""


class Opened(NamedTuple):
    """Samples whose payloads can be had in any order."""

    ids: NDArray[np.int64]
    payload: Callable[[int], Payload]
    """From a position among the ids. Raises `BadInput`."""


class Reader(Protocol):
    """Opens pieces."""

    large: bool
    """Whether some piece had better not be held as a whole."""

    def __call__(self, piece: Piece) -> Iterator[Opened]:
        """The piece's samples, in parts. Raises `BadInput`."""
        ...


class PlainReader:
    """Reads payloads from where the index says: locally each when it is asked for, else a piece at once."""

    large = False

    def __init__(self, payloads: Payloads) -> None:
        self._payloads = payloads

    def __call__(self, piece: Piece) -> Iterator[Opened]:
        if self._payloads.local:
            ids = piece.ids.tolist()
            yield Opened(piece.ids, lambda position: self._payloads.read(ids[position]))
        else:
            yield Opened(piece.ids, self._payloads.fetch(piece.ids).__getitem__)


class LibraryReader:
    """Decodes the payload column with pyarrow, some megabytes at once."""

    def __init__(self, dataset: Dataset, footers: Sequence[Any], payloads: Payloads, *, mmap: bool) -> None:
        self._dataset, self._footers, self._payloads, self._mmap = dataset, footers, payloads, mmap
        self._rows = max(1, DECODED_BYTES * dataset.samples // max(1, dataset.payload_bytes))
        self.large = max(map(_largest, footers)) > WHOLE_BYTES
        self._files: dict[int, Any] = {}

    def __call__(self, piece: Piece) -> Iterator[Opened]:
        """Raises `BadInput` where the shard cannot be read."""
        import pyarrow as pa

        try:
            yield from self._opened(piece)
        except (OSError, pa.ArrowException) as error:
            url = shown(self._url(piece.shard))
            raise BadInput(f"shard {url} cannot be read: {why(error)}; index the dataset again") from None

    def _opened(self, piece: Piece) -> Iterator[Opened]:
        rows = self._dataset.index.row[piece.ids] - piece.first
        column = payload_column(str(self._dataset.index.member[int(piece.ids[0])]))
        begin = 0
        for batch in self._batches(piece, column):
            if batch.num_columns != 1:
                raise OSError(f"it has no column {column!r}")
            inside = slice(*np.searchsorted(rows, (begin, begin + len(batch))))
            if inside.start < inside.stop:
                yield self._part(piece.ids[inside], _values(batch), rows[inside] - begin)
            begin += len(batch)
            if begin > rows[-1]:
                return
        raise OSError(f"a row group has {begin} rows instead of more than {rows[-1]}")

    def _batches(self, piece: Piece, column: str) -> Iterator[Any]:
        batches: Iterator[Any] = self._file(piece.shard).iter_batches(
            self._rows, row_groups=[piece.group], columns=[column], use_threads=False
        )
        return batches

    def _part(self, ids: NDArray[np.int64], values: "_Values", rows: NDArray[np.int64]) -> Opened:
        samples, places = ids.tolist(), rows.tolist()
        checked = self._payloads.checked
        return Opened(ids, lambda position: checked(values[places[position]], samples[position]))

    def _file(self, shard: int) -> Any:
        """The open shard. A remote one is opened anew, since several threads read those."""
        if not self._payloads.local:
            url, size = self._url(shard), self._dataset.shards[shard].size
            return self._open(shard, RemoteFile(url, size), memory_map=False)
        if shard not in self._files:
            if len(self._files) == MOST_OPEN:
                self._files.pop(next(iter(self._files)))
            self._files[shard] = self._open(shard, self._url(shard), memory_map=self._mmap)
        return self._files[shard]

    def _open(self, shard: int, source: Any, *, memory_map: bool) -> Any:
        import pyarrow.parquet as pq

        return pq.ParquetFile(
            source,
            metadata=self._footers[shard],
            memory_map=memory_map,
            buffer_size=BUFFER_BYTES if self.large and not memory_map else 0,
            pre_buffer=False,
        )

    def _url(self, shard: int) -> str:
        url = join(self._dataset.root, self._dataset.shards[shard].name)
        return local_path(url) if is_local(url) else url


def _largest(footer: Any) -> int:
    """Bytes of the largest row group."""
    return max((footer.row_group(g).total_byte_size for g in range(footer.num_row_groups)), default=0)


class _Values:
    """The values of a column of bytes, without copies."""

    def __init__(self, column: Any) -> None:
        import pyarrow as pa

        _, ends, data = column.buffers()
        width = np.int64 if pa.types.is_large_binary(column.type) else np.int32
        self._ends = np.frombuffer(ends, width)[column.offset :].tolist() if len(column) else []
        self._data = memoryview(data or b"").cast("B")

    def __getitem__(self, row: int) -> memoryview:
        return self._data[self._ends[row] : self._ends[row + 1]]


def _values(batch: Any) -> _Values:
    """The batch's one column, which may lie inside structs."""
    import pyarrow as pa

    column = batch.column(0)
    while pa.types.is_struct(column.type):
        (column,) = column.flatten()
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)):
        column = column.cast(pa.large_binary())
    return _Values(column)
