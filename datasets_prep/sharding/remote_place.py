"""Where the files of a task go on an object store: kept in the temporary folder, uploaded at the commit."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pipebench.errors import BadInput
from pipebench.files import join, open_random, put_files, shown, sizes

from ..formats.contract import Sink
from .places import Stored, check_name

BLOCK = 2**23
"""Bytes of a file that is compared, read at once."""


@contextmanager
def remote_place(url: str) -> Iterator["RemotePlace"]:
    """For files of the dataset at `url`; what isn't committed goes."""
    with TemporaryDirectory(prefix="pipebench-shard-") as folder:
        yield RemotePlace(url, Path(folder))


class RemotePlace:
    """Files lie in a local folder until they are uploaded, each of them whole or not at all."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder
        self._sinks: dict[str, Sink] = {}

    @contextmanager
    def file(self, name: str, *, digest: bool = True) -> Iterator[Sink]:
        check_name(name, self._sinks)
        with self._written(len(self._sinks)).open("xb", buffering=0) as file:
            self._sinks[name] = sink = Sink(file, digest=digest)
            yield sink

    def commit(self) -> Mapping[str, Stored]:
        """Uploads all that is not there yet. A task that is done again finds its own files."""
        stored = {name: Stored(sink.size, sink.sha256()) for name, sink in self._sinks.items()}
        urls = [join(self._url, name) for name in stored]
        missing = []
        for number, (url, size) in enumerate(zip(urls, sizes(urls), strict=True)):
            if size is None:
                missing.append((self._written(number), url))
            else:
                _check_same(url, size, self._written(number))
        put_files(missing)
        return stored

    def _written(self, number: int) -> Path:
        return self._folder / str(number)


def _check_same(url: str, size: int, written: Path) -> None:
    if size != written.stat().st_size or _sha256(url) != _sha256(str(written)):
        raise BadInput(
            f"{shown(url)} is there already with other bytes: two samples' files have that name, or "
            "somebody else writes there; rename one of the samples, or remove the file"
        )


def _sha256(url: str) -> str:
    digest = hashlib.sha256()
    with open_random(url, BLOCK) as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
