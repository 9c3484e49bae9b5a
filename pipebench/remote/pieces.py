"""Which requests read some ranges: neighbours together, large ones in pieces. Pure arithmetic."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipebench.remote.contract import Range

REQUEST_BYTES = 8 * 2**20
"""Of one request at most: more are made side by side, and little is lost with a connection."""
GAP_BYTES = 64 * 2**10
"""Ranges of a file that lie no farther apart are read in one: a request costs as much as these bytes do."""


class Piece(NamedTuple):
    """What one request reads, and the numbers of the ranges that it holds something of."""

    url: str
    begin: int
    end: int
    wanted: tuple[int, ...]


def pieces(ranges: Sequence[Range]) -> list[Piece]:
    """Requests that together read all ranges; none for empty ones."""
    found: list[Piece] = []
    for number in sorted(range(len(ranges)), key=lambda number: ranges[number][:2]):
        url, begin, size = ranges[number]
        if found and _joins(found[-1], url, begin, begin + size):
            last = found.pop()
            found.append(last._replace(end=max(last.end, begin + size), wanted=(*last.wanted, number)))
        elif size:
            found += _cut(Piece(url, begin, begin + size, (number,)))
    return found


def _joins(piece: Piece, url: str, begin: int, end: int) -> bool:
    near = piece.begin <= begin <= piece.end + GAP_BYTES
    return url == piece.url and near and max(end, piece.end) - piece.begin <= REQUEST_BYTES


def _cut(piece: Piece) -> Iterator[Piece]:
    for begin in range(piece.begin, piece.end, REQUEST_BYTES):
        yield piece._replace(begin=begin, end=min(begin + REQUEST_BYTES, piece.end))


def contents(ranges: Sequence[Range], read: Sequence[tuple[Piece, bytes]]) -> list[bytes]:
    """The bytes of each range, from those of the pieces."""
    parts: list[list[bytes]] = [[] for _ in ranges]
    for piece, content in read:
        for number in piece.wanted:
            begin, end = ranges[number].offset, ranges[number].offset + ranges[number].size
            parts[number].append(content[max(begin - piece.begin, 0) : max(end - piece.begin, 0)])
    return [part[0] if len(part) == 1 else b"".join(part) for part in parts]
