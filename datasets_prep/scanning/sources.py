"""What is to be sharded or indexed: a dataset, or samples that nobody has indexed yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipebench.dataset import DESCRIPTION, WORK, Dataset, Shard, open_dataset
from pipebench.errors import BadInput
from pipebench.files import exists, is_local, join, local_path, shown, why
from pipebench.kinds import kind as kind_named

from ..catalogue.catalogue import Catalogue, numbered
from .indexed import catalogue_index
from .listing import Listing, Sort
from .shard_scan import ShardScan
from .source_files import OTHER, Reading, counted, listed
from .tree_scan import scan_tree

FORMATS = {Sort.PAYLOAD: "folder", Sort.TAR: "wds", Sort.PARQUET: "parquet"}
NAMES = {Sort.PAYLOAD: "class folders", Sort.TAR: "tar shards", Sort.PARQUET: "Parquet files"}
"""For messages."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Samples that were found and catalogued, undecoded."""

    url: str
    root: str
    """The folder that holds the payloads; differs from `url` for a tree indexed in place."""
    kind: str
    format: str
    classes: tuple[str, ...]
    samples: int
    fingerprint: Mapping[str, str]
    """What must be the same where a sharding is resumed, under names fit for a message."""
    made: Mapping[str, Any]
    """How it was made, where it is a dataset."""
    shards: tuple[Shard, ...] = ()
    ignored: Mapping[str, int] = field(default_factory=dict)
    """How many files of each sort were left aside."""
    listing: Listing | None = None
    """The files as they were when they were looked through, where it is no dataset."""

    @property
    def is_dataset(self) -> bool:
        """Whether there was an index."""
        return self.listing is None

    def refuse_changes(self) -> None:
        """`BadInput` where files are no longer what they were. An index tells that of each sample anyway."""
        if self.listing is not None:
            self.listing.refuse_changes()


def open_source(
    url: str, kind: str, catalogue: Catalogue, reading: Reading | None = None, workers: int = 1
) -> Source:
    """Puts the samples at that URL into the catalogue, and says what they are. Raises `BadInput`."""
    if _is_dataset(url):
        return _indexed_source(open_dataset(url), catalogue)
    return scan_source(url, kind, catalogue, reading or Reading(), workers)


def _is_dataset(url: str) -> bool:
    """Whether it is one, or was to become one. `BadInput` where there is nothing at all."""
    above = url.rstrip("/").rpartition("/")[0]
    try:
        if is_local(url) and not Path(local_path(url)).is_dir():
            return True  # which it is not, and `open_dataset` says it
        signs = (join(url, DESCRIPTION), join(url, WORK), join(above, WORK) if above else "")
        return any(exists(sign) for sign in signs if sign)
    except (OSError, ImportError, ValueError) as error:
        raise BadInput(f"{shown(url)} cannot be opened: {why(error)}") from None


def _indexed_source(dataset: Dataset, catalogue: Catalogue) -> Source:
    catalogue_index(dataset, catalogue)
    catalogue.number_labels({label: int(label) for label in catalogue.labels()})
    return Source(
        url=dataset.url,
        root=dataset.root,
        kind=dataset.kind,
        format=dataset.format,
        classes=dataset.classes,
        samples=dataset.samples,
        fingerprint={"content": dataset.content_id, "index": catalogue.fingerprint()},
        made=dataset.made,
        shards=dataset.shards,
    )


def scan_source(url: str, kind: str, catalogue: Catalogue, reading: Reading, workers: int) -> Source:
    """As `open_source`, of what is no dataset, or is to be looked through all the same."""
    suffixes = kind_named(kind).suffixes
    listing = catalogue.closing.enter_context(Listing(url, reading, suffixes))
    sort = _only_sort(listing)
    scan = ShardScan(url, FORMATS[sort], kind, reading)
    if sort is Sort.PAYLOAD:
        catalogue.add(scan_tree(url, listing.files(), reading, suffixes, listing.ignored))
    else:
        catalogue.add(scan.entries(listing.files(sort), workers))
        listing.ignored[OTHER] += listing.count() - listing.count(sort)
    ignored = +(listing.ignored + scan.ignored)
    if not catalogue.samples:
        raise _nothing(url, kind, ignored)
    _make_unique(catalogue, scan)
    return Source(
        url=url,
        root=url,
        kind=kind,
        format=FORMATS[sort],
        classes=_classes(catalogue, scan),
        samples=catalogue.samples,
        fingerprint={"files": listing.fingerprint(), "samples": catalogue.fingerprint()},
        made={},
        shards=tuple(scan.shards),
        ignored=ignored,
        listing=listing,
    )


def _only_sort(listing: Listing) -> Sort:
    """What lies there; if nothing does, class folders, so that it is counted what does instead."""
    found = [sort for sort in FORMATS if listing.count(sort)]
    if len(found) > 1:
        names = " and ".join(NAMES[sort] for sort in found)
        raise BadInput(f"{shown(listing.url)} holds {names}; name the folder of one sort of them")
    return found[0] if found else Sort.PAYLOAD


def _nothing(url: str, kind: str, ignored: Mapping[str, int]) -> BadInput:
    return BadInput(
        f"{shown(url)} holds no {kind} below a class folder and none in tar shards or Parquet"
        f"{counted(ignored)}; lay them out as CLASS/FILE"
    )


def _make_unique(catalogue: Catalogue, scan: ShardScan) -> None:
    """Keys that repeat between shards get their shards' names in front."""
    if scan.shards and catalogue.duplicates(1):
        catalogue.prefix_keys(scan.prefixes())
    if repeats := catalogue.duplicates(2):
        raise BadInput(f"several samples have the same key: {listed(repeats)}; rename all but one of each")


def _classes(catalogue: Catalogue, scan: ShardScan) -> tuple[str, ...]:
    """The classes' names; labels are numbered after what the files tell of them, else by their names."""
    labels, told = catalogue.labels(), scan.classes()
    if told and all(label.isascii() and label.isdigit() and int(label) < len(told) for label in labels):
        catalogue.number_labels({label: int(label) for label in labels})
        return told
    classes, numbers = numbered(labels)
    catalogue.number_labels(numbers)
    return classes
