"""Samples in tar shards of WebDataset's layout. Only headers and labels are read, nothing is unpacked."""

import json
from array import array
from collections import Counter
from collections.abc import Generator, Iterable, Mapping
from contextlib import closing
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import xxhash

from pipebench.errors import BadInput
from pipebench.files import shown

from ..catalogue.catalogue import Entry
from ..formats.contract import Part
from .members import LABEL_BYTES, Member, members
from .source_files import (
    LABEL,
    LONGEST_LABEL,
    MOST_EXTRAS,
    NO_PAYLOAD,
    Reading,
    check_payload,
    choose,
    shown_name,
)

JSON_LABELS = ("label", "cls")


def scan_tar(
    url: str, reading: Reading, suffixes: frozenset[str], ignored: Counter[str]
) -> Generator[Entry, None, None]:
    """The samples of a tar, in order. `BadInput` for a damaged or an unsafe one."""
    hashes = array("Q")
    with closing(members(url, ignored)) as found:
        for key, group in groupby(found, key=lambda member: member.key):
            hashes.append(xxhash.xxh3_64_intdigest(key.encode()))
            parts = _distinct(url, group)
            field = choose(f"{shown(url)}/{key}", parts, suffixes, reading.payload)
            if field is None:
                ignored[NO_PAYLOAD] += 1
            else:
                yield _entry(url, parts, field, reading)
    _refuse_repeats(url, hashes)


def _distinct(url: str, group: Iterable[Member]) -> dict[str, Member]:
    """A sample's members by their fields."""
    parts: dict[str, Member] = {}
    for member in group:
        if member.field in parts:
            name = shown_name(member.name)
            raise BadInput(f"{shown(url)} holds {name} twice; names must differ within a shard")
        parts[member.field] = member
        if len(parts) > MOST_EXTRAS:
            raise BadInput(f"{shown(url)} holds more than {MOST_EXTRAS} files of {shown_name(member.key)}")
    return parts


def _entry(url: str, parts: Mapping[str, Member], field: str, reading: Reading) -> Entry:
    payload = parts[field]
    check_payload(f"{shown(url)}/{payload.name}", payload.size, reading)
    further = sorted(parts.keys() - {field, LABEL})
    extras = tuple(_part(url, parts[name]) for name in further)
    return Entry(payload.key, _label(url, payload.key, parts), _part(url, payload), extras)


def _part(url: str, member: Member) -> Part:
    return Part(member.field, member.name, url, member.offset, member.size, None)


def _label(url: str, key: str, parts: Mapping[str, Member]) -> str:
    """From `.cls`, else from `.json`, else the key's folder."""
    name = f"{shown(url)}: sample {shown_name(key)}"
    label = ""
    if LABEL in parts:
        label = _plain_label(name, parts[LABEL].text)
    elif "json" in parts:
        label = _json_label(name, parts["json"].text)
    label = label or PurePosixPath(key).parent.as_posix().removeprefix(".")
    if not label:
        raise BadInput(f"{name} has no label; give it a .cls, a .json with 'label', or a folder")
    if _is_no_text(label):
        raise BadInput(f"{name} has a label that is not UTF-8; write the shard again")
    if len(label) > LONGEST_LABEL:
        raise BadInput(f"{name} has a label of {len(label)} characters, which is none; write the shard again")
    return label


def _is_no_text(label: str) -> bool:
    """Whether it has halves of characters, as JSON can."""
    return any("\ud800" <= character <= "\udfff" for character in label)


def _plain_label(name: str, text: bytes | None) -> str:
    if text is None:
        raise BadInput(f"{name} has a .cls of more than {LABEL_BYTES} bytes, which is no label")
    try:
        return text.decode().strip()
    except UnicodeDecodeError:
        raise BadInput(f"{name} has a .cls that is not UTF-8; write the shard again") from None


def _json_label(name: str, text: bytes | None) -> str:
    """Its `label` or `cls`, or nothing where it has none or is too large to be asked for one."""
    if text is None:
        return ""
    try:
        values: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise BadInput(f"{name} has a .json that is not valid JSON; write the shard again") from None
    if not isinstance(values, dict):
        return ""
    return next((str(values[field]) for field in JSON_LABELS if isinstance(values.get(field), str | int)), "")


def _refuse_repeats(url: str, hashes: "array[int]") -> None:
    """`BadInput` where a key's members don't stand together, or two samples have the same key.

    Keys are told by their hashes; only where two are the same, the tar is read again for the names.
    """
    found, counts = np.unique(np.frombuffer(hashes, np.uint64), return_counts=True)
    suspects = set(found[counts > 1].tolist())
    if not suspects:
        return
    seen: set[str] = set()
    with closing(members(url, Counter())) as again:
        for key, _ in groupby(again, key=lambda member: member.key):
            if key in seen:
                name = shown_name(key)
                raise BadInput(f"{shown(url)} holds the key {name} twice; keys must differ within a shard")
            if xxhash.xxh3_64_intdigest(key.encode()) in suspects:
                seen.add(key)
