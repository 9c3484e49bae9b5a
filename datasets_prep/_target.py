"""The folder that a new dataset goes into."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipebench.errors import BadInput


@contextmanager
def new_folder(folder: Path) -> Iterator[None]:
    """Makes a folder for the block to fill, and empties it again if the block does not end well.

    Raises `BadInput` where it holds something already or cannot be written.
    """
    existed = folder.exists()
    _make(folder)
    try:
        yield
    except BaseException as error:
        _clear(folder, keep=existed)
        if isinstance(error, OSError):
            raise BadInput(f"{folder} cannot be written: {error.strerror or error}") from error
        raise


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise BadInput(f"{folder} already holds something; name a new or an empty folder")
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except FileExistsError:
        raise BadInput(f"{folder} is a file, not a folder") from None
    except OSError as error:
        raise BadInput(f"{folder} cannot be written: {error.strerror}") from None


def _clear(folder: Path, *, keep: bool) -> None:
    """Removes what the block made, from a folder that was empty before; it may be a mount or a link."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    if not keep:
        folder.rmdir()
