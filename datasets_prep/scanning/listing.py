"""The files of a source, wherever it lies: sorted on disk, so that memory doesn't grow with their number."""

import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from enum import IntEnum
from itertools import islice, zip_longest
from pathlib import Path
from typing import Self

import xxhash

from pipebench.dataset import DESCRIPTION, INDEX
from pipebench.errors import BadInput
from pipebench.files import Listed, is_local, local_path, objects, shown, why

from .._scratch import scratch
from .source_files import HIDDEN, LINK, OTHER, Reading, check_text, shown_name

CHUNK = 8192
"""Files that are taken in at once."""
CACHE_KIB = 16_000
"""Of SQLite's memory; more is on disk."""

DESCRIPTIONS = "SELECT name FROM files WHERE name = ?1 OR substr(name, -length(?1) - 1) = '/' || ?1"
"""They and the indexes beside them are no samples."""


class Sort(IntEnum):
    """What a file may be by its name."""

    OTHER = 0
    PAYLOAD = 1
    """Also one that lies in no class folder."""
    TAR = 2
    PARQUET = 3


class Listing:
    """All visible files below a folder; where they were listed once, they can be compared with later."""

    def __init__(self, url: str, reading: Reading, suffixes: frozenset[str]) -> None:
        self.url = url
        self.ignored: Counter[str] = Counter()
        """How many files of each sort were left aside."""
        self._reading = reading
        self._suffixes = suffixes
        self._db = sqlite3.connect("", isolation_level=None)  # an empty name: on disk, deleted when closed
        self._db.executescript(
            f"PRAGMA cache_size=-{CACHE_KIB}; PRAGMA temp_store=FILE;"
            "CREATE TABLE files (place BLOB, name TEXT, size INTEGER, stamp TEXT, sort INTEGER);"
        )

    def __enter__(self) -> Self:
        self._fill()
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def count(self, sort: Sort | None = None) -> int:
        """How many files there are of a sort, or in all; of payloads only those in class folders."""
        query = "SELECT count(*) FROM files WHERE sort = coalesce(?, sort)"
        inside = " AND instr(name, '/')" if sort is Sort.PAYLOAD else ""
        return int(self._db.execute(query + inside, (sort,)).fetchone()[0])

    def files(self, sort: Sort | None = None) -> Iterator[Listed]:
        """Those of a sort, or all: by folder, and so that all files of a sample stand together."""
        query = "SELECT name, size, stamp FROM files WHERE sort = coalesce(?, sort) ORDER BY place"
        with scratch():
            rows = self._db.execute(query, (sort,))
        yield from map(Listed._make, rows)

    def fingerprint(self) -> str:
        """Names the files with their sizes and times."""
        digest = xxhash.xxh3_128()
        for file in self.files():
            digest.update(repr(tuple(file)).encode())
        return digest.hexdigest()

    def refuse_changes(self) -> None:
        """`BadInput`, naming the first, where files are no longer what they were when they were listed."""
        with Listing(self.url, self._reading, self._suffixes) as now:
            for before, after in zip_longest(self.files(), now.files()):
                if before != after:
                    name = min(file.name for file in (before, after) if file is not None)
                    raise BadInput(
                        f"{shown(self.url)} changed while it was read: {shown_name(name)} was added, "
                        "removed or written; do it again when nobody writes there"
                    )

    def _fill(self) -> None:
        files = _local(self.url, self.ignored) if is_local(self.url) else _remote(self.url, self.ignored)
        self._db.execute("BEGIN")
        while chunk := list(islice(files, CHUNK)):
            with scratch():
                self._db.executemany("INSERT INTO files VALUES (?, ?, ?, ?, ?)", map(self._row, chunk))
        for (description,) in self._db.execute(DESCRIPTIONS, (DESCRIPTION,)).fetchall():
            index = f"{description.removesuffix(DESCRIPTION)}{INDEX}"
            self._db.execute("DELETE FROM files WHERE name IN (?, ?)", (description, index))
        self._db.execute("COMMIT")

    def _row(self, file: Listed) -> tuple[bytes, str, int, str, Sort]:
        return (_place(file.name, self._reading.payload), *file, self._sort(check_text(file.name)))

    def _sort(self, name: str) -> Sort:
        suffix = f".{name.rpartition('.')[2].lower()}"
        if suffix in self._suffixes:
            return Sort.PAYLOAD
        return {".tar": Sort.TAR, ".parquet": Sort.PARQUET}.get(suffix, Sort.OTHER)


def split(name: str, payload: str | None) -> tuple[str, str]:
    """A file's path as key and field: at the last dot of its basename, or before the field asked for."""
    if payload is not None and name.lower().endswith(f".{payload}"):
        return name[: -len(payload) - 1], payload
    folder, slash, base = name.rpartition("/")
    stem, dot, extension = base.rpartition(".")
    return (folder + slash + stem, extension.lower()) if dot else (name, "")


def _place(name: str, payload: str | None) -> bytes:
    """Sorts first by key, with the dot before every other character: after `x.jpg` comes `x.seg.png`."""
    key, _ = split(name, payload)
    folder, slash, stem = key.encode(errors="surrogateescape").rpartition(b"/")
    low = stem.replace(b"\1", b"\1\2").replace(b".", b"\1\1")
    return folder + slash + low + b"\0" + name[len(key) :].encode(errors="surrogateescape")


def _pairs(
    before: Iterator[Listed], after: Iterator[Listed]
) -> Iterator[tuple[Listed | None, Listed | None]]:
    while (pair := (next(before, None), next(after, None))) != (None, None):
        yield pair


def _remote(url: str, ignored: Counter[str]) -> Iterator[Listed]:
    try:
        for file in objects(url):
            parts = file.name.split("/")
            if "" in parts or ".." in parts:
                raise BadInput(f"the name {shown_name(file.name)} is no path below {shown(url)}; rename it")
            if any(part.startswith(".") for part in parts):
                ignored[HIDDEN] += 1
            else:
                yield file
    except (OSError, ValueError, ImportError) as error:
        raise BadInput(f"{shown(url)} cannot be listed: {why(error)}") from None


def _local(url: str, ignored: Counter[str]) -> Iterator[Listed]:
    root = Path(local_path(url))
    inside = root.resolve()
    folders = [""]
    while folders:
        below = folders.pop()
        for entry in _entries(root / below):
            name = f"{below}/{entry.name}" if below else entry.name
            if entry.name.startswith("."):
                ignored[HIDDEN] += 1
            elif entry.is_symlink() and not _stays_inside(Path(entry.path), inside):
                ignored[LINK] += 1
            elif entry.is_dir(follow_symlinks=False):
                folders.append(name)
            elif entry.is_file():
                yield _listed(name, entry)
            else:
                ignored[OTHER] += 1  # a pipe or a device, which could be read for ever


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError as error:
        raise BadInput(f"{shown_name(str(folder))} cannot be read: {why(error)}") from None


def _listed(name: str, entry: os.DirEntry[str]) -> Listed:
    try:
        found = entry.stat()
    except OSError as error:
        raise BadInput(f"{shown_name(entry.path)} cannot be read: {why(error)}") from None
    return Listed(name, found.st_size, str(found.st_mtime_ns))


def _stays_inside(link: Path, root: Path) -> bool:
    """Whether a link leads to a file below `root`; one to a folder could go round in circles."""
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError):
        return False
    return target.is_relative_to(root) and target.is_file()
