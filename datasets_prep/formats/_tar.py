"""Tar archives being written: plain ustar headers, PAX only for names and sizes that ustar cannot hold.

Owner, mode and time are fixed, so that the same members give the same bytes.
"""

import tarfile

from .contract import Content, Sink

ENDING = tarfile.BLOCKSIZE * 2
"""Zero bytes that close an archive; the file is then filled to a whole tarfile.RECORDSIZE."""
BLOCK = 1 << 20
"""Bytes that are written at once: whole ones cost the system half of what members one by one do."""
SMALL = 4096
"""Bytes up to which a content is joined with its header first: copying them costs less than a step more."""
NAME, SIZE, SUM = slice(0, 100), slice(124, 135), slice(148, 154)
"""Where a header has its name, and its size and the sum of its bytes in octal digits (POSIX, ustar)."""
LARGEST = 8**11 - 1
"""The size that eleven octal digits can tell."""


def padded(size: int) -> int:
    """Bytes that a content of this size takes."""
    return size + -size % tarfile.BLOCKSIZE


def header(name: str, size: int) -> bytes:
    """The member's header, as `tarfile` makes it; `tarfile` itself is asked only where names are long."""
    if len(name) > 100 or size > LARGEST or not name.isascii():
        return _by_tarfile(name, size)
    text, digits = name.encode(), b"%011o" % size
    checksum = b"%06o" % (_SUM + sum(text) + sum(digits))
    return b"".join((text, bytes(100 - len(text)), _OWNER, digits, _TIME, checksum, _REST))


def _by_tarfile(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o644, 0
    try:
        return info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")
    except ValueError:
        return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


_PLAIN = _by_tarfile("", 0)
_OWNER, _TIME, _REST = _PLAIN[NAME.stop : SIZE.start], _PLAIN[SIZE.stop : SUM.start], _PLAIN[SUM.stop :]
_SUM = int(_PLAIN[SUM], 8) - sum(_PLAIN[SIZE])
"""The sum of the bytes of all headers' common part."""


class Tar:
    """An archive being written to a sink."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._block = memoryview(bytearray(BLOCK))
        self._filled = 0

    def add(self, name: str, content: Content) -> int:
        """Appends a member and returns its content's offset."""
        size = len(content)
        head, rest = header(name, size), bytes(-size % tarfile.BLOCKSIZE)
        offset = self._sink.size + self._filled + len(head)
        for piece in (b"".join((head, content, rest)),) if size <= SMALL else (head, content, rest):
            self._append(piece)
        return offset

    def end(self) -> None:
        """Closes the archive, not the sink."""
        self._append(bytes(ENDING))
        self._append(bytes(-(self._sink.size + self._filled) % tarfile.RECORDSIZE))
        self._sink.write(self._block[: self._filled])

    def _append(self, data: Content) -> None:
        end = self._filled + len(data)
        if end < BLOCK:
            self._block[self._filled : end] = data
            self._filled = end
        else:
            self._fill(memoryview(data))

    def _fill(self, data: memoryview) -> None:
        """Completes and writes the block; whole blocks go as they are, and what is left begins another."""
        room = BLOCK - self._filled
        self._block[self._filled :] = data[:room]
        self._sink.write(self._block)
        whole = room + (len(data) - room) // BLOCK * BLOCK
        if whole > room:
            self._sink.write(data[room:whole])
        self._filled = len(data) - whole
        self._block[: self._filled] = data[whole:]
