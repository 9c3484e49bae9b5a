"""What a verification finds."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from pipebench.errors import one_line

FROM_ONE_TASK = 1000
"""Faults that are told of one shard, or of so many files; of more only the number."""


class Fault(NamedTuple):
    """One thing that is wrong."""

    shard: str
    """The file below the dataset's folder: a shard, a sample's own file, the description or the index."""
    key: str | None
    """The sample's, or None where it concerns no single sample."""
    offset: int | None
    """The byte in that file from which on something is wrong, where that is known."""
    fault: str

    def line(self) -> str:
        """The fault in one line."""
        sample = "" if self.key is None else f" sample {one_line(self.key, 300)!r}"
        byte = "" if self.offset is None else f" at byte {self.offset}"
        return f"{one_line(self.shard, 300)}:{sample}{byte}{',' if sample or byte else ''} {self.fault}"


def limited(faults: Iterable[Fault], shard: str) -> list[Fault]:
    """The first of the faults, and how many more there are, so that a shard of noise fills no memory."""
    faults = iter(faults)
    first = list(islice(faults, FROM_ONE_TASK))
    more = sum(1 for _ in faults)
    return [*first, *_rest(shard, more)]


def _rest(shard: str, more: int) -> Iterator[Fault]:
    if more:
        yield Fault(shard, None, None, f"{more} more faults like these")
