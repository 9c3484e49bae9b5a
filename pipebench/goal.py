"""When a run has enough blocks. It stops on width, never on significance."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipebench.compare import marked_blocks, standings
from pipebench.results import Record
from pipebench.stats import LOOKS

MOST_BLOCKS = max(LOOKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What ends a run."""

    blocks: int
    """Undisturbed ones wanted; a marked block is run once more."""
    precision: float | None = None
    """Half-width wanted of every ratio to the fastest, such as 0.02; looked at at the planned looks."""
    max_seconds: float | None = None

    @property
    def most_clean(self) -> int:
        """Undisturbed blocks at which a run ends in any case."""
        return self.blocks if self.precision is None else MOST_BLOCKS

    def reached(self, records: Sequence[Record], blocks: int, seconds: float) -> bool:
        """Whether to stop after `blocks` blocks, which took `seconds`."""
        if blocks == 0:
            return False
        if self.max_seconds is not None and seconds * (blocks + 1) / blocks > self.max_seconds:
            return True
        ended = [record for record in records if record.block < blocks]
        clean = blocks - len(marked_blocks(ended))
        if clean >= self.most_clean or blocks >= 2 * self.most_clean:
            return True
        return self.precision is not None and clean in LOOKS and _half_width(ended) <= self.precision


def _half_width(records: Sequence[Record]) -> float:
    """The widest half-width of any ratio, on any step; infinite where nothing can be compared."""
    steps = {record.spec.step for record in records}
    ratios = [standing.comparison.ratio for step in steps for standing in standings(records, step)]
    return max(((r.high - r.low) / 2 / r.estimate for r in ratios), default=float("inf"))
