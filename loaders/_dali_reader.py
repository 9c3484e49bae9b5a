"""Payloads read by DALI, each with a mark from which its id is found again.

A rank's share of the samples is fixed: DALI's own sharding would move shares between ranks as epochs
pass, and ranks that rebuild their pipelines at different moments would then overlap.
"""

import hashlib
import re
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipebench.contract import Placement, Unsupported, Workload
from pipebench.dataset import Dataset
from pipebench.files import is_local, join, local_path

from ._members import fields


def place(dataset: Dataset) -> str:
    """The payloads' folder as DALI takes it: it reads S3 itself, by the settings of AWS's libraries.

    Raises `Unsupported` for other object stores.
    """
    if is_local(dataset.root):
        return local_path(dataset.root)
    if not dataset.root.startswith("s3://"):
        raise Unsupported(f"reads local files and s3://, not {dataset.root.partition('://')[0]}://")
    return dataset.root


class Reader(Protocol):
    """A rank's reader for one dataset format."""

    ids: NDArray[np.int64]
    """The rank's share."""

    def read(self, scratch: Path, **options: Any) -> tuple[Any, Any]:
        """Graph nodes (payloads, marks); files in `scratch` are needed until the pipeline is built."""
        ...

    def found(self, marks: NDArray[Any]) -> NDArray[np.int64]:
        """The ids of a batch from its marks."""
        ...


class FolderReader:
    """Reads `folder`: the ids travel as DALI's labels."""

    def __init__(self, workload: Workload, placement: Placement) -> None:
        dataset = workload.dataset
        self.ids = np.arange(placement.rank, dataset.samples, placement.world_size, dtype=np.int64)
        self._root = place(dataset)
        self._member = dataset.index.member

    def read(self, scratch: Path, **options: Any) -> tuple[Any, Any]:  # noqa: ARG002 - needs no files
        from nvidia.dali import fn

        files = self._member.take(self.ids).to_pylist()
        payloads, ids = fn.readers.file(
            file_root=self._root, files=files, labels=self.ids.tolist(), **options
        )
        return payloads, ids

    def found(self, marks: NDArray[Any]) -> NDArray[np.int64]:
        return marks.ravel().astype(np.int64)


COMPONENT = "payload"
"""What our index files call every member, whatever its ending, so that one reader takes them all."""


class WdsReader:
    """Reads `wds`: tars with DALI's index, which lies beside them or is made from ours.

    Marks are `path:offset:`, padded with zero bytes.
    """

    def __init__(self, workload: Workload, placement: Placement) -> None:
        dataset = workload.dataset
        self._index, self._shards = dataset.index, dataset.shards
        self._local = is_local(dataset.root)
        self._paths = [join(place(dataset), shard.name) for shard in dataset.shards]
        everything = np.arange(dataset.samples, dtype=np.int64)
        self.ids = np.array_split(everything, placement.world_size)[placement.rank]
        marks = np.array([self._mark(sample) for sample in self.ids.tolist()], np.bytes_)
        order = np.argsort(marks)
        self._marks, self._marked = marks[order], self.ids[order]

    def _mark(self, sample: int) -> bytes:
        """DALI's `source_info` of a member; an index of version 1.1 names none."""
        path = self._paths[self._index.shard[sample]]
        return f"{path}:{self._index.offset[sample]}:".encode()

    def read(self, scratch: Path, **options: Any) -> tuple[Any, Any]:
        from nvidia.dali import fn

        shards = np.unique(self._index.shard[self.ids]).tolist()
        component, indexes = self._beside(shards) or (COMPONENT, self._written(scratch, shards))
        payloads = fn.readers.webdataset(
            paths=[self._paths[shard] for shard in shards],
            index_paths=[str(path) for path in indexes],
            ext=component,
            missing_component_behavior="error",
            **options,
        )
        return payloads, fn.pad(fn.get_property(payloads, key="source_info"))

    def _beside(self, shards: list[int]) -> tuple[str, list[Path]] | None:
        """The payloads' component and the indexes beside the shards, if they serve.

        They tell whole shards, so the rank must have these, and components by their fields, so all
        payloads must have the same. DALI splits a component's name at semicolons.
        """
        component, *others = fields(self._index.member)
        whole = sum(self._shards[shard].samples for shard in shards) == len(self.ids)
        if others or re.search(r"[\s;]", component) or not (whole and self._local):
            return None
        paths = [Path(self._paths[shard]).with_suffix(".idx") for shard in shards]
        told = [self._shards[shard].idx_sha256 for shard in shards]
        return (component, paths) if list(map(_sha256, paths)) == told else None

    def _written(self, scratch: Path, shards: list[int]) -> list[Path]:
        return [self._write_index(scratch, shard) for shard in shards]

    def _write_index(self, scratch: Path, shard: int) -> Path:
        """DALI's index of the rank's samples in a shard, in version 1.1: 1.2 breaks on names with spaces."""
        rows = self.ids[self._index.shard[self.ids] == shard]
        places = zip(self._index.offset[rows].tolist(), self._index.size[rows].tolist(), strict=True)
        lines = [f"v1.1 {len(rows)}", *(f"{COMPONENT} {offset} {size}" for offset, size in places)]
        path = scratch / f"{shard}.idx"
        path.write_text("\n".join(lines) + "\n", encoding="ascii")
        return path

    def found(self, marks: NDArray[Any]) -> NDArray[np.int64]:
        width = marks.shape[1]
        texts = np.ascontiguousarray(marks).view(f"S{width}").ravel()
        return self._marked[np.searchsorted(self._marks, texts)]


def _sha256(path: Path) -> str:
    """Of a file's content, or empty where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


READERS: dict[str, type[FolderReader] | type[WdsReader]] = {"folder": FolderReader, "wds": WdsReader}
