"""What a loader refuses before it imports anything heavy, each with its sentence."""

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pipebench.contract import Unsupported, Workload


def require(extra: str, loader: type[Any], workload: Workload) -> None:
    """Raises `Unsupported` for a dataset format that the loader does not read, or a missing library.

    `loader` is a `LoaderFactory`, which as a protocol of class variables mypy cannot match to a class.
    """
    if workload.dataset.format not in loader.formats:
        raise Unsupported(f"reads {' and '.join(sorted(loader.formats))}, not {workload.dataset.format}")
    if not all(map(is_installed, loader.libraries)):
        raise Unsupported(f"pip install 'pipebench[{extra}]'")


def is_installed(distribution: str) -> bool:
    """Whether the distribution is installed; it is not imported."""
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


def pillow_distribution() -> str:
    """`pillow-simd` where that fork is installed in Pillow's place, so that results name it."""
    return "pillow-simd" if is_installed("pillow-simd") else "pillow"
