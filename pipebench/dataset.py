"""`dataset.json` and the sample index: the one thing that loaders and writers share.

A dataset is a folder (any fsspec URL) that holds `dataset.json`, described by `Dataset`, and
`samples.parquet`, one row a sample in id order, described by `Index`.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
from numpy.typing import NDArray

from pipebench.errors import BadInput, one_line

SCHEMA = 1
DESCRIPTION = "dataset.json"
INDEX = "samples.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One file that holds many samples."""

    name: str
    samples: int
    size: int
    """Bytes of the file."""
    sha256: str | None
    """Of the whole file, or None where pipebench did not write it."""


@dataclass(frozen=True, kw_only=True)
class Index:
    """Where each sample lies; row i is the sample with id i. Arrays have one entry a sample."""

    key: Any
    """pyarrow string array: the sample's name, the same in every format."""
    member: Any
    """pyarrow string array: path below the root (`folder`) or name inside the shard."""
    shard: NDArray[np.int32]
    """Position in `Dataset.shards`; -1 where each sample is a file of its own."""
    offset: NDArray[np.int64]
    """Of the payload's first byte in its file."""
    size: NDArray[np.int64]
    """Payload bytes."""
    label: NDArray[np.int64]
    hash: NDArray[np.uint64]
    """xxh3_64 of the payload."""

    def __len__(self) -> int:
        return len(self.label)


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

    @cached_property
    def index(self) -> Index:
        """The sample index, read on first use."""
        return _read_index(self)

    def local_root(self) -> Path:
        """The payloads' folder on this host's filesystem; `BadInput` if it lies elsewhere."""
        if not is_local(self.root):
            raise BadInput(f"{self.root} is not on a local filesystem; copy the dataset to this host first")
        return Path(local_path(self.root))

    def payload(self, sample: int) -> bytes:
        """The bytes of one sample."""
        index = self.index
        shard = int(index.shard[sample])
        name = self.shards[shard].name if shard >= 0 else str(index.member[sample])
        with fsspec.open(join(self.root, name), "rb") as file:
            file.seek(int(index.offset[sample]))
            return bytes(file.read(int(index.size[sample])))

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


def is_local(url: str) -> bool:
    """Whether the URL names this host's filesystem."""
    return "://" not in url or url.startswith("file://")


def local_path(url: str) -> str:
    """A local URL as a path."""
    return url.removeprefix("file://")


def join(url: str, name: str) -> str:
    """The URL of a file in a folder."""
    return f"{url.rstrip('/')}/{name}"


def open_dataset(url: str) -> Dataset:
    """Reads `dataset.json` below `url`; raises `BadInput` with what to do where that is not possible."""
    try:
        with fsspec.open(join(url, DESCRIPTION), "rb") as file:
            text = file.read()
    except (FileNotFoundError, NotADirectoryError):
        raise BadInput(_nothing_there(url)) from None
    except OSError as error:
        raise BadInput(f"{join(url, DESCRIPTION)} cannot be read: {error.strerror or error}") from None
    except (ImportError, ValueError) as error:  # fsspec: a protocol that it lacks a library for, or knows not
        raise BadInput(f"{url} cannot be opened: {error}") from None
    try:
        return _parse(url, json.loads(text))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        problem = f"misses {error}" if isinstance(error, KeyError) else f"is not valid: {error}"
        raise BadInput(f"{join(url, DESCRIPTION)} {problem}; make the dataset again") from None


def _nothing_there(url: str) -> str:
    if is_local(url):
        path = Path(local_path(url))
        if not path.exists():
            return f"there is no folder {url}"
        if not path.is_dir():
            return f"{url} is a file, not a dataset's folder"
        if not any(path.iterdir()):
            return f"the folder {url} is empty; make a dataset there with 'pipebench data synth {url}'"
    return f"{url} has no {DESCRIPTION}; index what it holds with 'pipebench data import {url}'"


def _parse(url: str, raw: Mapping[str, Any]) -> Dataset:
    if not isinstance(raw, Mapping):
        raise ValueError("it holds no JSON object")
    schema = raw["schema"]
    if schema != SCHEMA:
        raise BadInput(
            f"{join(url, DESCRIPTION)} has schema {schema!r}, and this pipebench reads schema {SCHEMA}; "
            "update pipebench or make the dataset again"
        )
    for name, kind in _TYPES.items():
        if not isinstance(raw[name], kind):
            raise ValueError(f"{name} is {raw[name]!r}")
    return Dataset(
        url=url,
        root=raw["root"] or url,
        kind=raw["kind"],
        format=raw["format"],
        classes=tuple(str(name) for name in raw["classes"]),
        samples=raw["samples"],
        payload_bytes=raw["payload_bytes"],
        content_id=raw["content_id"],
        shards=tuple(Shard(**shard) for shard in raw["shards"]),
        made=raw["made"],
    )


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


def _read_index(dataset: Dataset) -> Index:
    import pyarrow as pa
    import pyarrow.parquet as pq

    where = join(dataset.url, INDEX)
    try:
        with fsspec.open(where, "rb") as file:
            table = pq.read_table(file, schema=_schema()).combine_chunks()
    except (OSError, pa.ArrowException) as error:
        why = one_line(str(error))
        raise BadInput(f"the index {where} cannot be read ({why}); make the dataset again") from None
    if len(table) != dataset.samples:
        raise BadInput(
            f"the index {where} holds {len(table)} samples where {DESCRIPTION} says {dataset.samples}; "
            "make the dataset again"
        )
    if any(column.null_count for column in table.columns):  # as a column that the file lacks is read
        raise BadInput(f"the index {where} misses values; make the dataset again")
    columns = {name: table[name].combine_chunks() for name in table.column_names if name != "id"}
    arrays = {
        name: column if pa.types.is_large_string(column.type) else column.to_numpy(zero_copy_only=False)
        for name, column in columns.items()
    }
    return Index(**arrays)


def write_dataset(dataset: Dataset, index: Index) -> None:
    """Writes index and description below `dataset.url`, the description last and whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"id": np.arange(len(index), dtype=np.int64)} | {
        name: getattr(index, name) for name in _schema().names if name != "id"
    }
    with fsspec.open(join(dataset.url, INDEX), "wb") as file:
        pq.write_table(pa.table(columns, schema=_schema()), file, compression="zstd")
    raw = {"schema": SCHEMA} | asdict(dataset)
    raw["root"] = "" if dataset.root == dataset.url else dataset.root
    del raw["url"]
    write_whole(
        join(dataset.url, DESCRIPTION), json.dumps(raw, indent=1, ensure_ascii=False).encode() + b"\n"
    )


def write_whole(url: str, content: bytes) -> None:
    """Writes a small file that appears under its name only when it is complete and synced."""
    if not is_local(url):
        with fsspec.open(url, "wb") as remote:
            remote.write(content)
        return
    path = Path(local_path(url))
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def content_id(index: Index) -> str:
    """Names the content, whatever the format and order: a hash of the (key, payload hash, label) rows.

    SHA-256 over the rows sorted by key: the keys' UTF-8 lengths, their bytes, the payload hashes and
    the labels, each as one little-endian array.
    """
    import pyarrow.compute as pc

    order = pc.array_sort_indices(index.key)
    keys = index.key.take(order)
    ends = np.frombuffer(keys.buffers()[1], np.int64)[keys.offset : keys.offset + len(keys) + 1]
    rows = order.to_numpy()
    digest = hashlib.sha256()
    digest.update(np.diff(ends).astype("<i8").tobytes())
    digest.update(keys.buffers()[2][ends[0] : ends[-1]])
    digest.update(index.hash[rows].astype("<u8").tobytes())
    digest.update(index.label[rows].astype("<i8").tobytes())
    return digest.hexdigest()[:32]


def make_index(
    *,
    key: Sequence[str],
    member: Sequence[str],
    shard: Any,
    offset: Any,
    size: Any,
    label: Any,
    hash: Any,  # noqa: A002 - the column's name
) -> Index:
    """An `Index` from plain sequences, one entry a sample."""
    import pyarrow as pa

    return Index(
        key=pa.array(key, pa.large_string()),
        member=pa.array(member, pa.large_string()),
        shard=np.asarray(shard, np.int32),
        offset=np.asarray(offset, np.int64),
        size=np.asarray(size, np.int64),
        label=np.asarray(label, np.int64),
        hash=np.asarray(hash, np.uint64),
    )


def _schema() -> Any:
    import pyarrow as pa

    return pa.schema(
        [
            ("id", pa.int64()),
            ("key", pa.large_string()),
            ("member", pa.large_string()),
            ("shard", pa.int32()),
            ("offset", pa.int64()),
            ("size", pa.int64()),
            ("label", pa.int64()),
            ("hash", pa.uint64()),
        ]
    )
