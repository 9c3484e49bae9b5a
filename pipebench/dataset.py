"""A dataset's description, `dataset.json`: with its index, the one thing that loaders and writers share.

A dataset is a folder (any fsspec URL) that holds `dataset.json`, described by `Dataset`, and
`samples.parquet`, one row a sample in id order, described by `pipebench.index.Index`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from pipebench.cells import payload_column, read_cell
from pipebench.errors import BadInput
from pipebench.files import (
    Range,
    exists,
    is_local,
    join,
    local_path,
    names,
    read_file,
    read_ranges,
    shown,
    why,
    write_whole,
)
from pipebench.index import Index, read_index, write_index
from pipebench.seal import sealed

SCHEMA = 2
"""2: the index tells rows and further files, and `content_id` is a sum over samples."""
DESCRIPTION = "dataset.json"
INDEX = "samples.parquet"
MOST_SPLITS = 20
"""Folders that are looked into where a folder is no dataset."""
WORK = ".sharding"
"""The folder in which an unfinished sharding keeps its plan and what is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One file that holds many samples."""

    name: str
    samples: int
    size: int
    """Bytes of the file."""
    sha256: str | None
    """Of the whole file, or None where pipebench did not write it."""
    idx_sha256: str | None = None
    """Of the DALI index beside it, or None where pipebench wrote none."""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Samples on storage in one format."""

    url: str
    """The folder that holds the description."""
    root: str
    """The folder that holds the payloads; differs from `url` for a tree indexed in place."""
    kind: str
    format: str
    classes: tuple[str, ...]
    samples: int
    payload_bytes: int
    content_id: str
    shards: tuple[Shard, ...] = ()
    made: Mapping[str, Any] = field(default_factory=dict)
    """How it was made: the command's options."""
    index_sha256: str | None = field(default=None, compare=False)
    """Of the index's file, as it was written; it says nothing about the content."""

    @cached_property
    def index(self) -> Index:
        """The sample index, read on first use."""
        return read_index(join(self.url, INDEX), self.samples)

    def local_root(self) -> Path:
        """The payloads' folder on this host's filesystem; `BadInput` if it lies elsewhere."""
        if not is_local(self.root):
            raise BadInput(f"{self.root} is not on a local filesystem; copy the dataset to this host first")
        return Path(local_path(self.root))

    def payload(self, sample: int) -> bytes:
        """The bytes of one sample. Raises `OSError`."""
        index = self.index
        shard, member, offset = int(index.shard[sample]), str(index.member[sample]), int(index.offset[sample])
        url = join(self.root, self.shards[shard].name if shard >= 0 else member)
        if offset < 0:
            return read_cell(url, int(index.row[sample]), payload_column(member))
        return read_ranges([Range(url, offset, int(index.size[sample]))])[0]

    def payloads(self, count: int) -> list[bytes]:
        """The bytes of up to `count` samples, spread evenly over the dataset."""
        step = max(1, self.samples // count)
        return [self.payload(sample) for sample in range(0, self.samples, step)][:count]

    def files(self) -> Iterator[Path]:
        """The local files that hold the payloads."""
        root = self.local_root()
        if self.shards:
            yield from (root / shard.name for shard in self.shards)
        else:
            yield from (root / str(member) for member in self.index.member)


class NotIndexed(BadInput):
    """A folder that holds something, and no description of it."""


def open_dataset(url: str) -> Dataset:
    """Reads `dataset.json` below `url`; raises `BadInput` with what to do where that is not possible.

    `NotIndexed` where samples may well be there.
    """
    try:
        text = read_file(join(url, DESCRIPTION))
    except (FileNotFoundError, NotADirectoryError):
        raise _nothing_there(url) from None
    except OSError as error:
        raise BadInput(f"{shown(join(url, DESCRIPTION))} cannot be read: {why(error)}") from None
    except (ImportError, ValueError) as error:  # fsspec: a protocol that it lacks a library for, or knows not
        raise BadInput(f"{shown(url)} cannot be opened: {why(error)}") from None
    try:
        return _parse(url, json.loads(text))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        problem = f"misses {error}" if isinstance(error, KeyError) else f"is not valid: {error}"
        raise BadInput(f"{shown(join(url, DESCRIPTION))} {problem}; make the dataset again") from None


def _nothing_there(url: str) -> BadInput:
    if reason := _hindrance(url):
        return BadInput(reason)
    hint = f"index what it holds with 'pipebench data import {shown(url)}'"
    return NotIndexed(f"{shown(url)} has no {DESCRIPTION}; {hint}")


def _hindrance(url: str) -> str | None:
    """Why nothing below `url` can be indexed, or None where it may."""
    try:
        unfinished = any(
            WORK in names(folder) for folder in (url, url.rstrip("/").rpartition("/")[0]) if folder
        )
        splits = _splits(url)
    except OSError as error:
        return f"{shown(url)} cannot be read: {why(error)}"
    if unfinished:
        return f"{shown(url)} is incomplete: its sharding was cut short; finish it with 'data shard --resume'"
    if is_local(url):
        path = Path(local_path(url))
        if not path.exists():
            return f"there is no folder {url}"
        if not path.is_dir():
            return f"{url} is a file, not a dataset's folder; name the folder that holds it"
        if not any(path.iterdir()):
            return f"the folder {url} is empty; make a dataset there with 'pipebench data synth {url}'"
    if splits:
        one = shown(join(url, splits[0]))
        return f"{shown(url)} holds the datasets {', '.join(splits)}; name one of them, such as {one}"
    return None


def _splits(url: str) -> list[str]:
    """The names of datasets directly below a folder, of the first few folders there."""
    found = islice(names(url), MOST_SPLITS)
    return sorted(name for name in found if exists(join(join(url, name), DESCRIPTION)))


def _parse(url: str, raw: Mapping[str, Any]) -> Dataset:
    if not isinstance(raw, Mapping):
        raise ValueError("it holds no JSON object")
    schema = raw["schema"]
    if schema != SCHEMA:
        raise BadInput(
            f"{shown(join(url, DESCRIPTION))} has schema {schema!r}, and this pipebench reads schema "
            f"{SCHEMA}; update pipebench or make the dataset again"
        )
    for name, kind in _TYPES.items():
        if not isinstance(raw[name], kind):
            raise ValueError(f"{name} is {raw[name]!r}")
    shards = tuple(_shard(shard) for shard in raw["shards"])
    if any(Path(shard.name).is_absolute() or ".." in Path(shard.name).parts for shard in shards):
        raise ValueError("it names shards outside the dataset")
    return Dataset(
        url=url,
        root=raw["root"] or url,
        kind=raw["kind"],
        format=raw["format"],
        classes=tuple(str(name) for name in raw["classes"]),
        samples=raw["samples"],
        payload_bytes=raw["payload_bytes"],
        content_id=raw["content_id"],
        shards=shards,
        made=raw["made"],
        index_sha256=raw.get("index_sha256"),
    )


def _shard(raw: Mapping[str, Any]) -> Shard:
    shard = Shard(**raw)
    numbers, texts = (shard.samples, shard.size), (shard.name, shard.sha256 or "", shard.idx_sha256 or "")
    if any(type(n) is not int or n < 0 for n in numbers) or any(not isinstance(t, str) for t in texts):
        raise ValueError(f"a shard is {dict(raw)!r}")
    return shard


_TYPES = {
    "root": str,
    "kind": str,
    "format": str,
    "classes": list,
    "samples": int,
    "payload_bytes": int,
    "content_id": str,
    "shards": list,
    "made": dict,
}


def write_dataset(dataset: Dataset, index: Index) -> None:
    """Writes index and description below `dataset.url`, the description last and whole or not at all."""
    sha256 = write_index(join(dataset.url, INDEX), index)
    write_description(replace(dataset, index_sha256=sha256))


def write_description(dataset: Dataset) -> None:
    """Writes the description, whole or not at all, of a dataset whose index is written: `index_sha256`."""
    raw = {"schema": SCHEMA} | asdict(dataset)
    raw["root"] = "" if dataset.root == dataset.url else dataset.root
    del raw["url"]
    write_whole(join(dataset.url, DESCRIPTION), sealed(raw))
