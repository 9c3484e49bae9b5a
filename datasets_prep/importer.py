"""`pipebench data import`: indexes images or tar shards that are there already, without copying them.

Every payload is decoded in full, so that damage is known before anything is measured.
"""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from pipebench.dataset import DESCRIPTION, INDEX, Dataset, Shard, open_dataset, write_dataset
from pipebench.errors import BadInput
from pipebench.index import Index, content_id, make_index
from pipebench.kinds import kind
from pipebench.progress import track

from ._decoding import Checked, check_payloads
from ._found import Scan, listed
from ._tars import scan_tars, tar_files
from ._tree import scan_tree

COMMAND = "import"


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """What to index, and how."""

    source: Path
    out: Path | None = None
    """The folder for the index; the source itself if None."""
    skip_bad: bool = False
    kind: str = "image"

    @property
    def place(self) -> Path:
        return self.out or self.source


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """The dataset, and what is not in it."""

    dataset: Dataset
    skipped: Sequence[str]
    """Names of damaged samples, with their faults."""
    ignored: Mapping[str, int]
    """How many files of each sort were left aside."""


def import_dataset(task: Import, workers: int = 1) -> Imported:
    """Writes `dataset.json` and `samples.parquet` into the task's place, the first of them last.

    Raises `BadInput`, with nothing written, where there is nothing to index or, without `skip_bad`,
    where a sample is damaged.
    """
    _check_folders(task)
    scan = _scan(task, workers)
    with closing(check_payloads(task.kind, scan.found, workers)) as checks:
        checked = list(track(checks, len(scan.found), "Decoding"))
    whole = [sample for sample in checked if sample.fault is None]
    skipped = [f"{sample.found.name} ({sample.fault})" for sample in checked if sample.fault is not None]
    if skipped and not (task.skip_bad and whole):
        raise BadInput(_damage(skipped, len(checked), task))
    return Imported(dataset=_write(task, scan, whole), skipped=skipped, ignored=scan.ignored)


def _check_folders(task: Import) -> None:
    if not task.source.exists():
        raise BadInput(f"there is no folder {task.source}")
    if not task.source.is_dir():
        raise BadInput(f"{task.source} is a file; name the folder that holds the samples")
    if (task.place / DESCRIPTION).exists():
        _refuse_other_makers(task.place)
    elif task.out and task.out.is_dir() and any(task.out.iterdir()):
        raise BadInput(f"{task.out} already holds something; name a new or an empty folder")
    _refuse_unwritable(task)


def _refuse_other_makers(place: Path) -> None:
    """An import may be done again, but takes no other command's dataset from it."""
    if open_dataset(str(place)).made.get("command") != COMMAND:
        raise BadInput(f"{place} is a dataset already and needs no import; use it as it is")


def _refuse_unwritable(task: Import) -> None:
    """Found out before hours of decoding, not after."""
    nearest = next(folder for folder in (task.place, *task.place.absolute().parents) if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        hint = "name another folder" if task.out else "name a folder for the index with --out"
        raise BadInput(f"{task.place} cannot be written; {hint}")


def _scan(task: Import, workers: int) -> Scan:
    suffixes = kind(task.kind).suffixes
    ignored: Counter[str] = Counter()
    tars = tar_files(task.source, ignored)
    tree = scan_tree(task.source, suffixes)
    if tree.found and tars:
        raise BadInput(f"{task.source} holds class folders and tar shards; import them one by one")
    scan = scan_tars(task.source, tars, suffixes, ignored, workers) if tars else tree
    if not scan.found:
        raise BadInput(_nothing_found(task, scan))
    return scan


def _nothing_found(task: Import, scan: Scan) -> str:
    aside = ", ".join(f"{count} {sort}" for sort, count in scan.ignored.items() if count)
    seen = f" (files left aside: {aside})" if aside else ""
    return (
        f"{task.source} holds no {task.kind} below a class folder and none in tar shards{seen}; "
        "lay them out as CLASS/FILE"
    )


def _damage(skipped: Sequence[str], total: int, task: Import) -> str:
    hint = "repair or remove them" + ("" if task.skip_bad else ", or leave them out with --skip-bad")
    return f"{len(skipped)} of {total} samples in {task.source} cannot be read: {listed(skipped)}; {hint}"


def _write(task: Import, scan: Scan, whole: Sequence[Checked]) -> Dataset:
    numbers = {name: number for number, name in enumerate(scan.classes)}
    index = make_index(
        key=[sample.found.key for sample in whole],
        member=[sample.found.member for sample in whole],
        shard=[sample.found.shard for sample in whole],
        offset=[sample.found.offset for sample in whole],
        size=[sample.size for sample in whole],
        label=[numbers[sample.found.label] for sample in whole],
        hash=[sample.hash for sample in whole],
    )
    dataset = Dataset(
        url=str(task.place),
        root=str(task.source.resolve() if task.out else task.source),
        kind=task.kind,
        format=scan.format,
        classes=scan.classes,
        samples=len(whole),
        payload_bytes=sum(sample.size for sample in whole),
        content_id=content_id(index),
        shards=_counted(scan.shards, whole),
        made={"command": COMMAND, "skip_bad": task.skip_bad, "skipped": len(scan.found) - len(whole)},
    )
    _save(task.place, dataset, index)
    return dataset


def _counted(shards: Sequence[Shard], whole: Sequence[Checked]) -> tuple[Shard, ...]:
    """The shards with the samples that are left of each."""
    counts = Counter(sample.found.shard for sample in whole)
    return tuple(replace(shard, samples=counts[number]) for number, shard in enumerate(shards))


def _save(place: Path, dataset: Dataset, index: Index) -> None:
    """The old description goes first, so that it never stands beside a new index."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        (place / DESCRIPTION).unlink(missing_ok=True)
        write_dataset(dataset, index)
    except OSError as error:
        (place / INDEX).unlink(missing_ok=True)
        raise BadInput(f"{place} cannot be written: {error.strerror or error}") from error
