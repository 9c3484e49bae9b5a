"""`pipebench data verify`: is a dataset what its description and its index say?

Always: description and index against their checksums and each other, the files that are there, and
each shard's SHA-256. In full: every payload's and extra's hash, every payload decoded, and in shards
that there is nothing else.
"""

import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from pipebench.dataset import DESCRIPTION, INDEX, Dataset, open_dataset
from pipebench.errors import BadInput, unknown
from pipebench.files import join, read_file, why
from pipebench.kinds import kind
from pipebench.seal import seal_fault

from ._processes import context
from ._pulse import pulse
from ._tally import Tally
from .formats import FORMATS
from .verifying.columns import read_batches
from .verifying.contents import Indexed, content_faults
from .verifying.contents import Verification as Verification
from .verifying.faults import Fault
from .verifying.files import Files, sample_faults, shard_faults, size_fault
from .verifying.index import IndexCheck
from .verifying.reading import local_copy
from .verifying.stored import overlaps, stored

IMPORTED = "import"
"""The command that indexes in place what others wrote, beside which anything else may lie."""


class Verifier:
    """One verification."""

    def __init__(self, task: Verification) -> None:
        self._task = task
        self._tally = Tally(context())
        self._progress: Callable[[], str] = lambda: "Looking at the files"
        self.dataset: Dataset | None = None
        """What is verified, once it is known."""
        self.unproved: list[str] = []
        """What could not be told, one sentence each, once `faults` is exhausted."""

    def faults(self) -> Generator[Fault, None, None]:
        """All that is wrong, as it is found. `BadInput` where there is nothing that could be verified.

        Close it if it is not exhausted: a thread shows progress until then.
        """
        with pulse(lambda: self._progress()):
            yield from self._description()
            if self.dataset is not None:
                with tempfile.TemporaryDirectory(prefix="pipebench-") as scratch:
                    yield from self._files(self.dataset, Path(scratch))

    def _description(self) -> Iterator[Fault]:
        damage = _seal_fault(self._task.url)
        try:
            self.dataset = _known(open_dataset(self._task.url))
        except BadInput as error:
            if damage is None:
                raise
            damage = f"{damage}; nothing else was looked at: {error}"
        if damage is not None:
            yield Fault(DESCRIPTION, None, None, damage)

    def _files(self, dataset: Dataset, scratch: Path) -> Iterator[Fault]:
        files = Files(dataset.root)
        index = yield from self._index(dataset, files, scratch)
        sizes = yield from shard_faults(files, dataset.shards)
        if dataset.format == "folder" and index is not None:
            yield from sample_faults(files, read_batches(index.path))
        if dataset.made.get("command") != IMPORTED and (dataset.format != "folder" or index is not None):
            for name in files.unexpected():
                yield Fault(name, None, None, "neither the description nor the index tells of it")
        self._progress = lambda: f"Verifying: {self._tally.total / 1e6:.0f} of {_bytes(dataset) / 1e6:.0f} MB"
        yield from content_faults(self._task, dataset, index, sizes, self._tally)
        self.unproved += _unproved(dataset, index, full=self._task.full)

    def _index(self, dataset: Dataset, files: Files, scratch: Path) -> Generator[Fault, None, Indexed | None]:
        """Returns it, or None where it cannot be followed."""
        own = files if dataset.root == dataset.url else Files(dataset.url)
        _, size = own.sizes([DESCRIPTION, INDEX]).tolist()
        if size < 0:
            yield Fault(INDEX, None, None, size_fault(size, None))
            return None
        try:
            path, sha256 = local_copy(join(dataset.url, INDEX), size, scratch / INDEX)
            if sha256 == dataset.index_sha256:
                return (yield from self._rows(dataset, path))
            yield Fault(INDEX, None, None, "its SHA-256 is not the recorded one, so that it was not followed")
        except OSError as error:
            yield Fault(INDEX, None, None, f"it cannot be read: {why(error)}")
        except BadInput as error:
            yield Fault(INDEX, None, None, str(error))
        return None

    def _rows(self, dataset: Dataset, path: str) -> Generator[Fault, None, Indexed]:
        check = IndexCheck(dataset, path)
        self._progress = lambda: f"Reading the index: {check.samples} of {dataset.samples} samples"
        yield from check.faults(read_batches(path))
        extents, in_rows = check.extents(), dataset.format == "parquet"
        for number, (shard, extent) in enumerate(zip(dataset.shards, extents, strict=True)):
            if not extent.ordered:
                samples = stored(path, number, extent, in_rows=in_rows)
                yield from overlaps(samples, shard.name, shard.size, in_rows=in_rows)
        return Indexed(path=path, extents=extents)


def _seal_fault(url: str) -> str | None:
    """What is wrong with the description's own checksum; None too where there is no description."""
    try:
        return seal_fault(read_file(join(url, DESCRIPTION)))
    except (OSError, ValueError, ImportError):
        return None  # `open_dataset` says why


def _known(dataset: Dataset) -> Dataset:
    """The dataset; `BadInput` where nobody here knows its format or its kind."""
    if dataset.format not in FORMATS:
        raise unknown("format", dataset.format, FORMATS)
    kind(dataset.kind)
    return dataset


def _bytes(dataset: Dataset) -> int:
    """About what is read."""
    return sum(shard.size for shard in dataset.shards) or dataset.payload_bytes


def _unproved(dataset: Dataset, index: Indexed | None, *, full: bool) -> Iterator[str]:
    """What this look could not tell, and how it can be told."""
    bare = sum(shard.sha256 is None for shard in dataset.shards)
    if index is None:
        yield "the samples were not looked at, since the index cannot be followed"
    if dataset.format == "folder" and not full:
        yield "files were only measured; --full tells whether their bytes are the same"
    if bare and not full:
        yield f"no SHA-256 is recorded of {bare} shards; --full tells whether their samples are the same"
    if bare and full:
        yield (
            f"no SHA-256 is recorded of {bare} shards: bytes in them that belong to no sample "
            "(times and owners in tars, Parquet's statistics) cannot be proved"
        )
