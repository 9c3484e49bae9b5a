"""Data that nobody has indexed: its index is made beside the results, and nothing is written to it."""

import json
import os
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from pipebench.errors import BadInput
from pipebench.progress import is_quiet, pulse
from pipebench.report.prose import complain

FOLDER = "indexed"
"""Below the folder of the results."""
SEEN = "seen"
"""The file beside an index that says how the data looked when it was made."""


def indexed(url: str, *, redact: bool) -> str:
    """The dataset at `url`, or, of a local folder that has no index, one that is made of it.

    What was indexed before is taken as it is unless a file's name, size or time has changed. Raises
    `BadInput` where there is nothing to index.
    """
    from pipebench.dataset import DESCRIPTION, NotIndexed, open_dataset
    from pipebench.files import is_local, local_path

    try:
        open_dataset(url)
    except NotIndexed:
        if not is_local(url):
            raise
    else:
        return url
    source = Path(local_path(url))
    place = _place(source)
    now = _look(source)
    if not (place / DESCRIPTION).exists() or _seen(place) != now:
        if not is_quiet():
            complain(f"note: {_note(source, place, redact=redact)}")
        _index(source, place)
        (place / SEEN).write_text(now)
    return str(place)


def _place(source: Path) -> Path:
    from xxhash import xxh3_64_hexdigest

    from pipebench import storage

    path = os.fsencode(source.resolve())
    return storage.FOLDER / FOLDER / f"{source.resolve().name}-{xxh3_64_hexdigest(path)[:8]}"


def _look(source: Path) -> str:
    """A hash of the names, sizes and times of all files below a folder."""
    from xxhash import xxh3_128

    digest, count = xxh3_128(), 0
    with pulse(lambda: f"Looking: {count} files"):
        for name, status in _files(source):
            digest.update(os.fsencode(name) + b"\0%d %d\0" % (status.st_size, status.st_mtime_ns))
            count += 1
    return digest.hexdigest()


def _files(source: Path) -> Iterator[tuple[str, os.stat_result]]:
    """In one order, whatever order the filesystem has."""
    for folder, below, names in os.walk(source):
        below.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)  # noqa: PTH118 - of a million files, without an object each
            yield os.path.relpath(path, source), os.lstat(path)


def _seen(place: Path) -> str:
    try:
        return (place / SEEN).read_text()
    except OSError:
        return ""


def _note(source: Path, place: Path, *, redact: bool) -> str:
    if redact:
        return f"data has no index: one is made below {place.parent}, and nothing is written to the data"
    return f"{source} has no index: one is made in {place}, and nothing is written to {source}"


def _index(source: Path, place: Path) -> None:
    from pipebench.parsing import command, command_parser

    (place / SEEN).unlink(missing_ok=True)
    data, told = command("data"), StringIO()
    arguments = ["import", "--json", "--out", str(place), "--", str(source)]
    try:
        with redirect_stdout(told):
            data.run(command_parser("data", data).parse_args(arguments))
    except BadInput as problem:
        hint = f", of 'pipebench data import {source} --out INDEX'" if "--" in str(problem) else ""
        raise BadInput(f"{problem}{hint}") from None
    _tell(json.loads(told.getvalue()))


def _tell(made: dict[str, Any]) -> None:
    """What was left aside, and what the import advises."""
    texts = [f"{count} {sort} left aside" for sort, count in made["ignored"].items()]
    for text in () if is_quiet() else (*texts, *made["advice"]):
        complain(f"note: {text}")
