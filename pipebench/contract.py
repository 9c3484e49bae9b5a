"""All that a loader is told and must do.

A loader is one class with two methods. It is built from a `Workload` (what every loader delivers,
identically), a `Placement` (what it may use), a `Stage` to stop after, and its own `Settings`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple, Protocol, Self

from pipebench.dataset import Dataset


class Stage(StrEnum):
    """The stages of a loader, in order; a loader can be cut after any of them."""

    READ = "read"
    DECODE = "decode"
    TRANSFORM = "transform"
    BATCH = "batch"

    @property
    def depth(self) -> int:
        """0 for `READ` up to 3 for `BATCH`."""
        return list(Stage).index(self)


class Preprocessing:
    """Base of each data kind's frozen dataclass of what is done to a payload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What every loader must deliver, identically."""

    dataset: Dataset
    batch_size: int
    preprocessing: Preprocessing
    shuffle: bool = True
    drop_last: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """What a loader may use. The trial has already pinned the whole process tree to `cores` cores."""

    cores: int
    rank: int = 0
    world_size: int = 1
    device: str = "cpu"


@dataclass(frozen=True)
class Settings:
    """Base of each loader's frozen dataclass of knobs; its two presets follow from the placement."""

    @classmethod
    def tuned(cls, placement: Placement) -> Self:  # noqa: ARG003 - a loader's own override reads it
        """The best that can be done with the library on this placement: the default."""
        return cls()

    @classmethod
    def documented(cls, placement: Placement) -> Self:  # noqa: ARG003 - as above
        """What the library's own documentation shows, which is what most people run."""
        raise Unsupported("has no 'documented' preset")


class Batch(NamedTuple):
    """One batch; its buffers are valid until the next `next()`: whoever keeps it longer clones it."""

    inputs: Any
    """Tensor (n, ...) on the placement's device, or None when cut before `batch`."""
    labels: Any
    """int64 tensor (n,) on the placement's device, or None when cut before `batch`."""
    ids: Any
    """int64 numpy array (n,) on the host: each sample's position in the dataset's index."""


class Loader(Protocol):
    """A contestant, built for one workload on one placement."""

    def epoch(self, number: int) -> Iterator[Batch]:
        """This rank's batches of epoch `number` (0, 1, 2, ...), every sample exactly once over all ranks.

        Only the last batch of a rank may be short. An iterator may be abandoned half-way; the next
        epoch is complete all the same.
        """
        ...

    def close(self) -> None:
        """End every process and thread that the loader started. May be called twice."""
        ...


class LoaderFactory(Protocol):
    """Makes a loader; usually just its class. Importing its module imports no heavy library."""

    formats: ClassVar[frozenset[str]]
    """The dataset formats that it reads."""
    libraries: ClassVar[tuple[str, ...]]
    """Distributions without which it cannot run; their versions are kept with every result."""
    fused: ClassVar[tuple[tuple[Stage, ...], ...]]
    """Groups of stages that the library cannot separate, reported as one, such as `decode+transform`."""
    settings: ClassVar[type[Settings]]

    def __call__(self, workload: Workload, placement: Placement, *, until: Stage, settings: Any) -> Loader:
        """Raises `Unsupported` where this workload, placement or cut is not possible here.

        A loader cut `until` a stage does all up to it, drops the product where it was made, and
        yields batches of ids alone.
        """
        ...


class Unsupported(Exception):
    """This loader cannot do that here; the message is the reason that the report shows."""
