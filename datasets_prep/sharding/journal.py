"""The work folder of a sharding, `.sharding` in the target: what was planned, and what is done.

It holds `plan.json`, `lock`, `partial/` with files that are being written, and `parts/`, one for each
shard that is whole. It goes when all is done, `plan.json` first: a work folder without a plan beside
other files is what a finished sharding left.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipebench.dataset import WORK
from pipebench.errors import BadInput
from pipebench.files import (
    exists,
    is_local,
    join,
    local_path,
    names,
    read_file,
    remove,
    remove_below,
    shown,
    why,
    write_whole,
)

from .lock import LOCK, locked
from .places import PARTIAL

PLAN = "plan.json"
PARTS = "parts"

Plan = Mapping[str, Mapping[str, Any]]
"""What must be the same where a sharding is resumed: groups of named values."""


@dataclass(frozen=True, kw_only=True)
class Journal:
    """A work folder that this process has locked."""

    target: str
    work: str
    check: Callable[[], None] = lambda: None
    """Raises `BadInput` where the lock was lost."""

    @property
    def planned(self) -> bool:
        """Whether there is a plan."""
        return PLAN in names(self.work)

    @property
    def finished(self) -> bool:
        """Whether all was done and only this folder had still to go."""
        return not self.planned and set(names(self.target)) != {WORK}

    def agree(self, plan: Plan) -> None:
        """Keeps the plan or, where there is one, checks that it is the same; `BadInput` if not."""
        if not self.planned:
            write_whole(join(self.work, PLAN), json.dumps(plan, indent=1).encode())
            return
        begun = self._begun()
        if changes := _changes(begun["options"], plan["options"]):
            raise BadInput(
                f"{shown(self.target)} was begun with other options ({changes}); give the same to --resume, "
                "or remove it and start anew"
            )
        if changes := _changes(begun["source"], plan["source"]):
            raise BadInput(
                f"{shown(self.target)} cannot be resumed: the source has changed ({changes}); remove it and "
                "start anew"
            )

    def _begun(self) -> Plan:
        where = join(self.work, PLAN)
        try:
            begun = json.loads(read_file(where))
            return {group: dict(begun[group]) for group in ("options", "source")}
        except (ValueError, KeyError, TypeError):
            raise BadInput(f"{shown(where)} is damaged; remove {shown(self.target)} and start anew") from None

    def done(self) -> frozenset[str]:
        """The names of the parts that are there."""
        return frozenset(name for name in names(join(self.work, PARTS)) if not name.startswith("."))

    def part(self, name: str) -> str:
        """The URL of a part."""
        return join(join(self.work, PARTS), name)

    def remove(self) -> None:
        """Ends the work folder."""
        remove(join(self.work, PLAN))
        for name in (PARTIAL, PARTS):
            _remove_folder(join(self.work, name))
        remove(join(self.work, LOCK))
        _remove_folder(self.work)


@contextmanager
def opened(target: str, *, resume: bool) -> Iterator[Journal]:
    """Makes the target's work folder or, to resume, takes it up. Raises `BadInput`.

    If the block fails before it has a plan, nothing is left of what was made.
    """
    journal = Journal(target=target, work=join(target, WORK))
    try:
        existed = _enter(journal, resume)
    except OSError as error:
        raise BadInput(f"{shown(target)} cannot be written: {why(error)}") from None
    with locked(journal.work, target) as check:
        try:
            _refuse_others(journal)
            _tidy(journal)
            yield replace(journal, check=check)
        except BaseException:
            with suppress(OSError):
                if not journal.planned:
                    journal.remove()
                    _remove_made(target, existed)
            raise


def sweep(target: str) -> None:
    """Removes the work folder that a finished sharding left, where it did."""
    journal = Journal(target=target, work=join(target, WORK))
    if WORK in names(target) and journal.finished:
        with locked(journal.work, target):
            if journal.finished:
                journal.remove()


def _enter(journal: Journal, resume: bool) -> bool:
    """Makes the work folder where there is none, and says whether the target was there before."""
    target, existed = journal.target, exists(journal.target)
    if is_local(target) and Path(local_path(target)).is_file():
        raise BadInput(f"{target} is a file, not a folder")
    found = set(names(target))
    if WORK not in found:
        if found:
            raise BadInput(f"{shown(target)} already holds something; name a new or an empty folder")
        _make_folder(journal.work)
    elif not resume:
        with locked(journal.work, target):
            raise BadInput(
                f"{shown(target)} is incomplete: its sharding was cut short; finish it with --resume, "
                "or remove it"
            )
    return existed


def _refuse_others(journal: Journal) -> None:
    """`BadInput` where another process wrote and finished between the look at the target and its lock."""
    if not journal.planned and set(names(journal.target)) - {WORK}:
        raise BadInput(f"{shown(journal.target)} already holds something; name a new or an empty folder")


def _tidy(journal: Journal) -> None:
    """Clears away what was half written, and makes the folders."""
    _remove_folder(join(journal.work, PARTIAL))
    for name in (PARTIAL, PARTS):
        _make_folder(join(journal.work, name))


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What differs, for a message."""
    return ", ".join(
        f"{name} was {before.get(name)} and is {now.get(name)}"
        for name in {**before, **now}
        if before.get(name) != now.get(name)
    )


def _make_folder(url: str) -> None:
    if is_local(url):
        Path(local_path(url)).mkdir(parents=True, exist_ok=True)


def _remove_folder(url: str) -> None:
    if is_local(url):
        shutil.rmtree(local_path(url), ignore_errors=True)
    else:
        remove_below(url)


def _remove_made(target: str, existed: bool) -> None:
    if is_local(target) and not existed:
        with suppress(OSError):
            Path(local_path(target)).rmdir()
