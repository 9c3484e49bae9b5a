"""Reads and decodes samples in full to find the damaged ones, in a few processes."""

import warnings
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import xxhash

from pipebench.errors import BadInput, one_line
from pipebench.files import is_local, shown
from pipebench.kinds import Kind, kind

from .._fetching import Fetcher, FetchError
from .._processes import run_tasks
from ..catalogue.catalogue import Catalogue
from ..catalogue.rows import Rows
from ..formats.contract import Content, Part, Row
from ..formats.names import named

TASK_SAMPLES, TASK_BYTES = 64, 16_000_000
"""What a task holds at most, unless a single sample is larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    kind: str
    rows: Rows
    allow_large: bool


class Checked(NamedTuple):
    """A sample that was read."""

    row: Row
    """Sizes and hashes of all parts are known, and parts that have no value are left out."""
    fault: str | None
    """Why it cannot be used; then the row is as it was."""


def check_samples(
    catalogue: Catalogue, kind_name: str, workers: int, *, allow_large: bool
) -> Generator[Checked, None, None]:
    """Reads every sample with all its parts, and decodes its payload; in order."""
    tasks = (
        _Task(kind=kind_name, rows=catalogue.rows(first, end), allow_large=allow_large)
        for first, end in _pieces(catalogue)
    )
    try:
        for checked in run_tasks(_check_task, tasks, workers):
            yield from checked
    finally:
        _fetcher().close()


def _pieces(catalogue: Catalogue) -> Iterator[tuple[int, int]]:
    """The first id of each task, and that after its last."""
    first, end, size = 0, 0, 0
    for sizes in catalogue.sizes():
        for taken in (sizes.payload + sizes.extra_bytes).tolist():
            if end > first and (end - first == TASK_SAMPLES or size + taken > TASK_BYTES):
                yield first, end
                first, size = end, 0
            end, size = end + 1, size + taken
    if end > first:
        yield first, end


@lru_cache(maxsize=1)
def _fetcher() -> Fetcher:
    """This process's. It keeps its place in Parquet files, whose rows would be decoded again otherwise."""
    return Fetcher()


def _check_task(task: _Task) -> list[Checked]:
    """Runs in a worker. Warnings of a decoder about odd but usable files are not this user's concern."""
    rows, asked = list(task.rows), kind(task.kind)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [
            _check(row, contents, asked, allow_large=task.allow_large)
            for row, contents in zip(rows, _fetched(rows), strict=True)
        ]


def _fetched(rows: Sequence[Row]) -> Iterator[list[Content | None] | FetchError]:
    """The contents of each row's parts, all read together; one by one where that fails."""
    try:
        contents = iter(list(_fetcher().fetch(rows)))
    except FetchError:
        yield from map(_fetched_alone, rows)
    else:
        yield from ([next(contents) for _ in _parts(row)] for row in rows)


def _fetched_alone(row: Row) -> list[Content | None] | FetchError:
    """Or why not; `BadInput` of remote storage, whose troubles are no damage and nothing to skip."""
    try:
        return list(_fetcher().fetch([row]))
    except FetchError as error:
        if is_local(error.part.url):
            return error
        where = one_line(f"{shown(error.part.url)}, {error.part.member}")
        raise BadInput(f"{named(row.key)}: {where} cannot be read ({error}); try again") from None


def _parts(row: Row) -> list[Part]:
    return [row.payload, *row.extras]


def _check(
    row: Row, contents: list[Content | None] | FetchError, asked: Kind, *, allow_large: bool
) -> Checked:
    if isinstance(contents, FetchError):
        where = "" if contents.part == row.payload else f"{contents.part.member}: "
        return Checked(row, f"{where}{contents}")
    fault = _change(row, contents) or asked.fault(bytes(contents[0] or b""), allow_large=allow_large)
    return Checked(row if fault else _complete(row, contents), fault)


def _change(row: Row, contents: Sequence[Content | None]) -> str | None:
    """How a part differs from what was found when the source was looked through, or None."""
    for part, content in zip(_parts(row), contents, strict=True):
        if content is not None and part.size not in (-1, len(content)):
            return f"{part.member} changed while it was read: it no longer has {part.size} bytes"
    return None


def _complete(row: Row, contents: Sequence[Content | None]) -> Row:
    read = [
        part._replace(size=len(content), hash=xxhash.xxh3_64_intdigest(content))
        for part, content in zip(_parts(row), contents, strict=True)
        if content is not None
    ]
    return row._replace(payload=read[0], extras=tuple(read[1:]))
