"""One shard is one task: a pure function of its rows, which tells all that it needs.

Whoever runs tasks, a pool of processes here or machines elsewhere, needs to know nothing of the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pipebench.dataset import Shard
from pipebench.errors import BadInput
from pipebench.files import shown, why, write_whole

from .._reading import read_samples
from ..catalogue.rows import Rows
from ..formats import FORMATS
from ..formats.contract import Format, Shared
from .parts import Part
from .places import Stored, place
from .screening import refuse_large

DALI_INDEX = ".idx"
"""The ending of the index that stands beside a tar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Write these rows, in this order, as a shard."""

    url: str
    """The dataset's folder."""
    work: str
    """The work folder."""
    part: str
    """The URL of the part that says that the shard is whole."""
    format: str
    name: str
    """The shard's file; of a format without shards, what stands for it."""
    number: int
    """The shard's position in the dataset, or -1 in a format without shards."""
    first: int
    """The id of the first sample."""
    shared: Shared
    rows: Rows


def write_shard(task: Task) -> None:
    """Writes a shard and then its part; advances by payload bytes. Raises `BadInput`."""
    try:
        _write(task)
    except OSError as error:  # of reading they are sentences already
        raise BadInput(f"{shown(task.url)} cannot be written: {why(error)}") from None


def _write(task: Task) -> None:
    form = FORMATS[task.format]
    part = Part(task.number, task.first)
    with place(task.url, task.work) as files:
        samples = read_samples(task.rows)
        if not task.shared.is_screened:
            samples = refuse_large(samples, task.shared.kind)
        samples = part.noting(samples)
        for placed in form.write(samples, files, task.name, task.shared):
            part.add(placed)
        stored = files.commit()
    write_whole(task.part, part.content(_shard(form, task, stored)))


def _shard(form: Format, task: Task, stored: Mapping[str, Stored]) -> Shard | None:
    """What the description says of the shard."""
    if not form.suffix:
        return None
    index = stored.get(task.name.removesuffix(form.suffix) + DALI_INDEX)
    return Shard(
        name=task.name,
        samples=len(task.rows),
        size=stored[task.name].size,
        sha256=stored[task.name].sha256,
        idx_sha256=index.sha256 if index else None,
    )
