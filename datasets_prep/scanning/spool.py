"""Samples on their way from a scanning process: through a temporary file, so that nobody holds them all."""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import mkstemp

from .._scratch import scratch
from ..catalogue.catalogue import Entry
from ..formats.contract import Part


def spool(folder: Path, entries: Iterable[Entry]) -> tuple[Path, int]:
    """Writes the samples of one file of the source into a new file in `folder`, and counts them."""
    count = 0
    with scratch():
        number, path = mkstemp(dir=folder)
    with os.fdopen(number, "w", encoding="ascii") as file:
        for count, entry in enumerate(entries, start=1):  # noqa: B007 - the last one is the count
            key, label, payload, extras = entry
            line = json.dumps((key, label, [_bare(part) for part in (payload, *extras)]))
            with scratch():
                file.write(f"{line}\n")
        with scratch():
            file.flush()
    return Path(path), count


def unspool(path: Path, url: str) -> Iterator[Entry]:
    """The samples again, whose parts lie in the file at `url`. The temporary file goes."""
    with path.open(encoding="ascii") as file:
        path.unlink()
        for line in file:
            key, label, parts = json.loads(line)
            payload, *extras = (Part(field, member, url, *rest) for field, member, *rest in parts)
            yield Entry(key, label, payload, tuple(extras))


def _bare(part: Part) -> tuple[str, str, int, int, int | None, int]:
    """The part without its URL, which is the same for all."""
    return (part.field, part.member, part.offset, part.size, part.hash, part.row)
