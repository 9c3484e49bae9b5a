"""`pipebench.watch`: a loader that notes how long its batches are waited for."""

import atexit
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from pipebench.watching.facts import Facts, facts, verdict
from pipebench.watching.text import lines
from pipebench.watching.waits import Waits, now_ns

T = TypeVar("T")


class Watch(Generic[T]):
    """Iterates over a loader as it is, and knows the waits of all its epochs. All else is the loader's."""

    def __init__(self, loader: Iterable[T], waits: Waits) -> None:
        self._loader = loader
        self._waits = waits

    def __iter__(self) -> Iterator[T]:
        epoch = self._waits.begin()
        asked = epoch.ask()
        try:
            for batch in self._loader:
                epoch.step(asked, now_ns())
                yield batch
                asked = epoch.ask()
        except GeneratorExit:  # the loop was left
            asked = epoch.ask()
            raise
        finally:
            epoch.end(asked)

    def __len__(self) -> int:
        return len(self._loader)  # type: ignore[arg-type] # where the loader has no length, it says so

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def facts(self) -> Facts | None:
        """What is known up to now; None before the first batch."""
        self._waits.look()
        return facts(self._waits, len(os.sched_getaffinity(0)))

    def report(self) -> str:
        """The same as text."""
        found = self.facts()
        return "\n".join([*lines([(None, found)]), verdict(found)]) if found else "no batch has come yet"


_known: "WeakKeyDictionary[Any, Waits]" = WeakKeyDictionary()
_told: list[Waits] = []


def watch(loader: Iterable[T], *, tell: bool = True) -> Watch[T]:
    """Watches a loader, for `for batch in pipebench.watch(loader): ...` in each epoch anew.

    Watched again, the same loader goes on with the same figures. When the process ends they are told on
    stderr, unless `tell` is False. Costs two readings of the clock a step, with CUDA two events too, and
    never waits for a device.
    """
    try:
        waits = _known.get(loader)
    except TypeError:  # it cannot be remembered, as a list cannot
        waits = None
    if waits is None:
        waits = Waits(type(loader).__name__)
        if tell:
            _told.append(waits)
        if _can_be_remembered(loader):
            _known[loader] = waits
    return Watch(loader, waits)


def _can_be_remembered(loader: object) -> bool:
    return type(loader).__hash__ is not None and hasattr(loader, "__weakref__")


@atexit.register
def _tell() -> None:
    for waits in _told:
        if found := facts(waits, len(os.sched_getaffinity(0))):
            print("\n".join([*lines([(None, found)]), verdict(found)]), file=sys.stderr)
