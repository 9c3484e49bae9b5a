"""Samples shuffled among open pieces; a payload stays where it is until it is used."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ._parquet import Opened
from ._payload import Payload


class Drawn(NamedTuple):
    """One sample of an opened piece."""

    piece: Opened
    position: int

    @property
    def id(self) -> int:
        return int(self.piece.ids[self.position])

    def payload(self) -> Payload:
        """Raises `BadInput`."""
        return self.piece.payload(self.position)


def in_order(pieces: Iterator[Opened]) -> Iterator[Drawn]:
    """Piece by piece."""
    for piece in pieces:
        yield from (Drawn(piece, position) for position in range(len(piece.ids)))


def mixed(pieces: Iterator[Opened], buffer: int, generator: np.random.Generator) -> Iterator[Drawn]:
    """Each sample from a random one of the open pieces, and each piece's samples in random order.

    As many pieces are open as hold `buffer` samples together, those that were drawn included: what a
    piece occupies is free only when its last sample has been used.
    """
    opened: list[tuple[Opened, list[int]]] = []
    while True:
        held = sum(len(piece.ids) for piece, _ in opened)
        while held < buffer and (piece := next(pieces, None)) is not None:
            opened.append((piece, generator.permutation(len(piece.ids)).tolist()))
            held += len(piece.ids)
        if not opened:
            return
        yield from _until_one_ends(opened, generator)


def _until_one_ends(
    opened: list[tuple[Opened, list[int]]], generator: np.random.Generator
) -> Iterator[Drawn]:
    """Draws from the pieces until one of them holds no more samples, and takes that out."""
    most = sum(len(left) for _, left in opened)
    for number in generator.integers(len(opened), size=most).tolist():
        piece, left = opened[number]
        yield Drawn(piece, left.pop())
        if not left:
            del opened[number]
            return
