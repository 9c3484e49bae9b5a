"""Fetches many parts at once: neighbours in a file in one read, remote files side by side."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count, groupby
from typing import NamedTuple

from pipebench.cells import Cell, Cells
from pipebench.files import Range, is_local, local_path, read_file, read_ranges, why

from .formats.contract import Content, Part, Row

GAP = 65_536
"""Bytes between two parts up to which reading them too is cheaper than another read."""
LONGEST = 8_000_000
"""Bytes of one read at most, unless a single part is larger."""
OPEN_FILES = 64


class FetchError(Exception):
    """A part that cannot be read, and why."""

    def __init__(self, part: Part, reason: str) -> None:
        super().__init__(reason)
        self.part = part


class _Run(NamedTuple):
    """Neighbouring parts of one file."""

    parts: list[Part]
    numbers: list[int]
    """The parts' positions in what was asked for."""
    start: int
    end: int


class Fetcher:
    """Keeps files open between one fetch and the next. Close it when done."""

    def __init__(self) -> None:
        self._files: dict[str, int] = {}
        self._cells: tuple[str, Cells] | None = None
        self._rooms: list[bytearray] = []

    def close(self) -> None:
        self._close_files()
        if self._cells is not None:
            self._cells[1].close()
            self._cells = None

    def fetch(self, rows: Sequence[Row], *, fleeting: bool = False) -> Iterator[Content | None]:
        """The bytes of the rows' parts, in order; None for null cells, fewer where a file is shorter.

        Of a whole local file there may be more: what it has grown by. `fleeting` contents are good until
        the next row's are asked for, which saves the system finding new memory for each. Raises `FetchError`.
        """
        parts = parts_of(rows)
        fetched = self._ranges(parts) | self._encoded(parts)
        numbers = count()
        for row in rows:
            for place, part in enumerate(parts_of([row])):
                number = next(numbers)
                if number in fetched:
                    yield fetched.pop(number)
                elif _is_file(part):
                    yield self._in_room(part, place) if fleeting else _whole(part, bytearray)
                else:
                    yield b""

    def _in_room(self, part: Part, place: int) -> memoryview:
        """A whole local file, in the memory that is kept for parts in this place of a row."""

        def room(size: int) -> bytearray:
            if len(self._rooms[place]) < size:
                self._rooms[place] = bytearray(2 * size)
            return self._rooms[place]

        while len(self._rooms) <= place:
            self._rooms.append(bytearray())
        return _whole(part, room)

    def _ranges(self, parts: Sequence[Part]) -> dict[int, Content]:
        """What does not lie in a local file of its own, by its position."""
        contents: dict[int, Content] = {}
        remote: list[_Run] = []
        for run in _runs(parts):
            if is_local(run.parts[0].url):
                contents |= _split(run, self._read(run))
            else:
                remote.append(run)
        if remote:
            for run, content in zip(remote, _read_remote(remote), strict=True):
                contents |= _split(run, content)
        return contents

    def _encoded(self, parts: Sequence[Part]) -> dict[int, Content | None]:
        """Cells of Parquet, by their position, file after file and row group after row group."""
        numbers = [number for number, part in enumerate(parts) if part.offset < 0]
        contents: dict[int, Content | None] = {}
        for url, group in groupby(sorted(numbers, key=lambda n: parts[n].url), key=lambda n: parts[n].url):
            of_file = list(group)
            cells = [_cell(parts[number]) for number in of_file]
            try:
                contents |= zip(of_file, self._cells_of(url).read(cells), strict=True)
            except OSError as error:
                raise FetchError(parts[of_file[0]], why(error)) from None
        return contents

    def _cells_of(self, url: str) -> Cells:
        if self._cells is None or self._cells[0] != url:
            if self._cells is not None:
                self._cells[1].close()
            self._cells = url, Cells(url)
        return self._cells[1]

    def _read(self, run: _Run) -> bytes:
        try:
            return _read_on(self._opened(run.parts[0].url), run.end - run.start, run.start)
        except OSError as error:
            raise FetchError(run.parts[0], why(error)) from None

    def _opened(self, url: str) -> int:
        if url not in self._files:
            if len(self._files) == OPEN_FILES:
                self._close_files()
            self._files[url] = os.open(local_path(url), os.O_RDONLY)
        return self._files[url]

    def _close_files(self) -> None:
        for file in self._files.values():
            os.close(file)
        self._files.clear()


def _cell(part: Part) -> Cell:
    """A payload's name has its ending after the column's, see `pipebench.index.Index.member`."""
    return Cell(part.row, part.member.removesuffix(f"/{part.field}"))


def _runs(parts: Sequence[Part]) -> Iterator[_Run]:
    """Parts of shards, and remote files, in the order in which they lie; neighbours together."""
    ranged = [n for n, part in enumerate(parts) if part.offset >= 0 and part.size and not _is_file(part)]
    run: _Run | None = None
    for number in sorted(ranged, key=lambda n: (parts[n].url, parts[n].offset)):
        part = parts[number]
        end = part.offset + part.size
        if run is None or not _joins(part, run):
            if run is not None:
                yield run
            run = _Run([part], [number], part.offset, end)
        else:
            run.parts.append(part)
            run.numbers.append(number)
            run = run._replace(end=max(run.end, end))
    if run is not None:
        yield run


def _is_file(part: Part) -> bool:
    """Whether it is a whole local file."""
    return part.offset == 0 and is_local(part.url)


def _joins(part: Part, run: _Run) -> bool:
    near = part.offset - run.end <= GAP and part.offset + part.size - run.start <= LONGEST
    return near and part.offset > 0 and part.url == run.parts[0].url


def _split(run: _Run, content: Content) -> dict[int, Content]:
    if len(run.parts) == 1:
        return {run.numbers[0]: content}
    view = memoryview(content)
    starts = [part.offset - run.start for part in run.parts]
    pieces = [view[start : start + part.size] for start, part in zip(starts, run.parts, strict=True)]
    return dict(zip(run.numbers, pieces, strict=True))


def _read_remote(runs: Sequence[_Run]) -> list[bytes]:
    whole = {n: run.parts[0] for n, run in enumerate(runs) if run.parts[0].size < 0}
    ranges = [Range(run.parts[0].url, run.start, run.end - run.start) for run in runs]
    try:
        read = iter(read_ranges([part for n, part in enumerate(ranges) if n not in whole]))
        return [read_file(whole[n].url) if n in whole else next(read) for n in range(len(runs))]
    except (OSError, ValueError, ImportError) as error:
        raise FetchError(runs[0].parts[0], why(error)) from None


def parts_of(rows: Iterable[Row]) -> list[Part]:
    """All parts, row after row."""
    return [part for row in rows for part in (row.payload, *row.extras)]


def _whole(part: Part, room: Callable[[int], bytearray]) -> memoryview:
    """A local file, and a byte more where it is longer than it was, in the room that is made for it."""
    try:
        file = os.open(local_path(part.url), os.O_RDONLY)
        try:
            size = os.fstat(file).st_size if part.size < 0 else part.size
            view = memoryview(room(size + 1))[: size + 1]
            read = _read_into(file, view)
        finally:
            os.close(file)
    except OSError as error:
        raise FetchError(part, why(error)) from None
    if part.size < 0 and read != size:
        raise FetchError(part, "it is being written to")
    return view[:read]


def _read_into(file: int, view: memoryview) -> int:
    """Fills the view, as far as the file goes: the system reads 2 GB at once at most."""
    read = os.readv(file, [view])
    while read < len(view) - 1 and (more := os.readv(file, [view[read:]])):
        read += more
    return read


def _read_on(file: int, size: int, offset: int) -> bytes:
    """So many bytes, or what there is of them: the system reads 2 GB at once at most."""
    content = os.pread(file, size, offset)
    while 0 < len(content) < size and (more := os.pread(file, size - len(content), offset + len(content))):
        content += more
    return content
