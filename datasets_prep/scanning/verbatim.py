"""Where values of Parquet lie as they are, so that they can be read without knowing Parquet."""

from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

LENGTH = 4
"""Bytes in front of a value: its length, little-endian."""
HEADERS = 4096
"""Bytes that a column in one uncompressed PLAIN page has besides its values, at most."""


def value_offsets(file: BinaryIO, chunk: Any, values: Any) -> NDArray[np.int64] | None:
    """Each value's offset in the file, -1 of a null; or None where they don't lie there verbatim.

    `chunk` is the metadata of a column in a row group, and `values` all that it holds, as large_binary.
    Such a column ends with its values, each behind its length. That is not believed but seen.
    """
    if chunk is None or chunk.compression != "UNCOMPRESSED" or chunk.physical_type != "BYTE_ARRAY":
        return None
    contents = [value for value in values.to_pylist() if value is not None]
    page = b"".join(len(content).to_bytes(LENGTH, "little") + content for content in contents)
    over = chunk.total_compressed_size - len(page)
    if not 0 <= over <= HEADERS:
        return None
    start = _chunk_start(chunk) + over
    file.seek(start)
    if file.read(len(page)) != page:
        return None
    return _offsets(start, np.array([-1 if value is None else len(value) for value in values.to_pylist()]))


def _chunk_start(chunk: Any) -> int:
    """A dictionary, if there is one, comes before the data."""
    starts = (chunk.dictionary_page_offset, chunk.data_page_offset)
    return int(min(start for start in starts if start))


def _offsets(start: int, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """From the values' sizes, -1 of a null."""
    taken = np.where(sizes < 0, 0, sizes + LENGTH)
    return np.where(sizes < 0, -1, start + np.cumsum(taken) - sizes)
