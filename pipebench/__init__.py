"""pipebench: where is the chokepoint of a training input pipeline?"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipebench.watching.watch import Watch, watch

__all__ = ["Watch", "watch"]


def __getattr__(name: str) -> Any:
    """Imports what a training script uses only where it is used: commands and trials start without it."""
    if name not in __all__:
        raise AttributeError(f"module 'pipebench' has no attribute {name!r}")
    from pipebench.watching import watch as module

    return getattr(module, name)
