"""What results hold, for a page: each contestant on each step, its trials, and where each of them stands."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipebench.contest import Line, Terms
from pipebench.diagnosis.phases import phase_of
from pipebench.figures import Derive, Figures
from pipebench.findings import Finding
from pipebench.results import Record
from pipebench.series import Series
from pipebench.summary import Row


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """One record."""

    number: int
    """From 0, throughout the page."""
    result: str
    record: Record
    figures: Figures | None
    place: str
    """Where it stands in its file: `line 4`, or of a benchmark `record 4`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry:
    """One contestant on one step in one run or benchmark."""

    number: int
    """From 0, throughout the page."""
    result: str
    path: str
    """The file, as a command line names it."""
    blocks: bool
    """As of its part."""
    row: Row
    trials: tuple[Trial, ...]

    @property
    def measured(self) -> bool:
        return self.row.samples_per_second is not None

    @property
    def until(self) -> str:
        """The stage after which the loader was cut; `batch` if it wasn't."""
        return self.trials[0].record.spec.until if self.trials else "batch"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """One run of a file, or one benchmark of it that holds records."""

    name: str
    path: str
    blocks: bool
    """Whether its trials ran in blocks that held every contestant."""
    trials: tuple[Trial, ...]
    """All records, proofs of work and the resident loader's among them."""
    entries: tuple[Entry, ...]
    findings: tuple[Finding, ...]
    """What limits its figures or contradicts them."""

    @property
    def records(self) -> list[Record]:
        return [trial.record for trial in self.trials]

    @property
    def rows(self) -> list[Row]:
        return [entry.row for entry in self.entries]

    @property
    def phases(self) -> bool:
        """Whether these are a diagnosis's phases, which are no rivals of each other."""
        return any(phase_of(trial.record) for trial in self.trials)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gathered:
    """Everything that a page tells of."""

    names: tuple[str, ...]
    """Of the results."""
    parts: tuple[Part, ...]
    series: Sequence[Series]
    lines: Sequence[Line]
    """As `compare` has them; where it refuses, of each session alone."""
    terms: Terms
    refusal: str = ""
    """Why the results are not compared with each other."""
    derive: Derive = field(repr=False)

    @property
    def entries(self) -> list[Entry]:
        return [entry for part in self.parts for entry in part.entries]

    @property
    def trials(self) -> list[tuple[Part, Trial]]:
        return [(part, trial) for part in self.parts for trial in part.trials]

    @property
    def failed(self) -> bool:
        """Whether a trial that was to be compared did not end well."""
        return any(one.status in ("failed", "timeout") for one in self.series)
