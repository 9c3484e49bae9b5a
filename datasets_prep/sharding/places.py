"""Where the files of a task go: they appear under their names when it commits, whole and synced."""

import errno
import filecmp
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from io import FileIO
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple, Protocol

from pipebench.dataset import DESCRIPTION, INDEX, WORK
from pipebench.errors import BadInput
from pipebench.files import is_local, join, local_path

from ..formats.contract import Sink
from .syncing import Early, sync

PARTIAL = "partial"
"""The folder in a work folder that holds files while they are written."""
RESERVED = frozenset({WORK, DESCRIPTION, INDEX})
"""Names in a dataset's folder that no sample's file may take."""
NO_LINKS = frozenset({errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
"""What filesystems say that have no hard links."""


class Stored(NamedTuple):
    """A file that is on storage."""

    size: int
    """Bytes."""
    sha256: str | None
    """None where nobody asked for it."""


class TaskPlace(Protocol):
    """A place that can be committed."""

    def file(self, name: str, *, digest: bool = True) -> AbstractContextManager[Sink]:
        """A file below the dataset's folder, open for writing; `name` may hold slashes."""
        ...

    def commit(self) -> Mapping[str, Stored]:
        """Gives all files their names. Raises `OSError`, and `BadInput` where one is taken."""
        ...


@contextmanager
def place(url: str, work: str) -> Iterator[TaskPlace]:
    """For files of the dataset at `url`, sharded with the work folder `work`; what isn't committed goes."""
    if not is_local(url):
        from .remote_place import remote_place

        with remote_place(url) as remote:
            yield remote
        return
    partial = Path(mkdtemp(prefix=f"{os.getpid()}-", dir=local_path(join(work, PARTIAL))))
    try:
        yield _LocalPlace(Path(local_path(url)), partial)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


class _LocalPlace:
    """Files lie in a folder of their own, on the same filesystem, until they get their names.

    Paths are texts here: of a folder's many small files `Path` would be most of the work.
    """

    def __init__(self, root: Path, partial: Path) -> None:
        self._root = root
        self._partial = partial
        self._sinks: dict[str, Sink] = {}

    @contextmanager
    def file(self, name: str, *, digest: bool = True) -> Iterator[Sink]:
        check_name(name, self._sinks)
        with FileIO(self._written(len(self._sinks)), "xb") as file:
            self._sinks[name] = sink = Sink(Early(file), digest=digest)
            yield sink

    def commit(self) -> Mapping[str, Stored]:
        written = [self._written(number) for number in range(len(self._sinks))]
        sync(written, self._partial)
        folders = self._make_folders()
        for path, name in zip(written, self._sinks, strict=True):
            _move(path, f"{self._root}/{name}")
        sync(folders, self._root)
        return {name: Stored(sink.size, sink.sha256()) for name, sink in self._sinks.items()}

    def _written(self, number: int) -> str:
        return f"{self._partial}/{number}"

    def _make_folders(self) -> set[Path]:
        """The folders that files go into, and those above up to the dataset's, any of which may be new."""
        folders = {self._root}
        for below, name in {name.rpartition("/")[0]: name for name in self._sinks}.items():
            folder = self._root / below
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise BadInput(f"{self._root / name} cannot be written: {error.strerror or error}") from None
            folders |= {folder, *(above for above in folder.parents if above.is_relative_to(self._root))}
        return folders


def check_name(name: str, taken: Mapping[str, object]) -> None:
    """`BadInput` for a file's name that leads out of the dataset, is the dataset's own, or is taken."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or not parts:
        raise BadInput(f"a sample's file would be {name!r}, outside the dataset; rename the sample")
    if parts[0].casefold() in RESERVED:
        raise BadInput(f"a sample's file would be {name!r}, a name that the dataset needs; rename the sample")
    if name in taken:
        raise BadInput(f"two samples' files would be {name!r}; rename one of the samples")


def _move(path: str, target: str) -> None:
    """Gives a file its name, without taking it from another file."""
    try:
        try:
            os.link(path, target)
        except FileExistsError:
            _check_same(path, target)
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            if Path(target).exists():
                _check_same(path, target)
            Path(path).replace(target)
    except OSError as error:
        raise BadInput(f"{target} cannot be written: {error.strerror or error}") from None


def _check_same(path: str, target: str) -> None:
    """A task that is done again finds its own files; a file of other bytes is none of them."""
    filecmp.clear_cache()
    if not filecmp.cmp(path, target, shallow=False):
        raise BadInput(
            f"{target} is there already with other bytes: two samples' files have that name, or somebody "
            "else writes there; rename one of the samples, or remove the file"
        )
