"""Source and target must lie apart."""

from pathlib import Path

from pipebench.errors import BadInput
from pipebench.files import is_local, local_path, shown


def refuse_overlap(source: str, target: str) -> None:
    """`BadInput` where one of two folders is or lies inside the other."""
    if is_local(source) != is_local(target):
        return
    inner, outer = _resolved(target), _resolved(source)
    if inner == outer:
        raise BadInput(f"{shown(target)} is what is to be sharded; name another folder")
    if _is_inside(inner, outer):
        raise BadInput(f"{shown(target)} lies inside the source {shown(source)}; name a folder outside it")
    if _is_inside(outer, inner):
        raise BadInput(f"the source {shown(source)} lies inside {shown(target)}; name another folder")


def _resolved(url: str) -> str:
    return str(Path(local_path(url)).resolve()) if is_local(url) else url.rstrip("/")


def _is_inside(inner: str, outer: str) -> bool:
    return inner.startswith(f"{outer.rstrip('/')}/")
