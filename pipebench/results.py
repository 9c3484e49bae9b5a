"""Raw records <-> JSON lines: one line a trial, appended and synced when the trial ends.

Records hold raw values only; every statistic is derived when they are read (`figures.py`).

Schema history
--------------
1   first: spec, status, provenance, times, arrivals of every batch, looks, resources
2   spec.source: the folder that a loader given as `module:Class` was imported from
3   kind: what a sample is; the host's limit in each block, and no longer once alone
"""

import fcntl
import json
import os
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal

from pipebench.errors import BadInput, one_line
from pipebench.measure import Look, Trace
from pipebench.wellformed import check, check_trace

SCHEMA = 3

CEILING = "resident"
"""The loader that shows what the harness itself costs; it proves no work and competes with nobody."""
PROOF_BLOCK = -1
"""The block of the same-work proofs."""
LIMITS_BLOCK = -2
"""The block of the first trial that measures the host's own limit; the one of block `n` is `n` below it."""

WORKER_KNOBS = ("workers", "num_workers", "threads", "num_threads")
"""Settings that say how many work side by side, in a loader's own words."""

Status = Literal["ok", "unsupported", "failed", "timeout", "bad_input"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSpec:
    """All that one trial is told. Two trials with equal specs measure the same thing."""

    purpose: Literal["limits", "same_work", "measure"]
    """To measure what the host reaches without a loader, to prove a loader's work, or to time it."""
    loader: str
    """Its registered name, or `module:Class`."""
    options: dict[str, str]
    """The loader's settings as given, over the preset's; `preset` names that."""
    python: str
    """The interpreter."""
    source: str = ""
    """The folder that `module:Class` is imported from; empty: the working folder."""
    data: str
    """The dataset's folder or URL."""
    batch_size: int
    preprocessing: dict[str, str]
    """Options as given; what is not given has the data kind's default."""
    shuffle: bool
    drop_last: bool
    seed: int
    cpus: list[int]
    """Processor numbers that the process tree is pinned to."""
    device: str
    """`cpu`, `cuda` or `cuda:N`."""
    step: str
    """As `--step` takes it: `null`, `emulate:RATE`, `model:NAME`."""
    until: str
    """The stage that the loader is cut after; `batch` is the whole loader."""
    seconds: float
    """To measure, from the first batch on."""
    cache: Literal["warm", "cold"]
    """Cold evicts the dataset's files first and measures exactly one epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One trial."""

    run: str
    """An identifier that all trials of one run share."""
    contestant: str
    """The name that tables show: the loader as it was asked for, and the format where it reads several."""
    block: int
    """From 0; -1 for a proof of work, and -2 - n for the host's limits in block n."""
    spec: TrialSpec
    status: Status
    reason: str = ""
    started: str = ""
    """UTC, ISO 8601."""
    content_id: str = ""
    """The dataset's; results over the same samples share it, whatever their format."""
    format: str = ""
    """The dataset's."""
    kind: str = ""
    """The dataset's: what a sample is."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """As the loader used them."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of the libraries at hand, by their distributions' names."""
    machine: Mapping[str, Any] = field(default_factory=dict)
    """The host (`Machine`)."""
    same_work: Mapping[str, Any] = field(default_factory=dict)
    """What a proof of work found (`SameWork`); empty in other trials."""
    limits: Mapping[str, float] = field(default_factory=dict)
    """`decode_samples_per_second`: of this dataset, one core, from memory and without a loader."""
    times_ns: Mapping[str, int] = field(default_factory=dict)
    """Monotonic moments: spawned, imported, step_ready, loader_ready (for the first time, if cold)."""
    trace: Trace | None = None
    """When each batch came; null in trials that time nothing."""
    device_ns: tuple[tuple[int, int], ...] = ()
    """Each step's begin and end on an accelerator's own clock."""
    resources: Mapping[str, Any] = field(default_factory=dict)
    """`first` and `last`: the tree's totals after the first batch (memory: before it, since to look at that
    takes long) and at the end (`Resources`); between them `memory_bytes`, each 10 s, and `worker_waits`: how
    often a look met a worker in which wait. Where the host has `energy` counters, each as name, microjoules
    and the range at which it wraps around."""
    cache: Mapping[str, Any] = field(default_factory=dict)
    """What was asked, how bytes arrive, residency at the start, bytes read and payload bytes delivered; where
    bytes come from an object store, and pipebench fetched them, also `fetched_bytes`, `requests` and what
    these took (`requests_ns`)."""


def to_line(record: Record) -> str:
    """The record as one line of JSON, without its newline."""
    raw = {"schema": SCHEMA} | asdict(replace(record, trace=None))
    if record.trace is not None:
        arrays = {name: getattr(record.trace, name).tolist() for name in _ARRAYS}
        looks = [look._asdict() for look in record.trace.looks]
        raw["trace"] = arrays | {"epochs": record.trace.epochs, "looks": looks}
    # ASCII, since a path or a message may hold bytes that are no UTF-8. A third party's settings may hold
    # what JSON can't, and stand there as text.
    return json.dumps(raw, separators=(",", ":"), default=str)


def from_line(line: str) -> Record:
    """The record that a line holds; raises `BadInput` for a later schema or a malformed line."""
    return from_raw(_parsed(line))


def _parsed(line: str) -> dict[str, Any]:
    try:
        raw = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _no_record(error) from None
    if not isinstance(raw, dict) or "schema" not in raw:
        raise _no_record("it has no schema")
    return raw


def _parsed_line(line: bytes) -> dict[str, Any]:
    """As `_parsed`, in a third of the time; what orjson refuses, such as NaN, is left to Python's own."""
    import orjson  # whoever reads no file needs none

    try:
        raw = orjson.loads(line)
    except ValueError:
        return _parsed(line.decode(errors="replace"))
    return raw if isinstance(raw, dict) and "schema" in raw else _parsed(line.decode(errors="replace"))


def _no_record(why: object) -> BadInput:
    return BadInput(f"not a pipebench record ({one_line(str(why), LONGEST_REASON)})")


LONGEST_REASON = 200
"""Characters of why a line is no record; the line itself may be in it."""


def from_raw(raw: dict[str, Any]) -> Record:
    """The record that JSON's values make; consumes them. Raises `BadInput` as `from_line` does."""
    return Reader().record(raw)


_BEGIN = b'{"schema":'
_ARRAYS = ("asked_ns", "got_ns", "sizes")


class Reader:
    """Makes records. What the next one has in common with the last of its contestant is checked once."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str, bool], tuple[dict[str, Any], Record]] = {}

    def record(self, raw: dict[str, Any]) -> Record:
        """As `from_raw`."""
        schema = raw.pop("schema", None)
        if type(schema) is not int or not 1 <= schema <= SCHEMA:
            raise BadInput(
                f"a record of schema {one_line(repr(schema), 20)}, and this pipebench reads schema 1 to "
                f"{SCHEMA}; update pipebench"
            )
        try:
            return self._record(raw)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            raise _no_record(error) from None

    def _record(self, raw: dict[str, Any]) -> Record:
        spec, named = raw["spec"], (raw["contestant"], raw["block"])
        if not isinstance(spec, dict) or not isinstance(named[0], str) or not isinstance(named[1], int):
            check(raw)  # says what is wrong
        spec.setdefault("source", "")  # schema 1
        raw.setdefault("kind", "")  # schema 2
        key = named[0], str(spec["step"]), named[1] < 0
        shared = self._shared(key, raw)
        check(raw, shared)
        made = _made(raw | shared)
        self._last[key] = spec, made
        return made

    def _shared(self, key: tuple[str, str, bool], raw: Mapping[str, Any]) -> dict[str, Any]:
        if key not in self._last:
            return {}
        spec, like = self._last[key]
        found = {name: getattr(like, name) for name in _LASTING if raw.get(name) == getattr(like, name)}
        return found | {"spec": like.spec} if raw["spec"] == spec else found


_LOOK = itemgetter(*Look._fields)
_LASTING = ("settings", "versions", "machine")


def _made(raw: dict[str, Any]) -> Record:
    trace, spec = raw.pop("trace"), raw.pop("spec")
    device = tuple((int(begin), int(end)) for begin, end in raw.pop("device_ns"))
    if trace is not None:
        check_trace(trace)
        if device and len(device) < len(trace["got_ns"]):
            raise ValueError("device_ns: one pair a batch")
        arrays = {name: array("q", trace[name]) for name in _ARRAYS}
        looks = [*map(Look._make, map(_LOOK, trace["looks"]))]
        trace = Trace(**(trace | arrays | {"looks": looks}))
    spec = spec if isinstance(spec, TrialSpec) else TrialSpec(**spec)
    return Record(spec=spec, trace=trace, device_ns=device, **raw)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keeps other runs from the file, which is gone afterwards if nothing was written to it.

    Raises `BadInput` if another run is at it.
    """
    try:
        file = path.open("ab")
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BadInput(f"another run is writing {path}; name another file with --out") from None
        try:
            yield
        finally:
            if path.stat().st_size == 0:
                path.unlink()


def append(path: Path, record: Record) -> None:
    """Adds the record to the file and syncs it; a line torn by an earlier crash is cut off first."""
    try:
        with path.open("a+b") as file:
            whole = _whole_length(file.seek(0, os.SEEK_END), path)
            file.truncate(whole)
            file.write(to_line(record).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}; name another file with --out") from None


def _whole_length(length: int, path: Path) -> int:
    with path.open("rb") as file:
        file.seek(max(0, length - 1))
        if length == 0 or file.read(1) == b"\n":
            return length
        file.seek(0)
        return file.read().rfind(b"\n") + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """A results file."""

    records: list[Record]
    schemas: frozenset[int]
    """Of its lines."""
    torn_bytes: int
    """Of a last line that a crash left unfinished."""


def read(path: Path) -> list[Record]:
    """All records of a file; a last line that a crash left unfinished is passed over."""
    return read_contents(path).records


Prepare = Callable[[dict[str, Any]], dict[str, Any]]


def unchanged(raw: dict[str, Any]) -> dict[str, Any]:
    """What is done to a line's JSON before it is understood, where nothing is asked for."""
    return raw


def read_contents(path: Path, prepare: Prepare = unchanged) -> Contents:
    """The file. Each line goes through `prepare` before it becomes a record."""
    records: list[Record] = []
    schemas, lines, reader = set(), _Lines(path), Reader()
    try:
        for raw in lines:
            raw = prepare(raw)
            schema = raw["schema"]
            records.append(reader.record(raw))
            schemas.add(schema)
    except Unreadable:
        raise
    except BadInput as problem:
        raise BadInput(f"{path}, line {len(records) + 1}: {problem}") from None
    if lines.torn and not records and not lines.torn.startswith(_BEGIN):  # appending would cut it off
        raise BadInput(f"{path} is not a pipebench results file")
    return Contents(records=records, schemas=frozenset(schemas), torn_bytes=len(lines.torn))


def read_raw(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON objects of a file's lines."""
    return iter(_Lines(path))


class _Lines:
    """The lines of a file as JSON objects; `torn` is a last one that has no end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.torn = b""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        try:
            with self._path.open("rb") as file:
                for line in file:
                    if not line.endswith(b"\n"):
                        self.torn = line
                        return
                    yield _parsed_line(line)
        except OSError as error:
            raise Unreadable(f"{self._path} cannot be read: {error.strerror}") from None


class Unreadable(BadInput):
    """The file itself, and none of its lines."""
