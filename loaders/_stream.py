"""Files in an object store, as libraries want files."""

from pipebench.files import Range, read_ranges

from ._ahead import some_ahead
from ._payload import BLOCK


class Stream:
    """A file from its beginning to its end, of which tar readers need `read`.

    While a block is in use the next are fetched.
    """

    def __init__(self, url: str, size: int) -> None:
        """`size` is the file's, in bytes."""
        starts = range(0, size, BLOCK)
        self._blocks = some_ahead(lambda start: _read(url, start, min(BLOCK, size - start)), starts)
        self._block, self._at = memoryview(b""), 0

    def read(self, size: int) -> bytes:
        """As many bytes as were asked for, or fewer at the end. Raises `OSError`."""
        parts = []
        while size and (part := self._part(size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _part(self, size: int) -> memoryview:
        """Bytes that lie in one block; empty at the end."""
        if self._at == len(self._block):
            self._block, self._at = memoryview(next(self._blocks, b"")), 0
        part = self._block[self._at : self._at + size]
        self._at += len(part)
        return part


class RemoteFile:
    """A file of which pyarrow reads what it needs; each read is one fetch."""

    closed = False

    def __init__(self, url: str, size: int) -> None:
        self._url, self._size, self._at = url, size, 0

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Raises `OSError`."""
        left = self._size - self._at
        content = _read(self._url, self._at, left if size < 0 else min(size, left))
        self._at += len(content)
        return content

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing is held."""


def _read(url: str, start: int, size: int) -> bytes:
    return read_ranges([Range(url, start, size)])[0]
