"""What belongs to objects that may have no hash, no weak references, or an equality of their own."""

from collections import deque
from collections.abc import Callable, Hashable
from typing import Any, Generic, NamedTuple, TypeVar
from weakref import ref

T = TypeVar("T")


class _Held(NamedTuple, Generic[T]):
    owner: "ref[Any] | None"
    """None where there are no weak references to it, as to a list."""
    value: T


class Remembered(Generic[T]):
    """Values by an object's identity and its kind.

    When an object is gone, the next one of its kind takes over what belonged to it: many loops make their
    loader or dataset anew for each epoch.
    """

    def __init__(self) -> None:
        self._held: dict[tuple[int, Hashable], _Held[T]] = {}
        self._orphans: dict[Hashable, deque[T]] = {}

    def of(self, owner: Any, kind: Hashable, make: Callable[[], T]) -> T:
        """What belongs to it; of a new object, an orphan of its kind or else what `make` gives."""
        key = id(owner), kind
        held = self._held.get(key)
        if held is not None and (held.owner is None or held.owner() is owner):
            return held.value
        orphans = self._orphans.get(kind)
        value = orphans.popleft() if orphans else make()
        self._held[key] = _Held(self._reference(owner, key, value), value)
        return value

    def _reference(self, owner: Any, key: tuple[int, Hashable], value: T) -> "ref[Any] | None":
        def gone(reference: "ref[Any]") -> None:
            held = self._held.get(key)
            if held is not None and held.owner is reference:
                del self._held[key]
            self._orphans.setdefault(key[1], deque()).append(value)

        try:
            return ref(owner, gone)
        except TypeError:
            return None
