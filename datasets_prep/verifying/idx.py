"""DALI's index of a tar, version 1.1, held against the tar: a line a sample, with its components."""

import io
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .faults import Fault

ENDING = ".idx"
_BLANK = re.compile(r"\s")


def idx_name(shard: str) -> str:
    """What the DALI index of a tar is called."""
    return shard.removesuffix(".tar") + ENDING


class Component(NamedTuple):
    """A member of a sample, as the tar has it."""

    offset: int
    field: str
    size: int


class IdxCheck:
    """Reads its lines as the tar's samples come."""

    def __init__(self, name: str, content: bytes, samples: int) -> None:
        self._name, self._samples = name, samples
        self._lines = io.BytesIO(content)
        self._number = 0

    def begin(self) -> Iterator[Fault]:
        """The first line."""
        yield from self._expect(None, f"v1.1 {self._samples}\n")

    def sample(self, key: str, components: Iterable[Component] | None) -> Iterator[Fault]:
        """The next line; None where the tar doesn't tell what it ought to be."""
        if components is None:
            self._next()
            return
        told = [f"{c.field} {c.offset} {c.size}" for c in sorted(components) if not _BLANK.search(c.field)]
        yield from self._expect(key, " ".join(told) + "\n")

    def end(self) -> Iterator[Fault]:
        """Nothing may follow."""
        yield from self._expect(None, "")

    def _next(self) -> bytes:
        self._number += 1
        return self._lines.readline()

    def _expect(self, key: str | None, line: str) -> Iterator[Fault]:
        at = self._lines.tell()
        found = self._next()
        if found != line.encode(errors="surrogateescape"):
            shown, due = found.decode(errors="replace").rstrip("\n"), line.rstrip("\n")
            text = f"line {self._number} is {shown[:200]!r}, and the tar says {due[:200]!r}"
            yield Fault(self._name, key, at, text)
