"""A batch that is handed out again and again, though whoever gets it may change it."""

import copy
from collections.abc import Callable, Mapping
from typing import Any


class Kept:
    """Hands out what is like the batch at first: containers anew each time, tensors restored once changed.

    Tensors that are never changed are handed out as they are, so that this costs no copying. Changes of other
    arrays are not seen.
    """

    def __init__(self, batch: Any) -> None:
        self._batch = rebuilt(batch, _kept)

    def again(self) -> Any:
        """The batch."""
        return rebuilt(self._batch, lambda item: item.again() if isinstance(item, _Tensor) else _copied(item))


class _Tensor:
    """A PyTorch tensor, and the like of it that is handed out."""

    def __init__(self, tensor: Any) -> None:
        self._own = self._cloned(tensor)
        self._out = self._cloned(self._own)
        self._version = _version(self._out)

    def again(self) -> Any:
        """As it was at first; in-place changes are told by PyTorch's count of them."""
        if _version(self._out) != self._version:
            self._out = self._cloned(self._own)
            self._version = _version(self._out)
        return self._out

    @staticmethod
    def _cloned(tensor: Any) -> Any:
        cloned = tensor.detach().clone()
        return cloned.pin_memory() if tensor.is_pinned() else cloned


def _kept(item: Any) -> Any:
    return _Tensor(item) if hasattr(item, "_version") and hasattr(item, "clone") else _copied(item)


def _version(tensor: Any) -> int:
    try:
        return int(tensor._version)
    except RuntimeError:  # that of inference mode is not counted
        return 0


def _copied(item: Any) -> Any:
    """Without what it refers to; arrays and what has no copy as they are."""
    if hasattr(item, "shape"):
        return item
    try:
        return copy.copy(item)
    except Exception:
        return item


def rebuilt(item: Any, leaf: Callable[[Any], Any]) -> Any:
    """The same containers made anew, however nested, over what `leaf` makes of everything else."""
    if type(item) is list:
        return [rebuilt(part, leaf) for part in item]
    if type(item) is tuple:
        return tuple(rebuilt(part, leaf) for part in item)
    if isinstance(item, tuple) and hasattr(item, "_fields"):
        return type(item)(*(rebuilt(part, leaf) for part in item))
    if isinstance(item, Mapping):
        try:
            made: Any = copy.copy(item)
            for key in item:
                made[key] = rebuilt(item[key], leaf)
        except Exception:
            return leaf(item)
        return made
    return leaf(item)
