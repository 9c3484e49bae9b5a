"""What finders of samples have in common."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from pipebench.dataset import DESCRIPTION, INDEX
from pipebench.files import Listed

MOST_SAMPLES = 200_000
"""Of a sample of a dataset, however small they are."""


class Found(NamedTuple):
    """One sample, and where it lies."""

    key: str
    member: str
    label: str
    size: int
    shard: str = ""
    offset: int = 0
    row: int = -1


@dataclass(slots=True)
class Allowance:
    """The payload bytes that may still be taken."""

    bytes: int
    goes_on: Callable[[int], bool] = lambda _: True
    """Whether there is time for more than so many samples."""
    taken: int = 0

    @property
    def is_spent(self) -> bool:
        return self.bytes <= 0 or self.taken >= MOST_SAMPLES or not self.goes_on(self.taken)

    def bounded(self, found: Iterable[Found]) -> Iterator[Found]:
        """The samples until the allowance is spent."""
        for one in found:
            if self.is_spent:
                return
            self.bytes -= one.size
            self.taken += 1
            yield one


def ending(name: str) -> str:
    """Of a file's name, lower case with its dot; empty where it has none."""
    base = name.rpartition("/")[2]
    return f".{base.rpartition('.')[2].lower()}" if "." in base.lstrip(".") else ""


def is_hidden(file: Listed) -> bool:
    """Whether it is bookkeeping: pipebench's, or below something that begins with a dot or an underscore."""
    parts = file.name.split("/")
    return parts[-1] in (DESCRIPTION, INDEX) or any(part.startswith((".", "_")) for part in parts)
