"""Files that hold results -> the sessions in them: pipebench's JSON lines, and pytest-benchmark's JSON."""

import gc
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from pipebench import pytest_benchmark, series
from pipebench.anonymous import Redactor
from pipebench.errors import BadInput, one_line
from pipebench.figures import Derive
from pipebench.pytest_benchmark import BenchmarkFile
from pipebench.results import LONGEST_REASON, Contents, Prepare, Record, read_contents, unchanged
from pipebench.series import Series, Session

_LINES = re.compile(rb'\s*\{\s*"schema"\s*:')


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file."""

    name: str
    """As it is shown."""
    contents: Contents | None
    """Of pipebench's own files."""
    benchmarks: BenchmarkFile | None
    """Of pytest-benchmark's."""

    @property
    def runs(self) -> dict[str, list[Record]]:
        """The file's records by run; several runs were put together in it where there are several."""
        found: dict[str, list[Record]] = {}
        for record in self.contents.records if self.contents else ():
            found.setdefault(record.run, []).append(record)
        return found


@contextmanager
def without_collections() -> Iterator[None]:
    """Meanwhile the garbage collector rests: it would walk thousands of records again and again."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # what was read stays to the end of the command, and is no garbage then
        gc.enable()


def open_sources(paths: Sequence[Path], *, redact: bool = False) -> list[Source]:
    """The files; without any names in them if asked, and then they are called `result 1` and so on."""
    if not redact:
        return [open_source(path, shown) for path, shown in zip(paths, _shown(paths), strict=True)]
    redactor = Redactor()
    for path in paths:
        _learn(path, redactor)
    return [open_source(path, f"result {n}", redactor.record) for n, path in enumerate(paths, 1)]


def _shown(paths: Sequence[Path]) -> list[str]:
    """File names, or whole paths where these do not tell the files apart."""
    names = [path.name for path in paths]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def _learn(path: Path, redactor: Redactor) -> None:
    def learnt(raw: dict[str, Any]) -> dict[str, Any]:
        redactor.learn(raw)
        return raw

    open_source(path, "", learnt)


def open_source(path: Path, name: str, prepare: Prepare = unchanged) -> Source:
    """Reads a file of either kind; raises `BadInput` for any other, and for one that holds nothing."""
    if is_lines(path):
        contents = read_contents(path, prepare)
        if not contents.records:
            raise BadInput(f"{path} holds no finished trial")
        return Source(name=name, contents=contents, benchmarks=None)
    try:
        benchmarks = pytest_benchmark.parse(prepare(read_json(path)))
    except BadInput as problem:
        raise BadInput(f"{path}: {problem}") from None
    if not benchmarks.benchmarks:
        raise BadInput(f"{path} holds no benchmark")
    return Source(name=name, contents=None, benchmarks=benchmarks)


def is_lines(path: Path) -> bool:
    """Whether the file begins as pipebench's results do."""
    try:
        with path.open("rb") as file:
            return _LINES.match(file.read(100)) is not None
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from None


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object that a file holds; raises `BadInput` for another file."""
    try:
        raw = json.loads(path.read_bytes())
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        why = one_line(str(error), LONGEST_REASON)
        raise BadInput(f"neither pipebench's results nor pytest-benchmark's JSON ({why})") from None
    if not isinstance(raw, dict):
        raise BadInput("neither pipebench's results nor pytest-benchmark's JSON")
    return raw


def all_series(sources: Sequence[Source], derive: Derive) -> list[Series]:
    """Those of every session, in order; raises `BadInput` where a run is there twice."""
    found: list[Series] = []
    seen: dict[str, str] = {}
    for session, made in _sessions(sources, derive):
        if session.run in seen:
            raise BadInput(f"{session.name} holds the same run as {seen[session.run]}; name each run once")
        seen[session.run] = session.name
        found.extend(made)
    return found


def _sessions(sources: Iterable[Source], derive: Derive) -> Iterator[tuple[Session, list[Series]]]:
    numbers = count()
    for source in sources:
        if source.benchmarks is not None:
            number = next(numbers)
            session = Session(
                number=number, name=source.name, run=_when(source.benchmarks, number), blocks=False
            )
            yield session, pytest_benchmark.series_of(session, source.benchmarks, derive)
        for order, (run, records) in enumerate(source.runs.items(), 1):
            name = source.name if len(source.runs) == 1 else f"{source.name} (run {order})"
            session = Session(number=next(numbers), name=name, run=run, blocks=True)
            yield session, series.series_of(session, records, derive)


def _when(file: BenchmarkFile, number: int) -> str:
    """What tells the session of a file from others; of a file that says nothing of it, its number."""
    return f"{file.when or number} on {file.machine.get('node')}"
