"""A loader and a step of the user's own: any iterable of batches, and anything that can be called with one.

There is no dataset then, nothing can be cut, and how many samples a batch holds is told by its first array,
or by the user.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

import numpy as np

from pipebench import registry
from pipebench.contract import Batch, Placement, Preprocessing, Settings, Stage, Unsupported, Workload
from pipebench.dataset import Dataset
from pipebench.errors import BadInput
from pipebench.kept import Kept

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
        workload: Workload,
        placement: Placement,  # noqa: ARG002 - a factory's signature
        *,
        until: Stage,
        settings: OwnSettings,
    ) -> "Own":
        if until is not Stage.BATCH:
            raise Unsupported("a loader of one's own cannot be cut")
        return Own(made_by(self._name, "loader"), replay=settings.replay, batch_size=workload.batch_size)


class Own:
    """The loader itself."""

    def __init__(self, make: Callable[[], Iterable[Any]], *, replay: bool, batch_size: int = 0) -> None:
        self._make, self._replay, self._batch_size = make, replay, batch_size
        self._batches: Iterable[Any] | None = make()

    def epoch(self, number: int) -> Iterator[Batch]:
        """Of an iterator, which can be run through only once, a new one is made each time."""
        if self._batches is None or (number and isinstance(self._batches, Iterator)):
            self._batches = self._make()
        batches = iter(self._batches)
        return map(self._as_batch, _again(next(batches)) if self._replay else batches)

    def close(self) -> None:
        self._batches = None

    def _as_batch(self, item: Any) -> Batch:
        if isinstance(item, Batch):
            return item
        return Batch(item, None, np.arange(self._batch_size or samples_in(item)))


def _again(item: Any) -> Iterator[Any]:
    """A batch again and again, whatever a step does to it."""
    kept = Kept(item)
    while True:
        yield kept.again()


LOOKED_AT = 8
"""Parts of a batch among which its first array is looked for, on each level."""


def samples_in(item: Any) -> int:
    """The length of the first array in a batch, however it is nested; without one, of the first list.

    1 where there is neither.
    """
    found = _first_array(item)
    return _first_list(item) if found is None else found


def _parts(item: Any) -> list[Any]:
    if isinstance(item, Mapping):
        return list(islice(item.values(), LOOKED_AT))
    return list(item[:LOOKED_AT]) if isinstance(item, list | tuple) else []


def _first_array(item: Any) -> int | None:
    shape = getattr(item, "shape", None)
    if shape is not None and len(shape):
        return int(shape[0])
    return next((found for part in _parts(item) if (found := _first_array(part)) is not None), None)


def _first_list(item: Any) -> int:
    parts = _parts(item)
    nested = next((part for part in parts if isinstance(part, list | tuple | Mapping)), None)
    if nested is not None:
        return _first_list(nested)
    return len(item) if isinstance(item, list | tuple) and item else 1
