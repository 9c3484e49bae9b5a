"""Looks through tar shards in WebDataset's layout. Only headers and labels are read, nothing is unpacked."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

from pipebench.dataset import Shard
from pipebench.errors import BadInput

from ._found import Found, Scan, check_text, listed
from ._processes import run_tasks
from ._tar_members import Member, members
from ._tree import OTHER, files

FORMAT = "wds"
SUFFIX = ".tar"
JSON_LABELS = ("label", "cls")
CLASS_NUMBERS = 100_000
"""Labels that are all numbers below this are class numbers; others are names."""
NO_IMAGE = "samples without a payload"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    path: Path
    number: int
    suffixes: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scanned:
    found: Sequence[Found]
    ignored: Counter[str]


def tar_files(source: Path, ignored: Counter[str]) -> list[Path]:
    """The tars below `source`, sorted; other files are counted."""
    return sorted(path for path in files(source, source.resolve(), ignored) if _is_tar(path, ignored))


def scan_tars(
    source: Path, paths: Sequence[Path], suffixes: frozenset[str], ignored: Counter[str], workers: int
) -> Scan:
    """The samples of these tars; `ignored` is what was counted when they were found."""
    tasks = [_Task(path=path, number=number, suffixes=suffixes) for number, path in enumerate(paths)]
    scanned = list(run_tasks(_scan_tar, tasks, min(workers, len(tasks))))
    names = [check_text(path.relative_to(source).as_posix()) for path in paths]
    found, classes = _numbered(_with_unique_keys([part.found for part in scanned], names))
    return Scan(
        format=FORMAT,
        found=found,
        classes=classes,
        ignored=sum((part.ignored for part in scanned), ignored),
        shards=tuple(map(_shard, names, paths, scanned)),
    )


def _is_tar(path: Path, ignored: Counter[str]) -> bool:
    if path.suffix.lower() == SUFFIX:
        return True
    ignored[OTHER] += 1
    return False


def _shard(name: str, path: Path, scanned: _Scanned) -> Shard:
    return Shard(name=name, samples=len(scanned.found), size=path.stat().st_size, sha256=None)


def _scan_tar(task: _Task) -> _Scanned:
    """Runs in a worker."""
    ignored: Counter[str] = Counter()
    found = []
    seen: set[str] = set()
    for key, group in groupby(members(task.path, ignored), key=lambda member: member.key):
        if key in seen:
            raise BadInput(f"{task.path} holds the key {key!r} twice; keys must differ within a shard")
        seen.add(key)
        sample = _sample(task, {member.extension: member for member in _distinct(task.path, group)})
        if sample is None:
            ignored[NO_IMAGE] += 1
        else:
            found.append(sample)
    return _Scanned(found=found, ignored=ignored)


def _distinct(path: Path, group: Iterable[Member]) -> Iterator[Member]:
    seen: set[str] = set()
    for member in group:
        if member.extension in seen:
            raise BadInput(f"{path} holds {member.name!r} twice; names must differ within a shard")
        seen.add(member.extension)
        yield member


def _sample(task: _Task, parts: Mapping[str, Member]) -> Found | None:
    payloads = [m for m in parts.values() if PurePosixPath(f"x.{m.extension}").suffix in task.suffixes]
    if not payloads:
        return None
    if len(payloads) > 1:
        names = listed([member.name for member in payloads])
        raise BadInput(f"{task.path} holds several payloads under one key: {names}; keep one of them")
    payload = payloads[0]
    return Found(
        key=payload.key,
        member=payload.name,
        path=task.path,
        label=_label(task.path, payload.key, parts),
        shard=task.number,
        offset=payload.offset,
        size=payload.size,
    )


def _label(path: Path, key: str, parts: Mapping[str, Member]) -> str:
    """From `.cls`, else from `.json`, else the key's folder."""
    label = ""
    if "cls" in parts:
        label = parts["cls"].text.decode("utf-8", "replace").strip()
    elif "json" in parts:
        label = _json_label(path, key, parts["json"].text)
    label = label or PurePosixPath(key).parent.as_posix().removeprefix(".")
    if not label:
        raise BadInput(
            f"{path}: sample {key!r} has no label; give it a .cls, a .json with 'label', or a folder"
        )
    return label


def _json_label(path: Path, key: str, text: bytes) -> str:
    try:
        values: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise BadInput(f"{path}: {key}.json is not valid JSON; write the shard again") from None
    if not isinstance(values, dict):
        return ""
    return next((str(values[name]) for name in JSON_LABELS if isinstance(values.get(name), str | int)), "")


def _with_unique_keys(parts: Sequence[Sequence[Found]], names: Sequence[str]) -> list[Found]:
    """All samples; where a key stands in two shards, every key gets its shard's name in front."""
    counts = Counter(sample.key for part in parts for sample in part)
    if not counts or max(counts.values()) == 1:
        return [sample for part in parts for sample in part]
    stems = [name[: -len(SUFFIX)] for name in names]
    return [
        replace(sample, key=f"{stem}/{sample.key}")
        for stem, part in zip(stems, parts, strict=True)
        for sample in part
    ]


def _numbered(found: list[Found]) -> tuple[list[Found], tuple[str, ...]]:
    """The samples and the classes' names in the order of their labels."""
    labels = {sample.label for sample in found}
    if labels and all(label.isascii() and label.isdigit() and int(label) < CLASS_NUMBERS for label in labels):
        numbers = {label: int(label) for label in labels}
        plain = [replace(sample, label=str(numbers[sample.label])) for sample in found]
        return plain, tuple(map(str, range(max(numbers.values()) + 1)))
    return found, tuple(sorted(labels))
