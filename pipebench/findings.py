"""What an audit is told in."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pipebench.figures import Derive, Figures
from pipebench.results import CEILING, Record

State = Literal["ok", "note", "wrong"]
SHOWN = 4
"""Trials that a finding names; of more it says how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    `wrong` contradicts itself or cannot be reproduced; `note` limits what the figures say; `ok` is in order.
    """

    state: State
    topic: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The records of one run, and its timed trials with their figures."""

    records: Sequence[Record]
    trials: Sequence[tuple[Record, Figures]]

    @property
    def rivals(self) -> Sequence[tuple[Record, Figures]]:
        """Trials of all but the ceiling."""
        return [(record, found) for record, found in self.trials if record.spec.loader != CEILING]


Check = Callable[[Run], Iterator[Finding]]


def make_run(records: Sequence[Record], derive: Derive) -> Run:
    """Derives each record's figures."""
    trials = [(record, found) for record in records if record.block >= 0 and (found := derive(record))]
    return Run(records=records, trials=trials)


def trial_name(record: Record) -> str:
    """`dali, block 3` with the step where it isn't `null`."""
    step = "" if record.spec.step == "null" else f", {record.spec.step}"
    return f"{record.contestant}, block {record.block + 1}{step}" if record.block >= 0 else record.contestant


def some(names: Sequence[str]) -> str:
    """A few of them, and how many more there are."""
    more = len(names) - SHOWN
    return "; ".join(names[:SHOWN]) + (f"; and {more} more" if more > 0 else "")
