"""What a look through a folder finds, before anything is decoded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipebench.dataset import Shard
from pipebench.errors import BadInput

SHOWN = 20
"""Names that a message lists before it only counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One sample, not looked into yet."""

    key: str
    member: str
    path: Path
    """The file that holds it."""
    label: str
    """The class's name, or its number as digits."""
    shard: int = -1
    offset: int = 0
    size: int | None = None
    """Payload bytes, or None for a whole file."""

    @property
    def name(self) -> str:
        """For messages."""
        return self.member if self.shard < 0 else f"{self.path.name}/{self.member}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """All samples of a folder, in the order of their ids."""

    format: str
    found: Sequence[Found]
    classes: tuple[str, ...]
    ignored: Mapping[str, int]
    """How many files of each sort were left aside."""
    shards: tuple[Shard, ...] = ()


def listed(names: Sequence[str]) -> str:
    """The names, or the first of them and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def check_text(name: str) -> str:
    """The name itself; `BadInput` where its bytes are not UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise BadInput(f"the name {name!r} is not UTF-8; rename it") from None
    return name
