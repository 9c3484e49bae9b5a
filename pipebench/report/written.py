"""Writes a report over an older one, and over nothing else."""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from pipebench.errors import BadInput

MARK = "pipebench report"
"""Stands in the first bytes of every page and picture."""
_WITHIN = 4096


def make_folder(path: Path) -> Path:
    """The folder, made if it isn't there; raises `BadInput` where it cannot be."""
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise BadInput(f"{path} cannot be made a folder: {error.strerror}; name another with --out") from None
    return path


def replace_file(path: Path, data: bytes) -> None:
    """Writes the file, whole or not at all; raises `BadInput` where something else stands there."""
    try:
        if path.exists() and not _is_report(path):
            raise BadInput(f"{path} exists and is no report of pipebench; name another with --out")
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name[:40]}-", delete=False) as file:
            file.write(data)
        _put(Path(file.name), path)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}; name another with --out") from None


def _is_report(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return MARK.encode() in file.read(_WITHIN)


def _put(made: Path, path: Path) -> None:
    try:
        made.chmod(0o666 & ~_umask())
        made.replace(path)
    except OSError:
        made.unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
