"""`pipebench.watch`: a loader that notes how long its batches are waited for."""

import atexit
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

from pipebench import machine
from pipebench.watching.facts import Facts, facts, verdict
from pipebench.watching.hook import describe, length
from pipebench.watching.rank import note, rank
from pipebench.watching.remembered import Remembered
from pipebench.watching.text import lines
from pipebench.watching.waits import Waits, now_ns

T = TypeVar("T")


class Watch(Generic[T]):
    """Iterates over a loader as it is, and knows the waits of all its epochs. All else is the loader's."""

    def __init__(self, loader: Iterable[T], waits: Waits) -> None:
        self._loader = loader
        self._waits = waits

    def __iter__(self) -> Iterator[T]:
        note()
        epoch = self._waits.begin()
        asked = epoch.ask()
        try:
            for batch in self._loader:
                epoch.step(asked, now_ns())
                yield batch
                asked = epoch.ask()
        except GeneratorExit:
            epoch.left()
            raise
        except BaseException:
            epoch.end(asked)
            raise
        epoch.end(asked)

    def __len__(self) -> int:
        return len(self._loader)  # type: ignore[arg-type] # where the loader has no length, it says so

    def __bool__(self) -> bool:
        return bool(self._loader)

    def __getattr__(self, name: str) -> Any:
        if name == "_loader":  # of a copy that is not complete
            raise AttributeError(name)
        return getattr(self._loader, name)

    def facts(self) -> Facts | None:
        """What is known up to now; None before the first batch."""
        self._waits.look()
        return facts(self._waits, len(machine.usable_cpus()))

    def report(self) -> str:
        """The same as text."""
        found = self.facts()
        return _text(found) if found else "no batch has come yet"


def _text(found: Facts) -> str:
    return "\n".join([*lines([(rank(), found)]), verdict(found)])


_known: Remembered[Waits] = Remembered()
_told: list[Waits] = []


def watch(loader: Iterable[T], *, tell: bool = True) -> Watch[T]:
    """Watches a loader, for `for batch in pipebench.watch(loader): ...` in each epoch anew.

    Watched again, the same loader goes on with the same figures, and so does one like it that is made when it
    is gone. When the process ends they are told on stderr, unless `tell` is False. Costs two readings of the
    clock a step, with CUDA two events too, and never waits for a device.
    """

    def make() -> Waits:
        made = Waits(_label(loader))
        if tell:
            _told.append(made)
        return made

    return Watch(loader, _known.of(loader, (_label(loader), length(loader), tell), make))


def _label(loader: object) -> str:
    try:
        return f"{type(loader).__name__} of {describe(loader)}"
    except Exception:
        return type(loader).__name__


@atexit.register
def _tell() -> None:
    for waits in _told:
        if found := facts(waits, len(machine.usable_cpus())):
            print(_text(found), file=sys.stderr)


def _forget() -> None:
    """A child that was forked has watched nothing yet."""
    global _known
    _known = Remembered()
    _told.clear()


os.register_at_fork(after_in_child=_forget)
