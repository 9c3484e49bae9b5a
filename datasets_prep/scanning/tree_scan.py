"""Samples in a tree of files whose topmost folders are classes."""

from collections import Counter
from collections.abc import Iterable, Iterator

from pipebench.errors import BadInput
from pipebench.files import Listed, join

from ..catalogue.catalogue import Entry
from ..formats.contract import Part
from .listing import split
from .source_files import (
    LABEL,
    LABELS,
    MOST_EXTRAS,
    NO_CLASS,
    OTHER,
    Reading,
    check_payload,
    choose,
    shown_name,
)


def scan_tree(
    url: str, files: Iterable[Listed], reading: Reading, suffixes: frozenset[str], ignored: Counter[str]
) -> Iterator[Entry]:
    """The samples below `url`, whose files come in a listing's order; what is none is counted.

    A file `<key>.<field>` beside a payload `<key>.jpg` belongs to the same sample.
    """
    for key, group in _groups(files, reading):
        members = _members(key, group)
        payload = choose(key, members, suffixes, reading.payload)
        if payload is None:
            ignored[OTHER] += len(group)
        elif "/" not in key:
            ignored[NO_CLASS] += 1
            ignored[OTHER] += len(group) - 1
        else:
            ignored[LABELS] += LABEL in members
            ignored[OTHER] += "" in members
            yield _entry(url, key, payload, members, reading)


def _groups(files: Iterable[Listed], reading: Reading) -> Iterator[tuple[str, list[Listed]]]:
    """Files that may belong together, under the key of the first of them, which is the shortest."""
    key, group = "", list[Listed]()
    for file in files:
        if group and file.name.startswith(f"{key}."):
            group.append(file)
            _refuse_crowds(key, group)
        else:
            if group:
                yield key, group
            key, group = split(file.name, reading.payload)[0], [file]
    if group:
        yield key, group


def _refuse_crowds(key: str, group: list[Listed]) -> None:
    if len(group) > MOST_EXTRAS:
        raise BadInput(
            f"more than {MOST_EXTRAS} files have names that begin with {shown_name(key + '.')}, as if they "
            "were of one sample; rename them"
        )


def _members(key: str, group: list[Listed]) -> dict[str, Listed]:
    """The files by their field."""
    members: dict[str, Listed] = {}
    for file in group:
        field = file.name[len(key) + 1 :].lower()
        if field in members:
            names = " and ".join(shown_name(name) for name in sorted((members[field].name, file.name)))
            raise BadInput(f"{names} differ in nothing but the case of their endings; remove one of them")
        members[field] = file
    return members


def _entry(url: str, key: str, payload: str, members: dict[str, Listed], reading: Reading) -> Entry:
    check_payload(members[payload].name, members[payload].size, reading)
    further = sorted(members.keys() - {payload, LABEL, ""})
    extras = tuple(_part(url, field, members[field]) for field in further)
    return Entry(key, key.partition("/")[0], _part(url, payload, members[payload]), extras)


def _part(url: str, field: str, file: Listed) -> Part:
    return Part(field, file.name, join(url, file.name), 0, file.size, None)
