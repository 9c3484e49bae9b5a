"""Scans tars or Parquet files in a few processes, and passes on their samples in order."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from pipebench.dataset import Shard
from pipebench.files import Listed, join
from pipebench.kinds import kind

from .._processes import run_tasks
from ..catalogue.catalogue import Entry
from .parquet_scan import Table, scan_parquet
from .source_files import Reading
from .spool import spool, unspool
from .tar_scan import scan_tar


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    url: str
    file: Listed
    format: str
    kind: str
    reading: Reading
    folder: Path
    """For the samples, on their way."""


class _Scanned(NamedTuple):
    entries: Path
    samples: int
    ignored: Counter[str]
    classes: tuple[str, ...]
    """The classes' names, if the file tells them."""


class ShardScan:
    """The samples of a source's shards, and what is known of these once all samples were taken."""

    def __init__(self, url: str, format: str, kind: str, reading: Reading) -> None:  # noqa: A002
        self._url, self._format, self._kind, self._reading = url, format, kind, reading
        self.shards: list[Shard] = []
        self.ignored: Counter[str] = Counter()
        self._classes: set[tuple[str, ...]] = set()

    def entries(self, files: Iterable[Listed], workers: int) -> Iterator[Entry]:
        """The samples, file after file. `BadInput` where one of these cannot be used."""
        with TemporaryDirectory(prefix="pipebench-") as folder:
            tasks = [self._task(file, Path(folder)) for file in files]
            results = run_tasks(_scan, tasks, max(1, min(workers, len(tasks))))
            for task, scanned in zip(tasks, results, strict=True):
                self.shards.append(
                    Shard(name=task.file.name, samples=scanned.samples, size=task.file.size, sha256=None)
                )
                self.ignored.update(scanned.ignored)
                self._classes.add(scanned.classes)
                yield from unspool(scanned.entries, task.url)

    def _task(self, file: Listed, folder: Path) -> _Task:
        return _Task(
            url=join(self._url, file.name),
            file=file,
            format=self._format,
            kind=self._kind,
            reading=self._reading,
            folder=folder,
        )

    def classes(self) -> tuple[str, ...]:
        """The classes' names where all files tell the same, else none."""
        return next(iter(self._classes)) if len(self._classes) == 1 else ()

    def prefixes(self) -> dict[str, str]:
        """What makes keys unique that repeat between shards: by URL, the shard's name without its ending."""
        return {join(self._url, shard.name): f"{shard.name.rpartition('.')[0]}/" for shard in self.shards}


def _scan(task: _Task) -> _Scanned:
    """Runs in a worker."""
    ignored: Counter[str] = Counter()
    classes: list[tuple[str, ...]] = []
    asked = kind(task.kind)
    if task.format == "wds":
        entries = scan_tar(task.url, task.reading, asked.suffixes, ignored)
    else:
        table = Table(task.url, task.file.size, task.file.name.rpartition(".")[0])
        entries = scan_parquet(table, task.reading, task.kind, asked, classes)
    with closing(entries):
        path, samples = spool(task.folder, entries)
    return _Scanned(path, samples, ignored, classes[0] if classes else ())
