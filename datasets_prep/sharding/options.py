"""How to shard."""

from dataclasses import dataclass

from pipebench.errors import BadInput, unknown

from ..catalogue.splits import Share, spelt
from ..formats import FORMATS
from ..formats.contract import Format


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharding:
    """Shards are cut by bytes or by samples; by neither, evenly into a fitting number."""

    format: str
    shard_bytes: int | None = None
    shard_samples: int | None = None
    shuffle: bool = False
    seed: int = 0
    """Of the shuffled order, and of which samples go to which split."""
    split: tuple[Share, ...] = ()

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise unknown("shard format", self.format, FORMATS)
        if self.shard_bytes and self.shard_samples:
            raise BadInput("give the shards' size in bytes or in samples, not both")
        if self.shard_samples is not None and self.shard_samples < 1:
            raise BadInput(f"a shard must hold at least 1 sample, not {self.shard_samples}")
        if not self.form.suffix and (self.shard_bytes or self.shard_samples):
            raise BadInput(f"the format {self.format!r} has no shards, and so no size of them; leave it out")
        if not 0 <= self.seed < 1 << 64:
            raise BadInput(f"the seed must be at least 0 and below 2^64, not {self.seed}")

    @property
    def form(self) -> Format:
        return FORMATS[self.format]

    def options(self) -> dict[str, object]:
        """All that decides what is written."""
        return {
            "format": self.format,
            "shard_bytes": self.shard_bytes,
            "shard_samples": self.shard_samples,
            "shuffle": self.shuffle,
            "seed": self.seed if self.shuffle or self.split else None,
            "split": spelt(self.split) or None,
        }
