"""A loader and a step of the user's own: any iterable of batches, and anything that can be called with one.

There is no dataset then, nothing can be cut, and how many samples a batch holds is told by its first array.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import repeat
from typing import Any, ClassVar

import numpy as np

from pipebench import registry
from pipebench.contract import Batch, Placement, Preprocessing, Settings, Stage, Unsupported, Workload
from pipebench.dataset import Dataset
from pipebench.errors import BadInput

FORMAT = "own"


def made_by(name: str, what: str) -> Callable[..., Any]:
    """The function `module:name`; raises `BadInput`."""
    found: Callable[..., Any] = registry.imported(name, what)
    if not callable(found):
        raise BadInput(f"{what} {name!r} is {type(found).__name__}, and must be a function that makes one")
    return found


def own_workload(batch_size: int) -> Workload:
    """What there is to say where only the loader knows its data."""
    nothing = Dataset(
        url="",
        root="",
        kind=FORMAT,
        format=FORMAT,
        classes=(),
        samples=1,
        payload_bytes=0,
        content_id="",
    )
    return Workload(dataset=nothing, batch_size=batch_size, preprocessing=Preprocessing())


@dataclass(frozen=True)
class OwnSettings(Settings):
    """The loader has its own; this one is the harness's."""

    replay: bool = False
    """Hand out the first batch again and again."""


class OwnLoader:
    """A factory of the contract around a function that makes an iterable of batches."""

    formats: ClassVar = frozenset({FORMAT})
    libraries: ClassVar[tuple[str, ...]] = ()
    fused: ClassVar[tuple[tuple[Stage, ...], ...]] = ()
    settings: ClassVar = OwnSettings

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(
        self,
        workload: Workload,  # noqa: ARG002 - a factory's signature
        placement: Placement,  # noqa: ARG002 - as above
        *,
        until: Stage,
        settings: OwnSettings,
    ) -> "Own":
        if until is not Stage.BATCH:
            raise Unsupported("a loader of one's own cannot be cut")
        return Own(made_by(self._name, "loader"), replay=settings.replay)


class Own:
    """The loader itself."""

    def __init__(self, make: Callable[[], Iterable[Any]], *, replay: bool) -> None:
        self._make, self._replay = make, replay
        self._batches: Iterable[Any] | None = make()

    def epoch(self, number: int) -> Iterator[Batch]:
        """Of an iterator, which can be run through only once, a new one is made each time."""
        if self._batches is None or (number and iter(self._batches) is self._batches):
            self._batches = self._make()
        batches = map(_as_batch, self._batches)
        return repeat(next(batches)) if self._replay else batches

    def close(self) -> None:
        self._batches = None


def _as_batch(item: Any) -> Batch:
    return item if isinstance(item, Batch) else Batch(item, None, np.arange(samples_in(item)))


def samples_in(item: Any) -> int:
    """The length of the first array in a batch, however it is nested; 1 where there is none."""
    if isinstance(item, Mapping):
        return samples_in(next(iter(item.values()), None))
    if isinstance(item, list | tuple) and item and not isinstance(item[0], int | float | str | bytes):
        return samples_in(item[0])
    shape = getattr(item, "shape", None)
    if shape is not None:
        return int(shape[0]) if len(shape) else 1
    return len(item) if isinstance(item, list | tuple) and item else 1
