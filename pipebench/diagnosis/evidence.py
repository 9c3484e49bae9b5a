"""What a verdict is made from, and what it says. Pure values: no trial, no clock, no file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pipebench.contract import Stage
from pipebench.diagnosis.seen import Seen
from pipebench.stats import Interval


class Narrow(StrEnum):
    """The resource that holds a pipeline back, or why none is named."""

    STORAGE = "storage"
    DECODE = "decode"
    TRANSFORM = "transform"
    DECODE_TRANSFORM = "decode+transform"
    BATCHING = "batching"
    TRANSFER = "transfer"
    STEP = "step"
    CPU_SHARED = "cpu_shared"
    OVERHEAD = "overhead"
    BALANCED = "balanced"
    UNDECIDED = "undecided"


class Detail(StrEnum):
    """Of `overhead`."""

    WORKERS = "workers"
    """Too few of them."""
    HAND_OVER = "hand_over"
    LOCK = "lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the phases showed."""

    cores: int
    loader: Seen
    """Into the null step: P."""
    step: Seen | None = None
    """Alone: G. None for the null step, which takes no time."""
    transfer: Seen | None = None
    """Bare copies of a batch to the device: T. None where batches stay on the host."""
    storage: Seen | None = None
    """Cut after reading, from the real storage: F. None where bytes were warm."""
    end_to_end: Seen | None = None
    """E. None for the null step, where it is the loader's."""
    one_core: Seen | None = None
    by_cores: Mapping[int, Seen] = field(default_factory=dict)
    """The loader on more cores than one and fewer than all."""
    cuts: Mapping[Stage, Seen] = field(default_factory=dict)
    """By the stage after which the loader was cut; those that it cannot be cut after are absent."""
    read_one_core: Seen | None = None
    more_workers: Seen | None = None
    larger_batch: Seen | None = None
    workers: int = 0
    """As the loader's settings say; 0 where they do not."""
    is_remote: bool = False
    """Whether all phases read from somewhere else than this host."""
    fused: tuple[tuple[Stage, ...], ...] = ()
    lacks: str = ""
    """`step` or `transfer`, where there is one that could not be measured alone."""
    not_warm: bool = False
    """Whether the loader read a device though its bytes were to be in memory."""

    @property
    def whole(self) -> Seen:
        """End to end."""
        return self.end_to_end or self.loader

    @property
    def step_beside(self) -> Interval | None:
        """G': what the step does while the loader works beside it. Evidence of interference, and no bound."""
        return self.end_to_end.step_rate if self.end_to_end else None


@dataclass(frozen=True, slots=True)
class Named:
    """What holds the pipeline back, and the reasons, a sentence each."""

    verdict: Narrow
    detail: Detail | None = None
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer."""

    named: Named
    severity: str
    """`fine`, `moderate`, `severe`, or `unknown` where no step says what is lost."""
    stall: float | None
    slowdown: float | None
    gain: Interval | None
    """What a perfect loader would make of the rate, as a ratio; None for the null step."""
