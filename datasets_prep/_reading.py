"""Reads samples from wherever they lie, some megabytes at a time, and checks what is known of them."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing
from typing import NoReturn

import xxhash

from pipebench.errors import BadInput, one_line
from pipebench.files import is_local, shown

from ._fetching import Fetcher, FetchError
from .formats.contract import Content, Extra, Part, Row, Sample
from .formats.names import named

LOCAL, REMOTE, ENCODED = (4_000_000, 1024), (16_000_000, 1024), (32_000_000, 8192)
"""Bytes and samples that are read ahead at most, unless a single sample is larger.

More where Parquet holds them encoded: in a random order each window decodes most row groups anew.
"""


def read_samples(rows: Iterable[Row]) -> Iterator[Sample]:
    """The samples, in order, whole and as their index says.

    Raises `BadInput` naming the sample where one is gone, cannot be read or has changed.
    """
    with closing(Fetcher()) as fetcher, ThreadPoolExecutor(1) as pool:
        last: tuple[list[Row], Iterator[Content | None]] | None = None
        for window in _windows(rows):
            contents = _fetched(fetcher, window, pool)
            if last is not None:
                yield from _samples(*last)
            last = window, contents
        if last is not None:
            yield from _samples(*last)


def _fetched(fetcher: Fetcher, window: Sequence[Row], pool: Executor) -> Iterator[Content | None]:
    """The contents of all parts: local ones are read when they are asked for, remote ones from now on."""
    if is_local(window[0].payload.url):
        return fetcher.fetch(window, fleeting=True)
    return _arrived(pool.submit(list, fetcher.fetch(window)))


def _arrived(coming: Future[list[Content | None]]) -> Iterator[Content | None]:
    yield from coming.result()


def _samples(window: Sequence[Row], contents: Iterator[Content | None]) -> Iterator[Sample]:
    """The window's samples; what storage refuses becomes a sentence that names one."""
    try:
        for row in window:
            yield _sample(row, contents)
    except FetchError as error:
        parts = ((row, part) for row in window for part in (row.payload, *row.extras))
        row, part = next((row, part) for row, part in parts if part is error.part)
        _refuse(row, part, f"cannot be read ({error})")


def _windows(rows: Iterable[Row]) -> Iterator[list[Row]]:
    window: list[Row] = []
    size = 0
    for row in rows:
        most, samples = _limits(row.payload)
        taken = max(row.payload.size, 0) + sum([max(part.size, 0) for part in row.extras])
        if window and (size + taken > most or len(window) == samples):
            yield window
            window, size = [], 0
        window.append(row)
        size += taken
    if window:
        yield window


def _limits(payload: Part) -> tuple[int, int]:
    if payload.offset < 0:
        return ENCODED
    return LOCAL if is_local(payload.url) else REMOTE


def _sample(row: Row, contents: Iterator[Content | None]) -> Sample:
    payload = next(contents)
    if payload is None:
        _refuse(row, row.payload, "has no value")
    digest = _checked(row, row.payload, payload)
    extras = tuple(_extras(row, contents)) if row.extras else ()
    return Sample(row.key, row.label, row.payload.field, payload, digest, extras)


def _extras(row: Row, contents: Iterator[Content | None]) -> Iterator[Extra]:
    """Those that are there: a cell may be null."""
    for part in row.extras:
        content = next(contents)
        if content is not None:
            yield Extra(part.field, content, _checked(row, part, content))


def _checked(row: Row, part: Part, content: Content) -> int:
    """The content's hash, which is what is known of it already."""
    if part.size not in (-1, len(content)):
        sort = "shorter" if len(content) < part.size else "longer"
        _refuse(row, part, f"has changed since it was indexed: it is {sort} than its {part.size} bytes")
    digest = xxhash.xxh3_64_intdigest(content)
    if part.hash not in (None, digest):
        _refuse(row, part, "has changed since it was indexed")
    return digest


def _refuse(row: Row, part: Part, what: str) -> NoReturn:
    where = part.member if part.offset == 0 else f"{shown(part.url)}/{part.member}"
    raise BadInput(f"{named(row.key)}: {one_line(where)} {what}; index its dataset again") from None
