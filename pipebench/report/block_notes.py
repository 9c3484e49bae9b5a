"""What must be said of the blocks that a sweep's figures come from."""

from collections.abc import Iterator
from typing import Protocol

from pipebench.stats import LOOKS


class OfBlocks(Protocol):
    """Figures of a sweep, with what is known of its blocks."""

    @property
    def blocks(self) -> int:
        """Whole ones that have a vote."""

    @property
    def indicative(self) -> bool:
        """Whether these are too few to decide anything."""

    @property
    def disturbed(self) -> int:
        """Blocks in which other processes kept cores busy."""

    @property
    def left_out(self) -> int:
        """Of these, those that have no vote."""


def block_notes(found: OfBlocks) -> Iterator[str]:
    """Sentences for below a table."""
    if found.indicative:
        blocks = f"{found.blocks} block{'s' * (found.blocks > 1)}"
        yield f"Indicative, from {blocks}; {min(LOOKS)} are needed to decide."
    if found.disturbed:
        what = "left out" if found.left_out else "kept, since fewer than two others remain"
        yield f"Blocks that other processes disturbed: {found.disturbed}, {what}."
