"""`pipebench data import`: indexes samples that are there already, without copying them.

Every payload is decoded in full, so that damage is known before anything is measured.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pipebench.dataset import DESCRIPTION, INDEX, WORK, Dataset, open_dataset, write_description
from pipebench.errors import BadInput
from pipebench.files import (
    created,
    exists,
    is_local,
    join,
    local_path,
    names,
    remove,
    shown,
    why,
    write_whole,
)
from pipebench.index import write_rows
from pipebench.progress import track

from ._pulse import pulse
from ._scratch import scratch
from .catalogue.catalogue import Catalogue
from .scanning.checking import check_samples
from .scanning.indexing import Indexing
from .scanning.source_files import Reading, listed
from .scanning.sources import Source, scan_source
from .sharding.advice import SHOWN, advise_on_case, tell

COMMAND = "import"


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """What to index, and how."""

    source: str
    out: str | None = None
    """The folder for the index; the source itself if None."""
    skip_bad: bool = False
    allow_large: bool = False
    """Whether payloads whose decoding could exhaust the memory are decoded."""
    kind: str = "image"
    reading: Reading = field(default_factory=Reading)

    @property
    def place(self) -> str:
        return self.out or self.source

    @property
    def root(self) -> str:
        """The folder of the payloads, as it is found from the index's."""
        is_elsewhere = self.out is not None and is_local(self.source)
        return str(Path(local_path(self.source)).resolve()) if is_elsewhere else self.source


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """The dataset, and what is not in it."""

    dataset: Dataset
    extras: Mapping[str, int]
    """How many samples have a further file or column, by its field."""
    skipped: Sequence[str]
    """Names of damaged samples, with their faults."""
    ignored: Mapping[str, int]
    """How many files of each sort were left aside."""
    advice: Sequence[str] = ()


def import_dataset(task: Import, workers: int = 1) -> Imported:
    """Writes `dataset.json` and `samples.parquet` into the task's place, the first of them last.

    Raises `BadInput`, with nothing written, where there is nothing to index or, without `skip_bad`,
    where a sample is damaged.
    """
    try:
        _check_places(task)
    except (OSError, ImportError, ValueError) as error:
        raise BadInput(f"{shown(task.place)} cannot be written: {why(error)}") from None
    with Catalogue() as catalogue, tempfile.NamedTemporaryFile(prefix="pipebench-") as index:
        source = _scan(task, catalogue, workers)
        advice = tell(list(advise_on_case(catalogue.case_twins(SHOWN + 1))))
        indexing = Indexing(source)
        sha256 = _index(task, catalogue, indexing, index.name, workers)
        _refuse_damage(task, indexing)
        source.refuse_changes()
        dataset = indexing.dataset(task.place, task.root, _made(task, indexing), sha256)
        _save(dataset, Path(index.name))
    return Imported(
        dataset=dataset,
        extras=indexing.fields,
        skipped=indexing.skipped,
        ignored=source.ignored,
        advice=advice,
    )


def _check_places(task: Import) -> None:
    if is_local(task.source):
        _check_folder(task.source)
    if exists(join(task.source, WORK)):
        raise BadInput(f"{shown(task.source)} is incomplete; finish it with 'data shard --resume'")
    if exists(join(task.place, DESCRIPTION)):
        _refuse_other_makers(task.place)
    elif task.out and any(names(task.out)):
        raise BadInput(f"{shown(task.out)} already holds something; name a new or an empty folder")
    elif exists(join(task.place, INDEX)):
        raise BadInput(
            f"{shown(task.place)} holds a file {INDEX}, whose place the index would take; name a folder for "
            "the index with --out, or remove the file if it is left of an import that was cut short"
        )
    _refuse_unwritable(task)


def _check_folder(source: str) -> None:
    folder = Path(local_path(source))
    if not folder.exists():
        raise BadInput(f"there is no folder {source}")
    if not folder.is_dir():
        raise BadInput(f"{source} is a file; name the folder that holds the samples")


def _refuse_other_makers(place: str) -> None:
    """An import may be done again, but takes no other command's dataset from it."""
    if open_dataset(place).made.get("command") != COMMAND:
        raise BadInput(f"{shown(place)} is a dataset already and needs no import; use it as it is")


def _refuse_unwritable(task: Import) -> None:
    """Found out before hours of decoding, not after."""
    if not is_local(task.place):
        probe = join(task.place, ".writable")
        write_whole(probe, b"")
        remove(probe)
        return
    place = Path(local_path(task.place))
    nearest = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        hint = "name another folder" if task.out else "name a folder for the index with --out"
        raise BadInput(f"{task.place} cannot be written; {hint}")


def _scan(task: Import, catalogue: Catalogue, workers: int) -> Source:
    """What is empty is damaged like other samples, and no reason to stop here."""
    reading = replace(task.reading, allow_empty=True)
    with pulse(lambda: f"Looking: {catalogue.samples} samples"):
        return scan_source(task.source, task.kind, catalogue, reading, workers)


def _index(task: Import, catalogue: Catalogue, indexing: Indexing, path: str, workers: int) -> str:
    """Reads all samples and writes the index of the whole ones; returns its SHA-256."""
    checks = check_samples(catalogue, task.kind, workers, allow_large=task.allow_large)
    with closing(checks), scratch():
        return write_rows(path, indexing.tables(track(checks, catalogue.samples, "Decoding")))


def _refuse_damage(task: Import, indexing: Indexing) -> None:
    skipped, total = indexing.skipped, len(indexing.skipped) + indexing.samples
    if skipped and not (task.skip_bad and indexing.samples):
        hint = "repair or remove them" + ("" if task.skip_bad else ", or leave them out with --skip-bad")
        raise BadInput(
            f"{len(skipped)} of {total} samples in {shown(task.source)} cannot be read: {listed(skipped)}; "
            f"{hint}"
        )


def _made(task: Import, indexing: Indexing) -> dict[str, Any]:
    asked = {name: value for name, value in asdict(task.reading).items() if isinstance(value, str)}
    large = {"allow_large": True} if task.allow_large else {}
    told = {"skip_bad": task.skip_bad, "skipped": len(indexing.skipped)}
    return {"command": COMMAND} | told | asked | large


def _save(dataset: Dataset, index: Path) -> None:
    """The old description goes first, so that it never stands beside a new index."""
    try:
        if is_local(dataset.url):
            Path(local_path(dataset.url)).mkdir(parents=True, exist_ok=True)
        remove(join(dataset.url, DESCRIPTION))
        with index.open("rb") as source, created(join(dataset.url, INDEX)) as target:
            shutil.copyfileobj(source, target)
        write_description(dataset)
    except OSError as error:
        raise BadInput(f"{shown(dataset.url)} cannot be written: {why(error)}") from None
