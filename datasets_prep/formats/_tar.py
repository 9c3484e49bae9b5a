"""Tar archives being written: plain ustar headers, PAX only for names and sizes that ustar cannot hold.

Owner, mode and time are fixed, so that the same members give the same bytes.
"""

import tarfile

from .contract import Content, Sink

ENDING = tarfile.BLOCKSIZE * 2
"""Zero bytes that close an archive; the file is then filled to a whole tarfile.RECORDSIZE."""
LARGE = 16_384
"""Contents from this size on are written as they are; smaller ones are joined with what stands around."""
TOGETHER = 65_536
"""Bytes that are joined before they are written."""
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
        self._joined = bytearray()

    def add(self, name: str, content: Content) -> int:
        """Appends a member and returns its content's offset."""
        size = len(content)
        self._joined += header(name, size)
        offset = self._sink.size + len(self._joined)
        if size >= LARGE:
            self._flush()
            self._sink.write(content)
        else:
            self._joined += content
        self._joined += bytes(-size % tarfile.BLOCKSIZE)
        if len(self._joined) >= TOGETHER:
            self._flush()
        return offset

    def end(self) -> None:
        """Closes the archive, not the sink."""
        self._joined += bytes(ENDING)
        self._joined += bytes(-(self._sink.size + len(self._joined)) % tarfile.RECORDSIZE)
        self._flush()

    def _flush(self) -> None:
        self._sink.write(self._joined)
        self._joined.clear()
