"""Looks through a tree of files whose topmost folders are classes."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from pipebench.dataset import DESCRIPTION, INDEX
from pipebench.errors import BadInput

from ._found import Found, Scan, check_text, listed

FORMAT = "folder"
HIDDEN, LINK, OTHER, NO_CLASS = "hidden", "links out of it", "of other kinds", "outside class folders"


def scan_tree(source: Path, suffixes: frozenset[str]) -> Scan:
    """Files with these endings in class folders below `source`, at any depth, sorted by path."""
    ignored: Counter[str] = Counter()
    members = sorted(_members(source, source.resolve(), suffixes, ignored))
    found = [_found(source, check_text(member)) for member in members]
    _refuse_repeats(found)
    return Scan(
        format=FORMAT,
        found=found,
        classes=tuple(sorted({sample.label for sample in found})),
        ignored=ignored,
    )


def files(folder: Path, root: Path, ignored: Counter[str]) -> Iterator[Path]:
    """Visible files below `folder`; hidden ones and links that leave `root` (resolved) are counted."""
    for entry in _entries(folder):
        if entry.name in (DESCRIPTION, INDEX):
            continue
        path = Path(entry.path)
        if entry.name.startswith("."):
            ignored[HIDDEN] += 1
        elif entry.is_symlink() and not _stays_inside(path, root):
            ignored[LINK] += 1
        elif entry.is_dir(follow_symlinks=False):
            yield from files(path, root, ignored)
        elif entry.is_file():
            yield path


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise BadInput(f"{folder} cannot be read: {error.strerror}") from None


def _stays_inside(link: Path, root: Path) -> bool:
    """Whether a link leads to a file below `root`; one to a folder could go round in circles."""
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError):
        return False
    return target.is_relative_to(root) and target.is_file()


def _members(source: Path, root: Path, suffixes: frozenset[str], ignored: Counter[str]) -> Iterator[str]:
    for path in files(source, root, ignored):
        member = path.relative_to(source).as_posix()
        if path.suffix.lower() not in suffixes:
            ignored[OTHER] += 1
        elif "/" not in member:
            ignored[NO_CLASS] += 1
        else:
            yield member


def _found(source: Path, member: str) -> Found:
    key = member.rpartition(".")[0]
    return Found(key=key, member=member, path=source / member, label=member.partition("/")[0])


def _refuse_repeats(found: list[Found]) -> None:
    members = defaultdict(list)
    for sample in found:
        members[sample.key].append(sample.member)
    repeats = [" and ".join(names) for names in members.values() if len(names) > 1]
    if repeats:
        raise BadInput(
            f"files differ in nothing but their ending: {listed(repeats)}; rename or remove one of each"
        )
