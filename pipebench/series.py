"""What one contestant did at one task in one session: the unit of which comparisons are made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pipebench.compare import marked_blocks
from pipebench.conditions import Conditions, conditions
from pipebench.figures import Derive, Figures
from pipebench.results import Record
from pipebench.summary import Row, summarise
from pipebench.unpaired import Moments

Unit = Literal["samples/s", "rounds/s"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One run of pipebench, or one file of pytest-benchmark."""

    number: int
    """From 0, in the order given."""
    name: str
    run: str
    """Tells a run from every other; of pytest-benchmark the time of the session."""
    blocks: bool
    """Whether its trials ran in blocks that held every contestant, so that they can be paired."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """Speeds of one contestant, or why there are none."""

    session: Session
    contestant: str
    loader: str
    task: str
    """The step; of a benchmark its group or name."""
    unit: Unit
    speeds: Mapping[int, float]
    """By block or round; empty where only `moments` are known, or nothing."""
    marked: frozenset[int] = frozenset()
    """Disturbed blocks."""
    interleaved: bool = False
    """Whether its rounds were blocks, in a session of which not all ran in blocks."""
    moments: Moments | None = None
    conditions: Conditions | None = None
    """None where no trial ended `ok`."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    status: str = "ok"
    reason: str = ""
    row: Row | None = None
    """The figures, where pipebench measured them."""
    speed: float | None = None
    """In `unit`; the headline."""

    @property
    def measured(self) -> bool:
        return self.speed is not None

    @property
    def in_blocks(self) -> bool:
        """Whether it can be paired with another of its session that is in blocks too."""
        return self.session.blocks or self.interleaved

    @property
    def trials(self) -> int:
        """Or rounds."""
        return self.moments.rounds if self.moments else len(self.speeds)


def series_of(session: Session, records: Sequence[Record], derive: Derive) -> list[Series]:
    """One for each row of a run's table."""
    marked = frozenset(marked_blocks(records, derive))
    trials: dict[tuple[str, str], dict[int, tuple[Record, Figures]]] = {}
    for record in records:
        if record.block >= 0 and (found := derive(record)):
            trials.setdefault((record.contestant, record.spec.step), {})[record.block] = record, found
    rows = summarise(records, derive, used=False)
    return [_series(session, row, trials.get((row.contestant, row.step), {}), marked) for row in rows]


def _series(
    session: Session, row: Row, trials: Mapping[int, tuple[Record, Figures]], marked: frozenset[int]
) -> Series:
    return Series(
        session=session,
        contestant=row.contestant,
        loader=row.loader,
        task=row.step,
        unit="samples/s",
        speeds={block: found.samples_per_second for block, (_, found) in trials.items()},
        marked=marked & trials.keys(),
        conditions=conditions(list(trials.values())) if trials else None,
        settings=row.settings,
        versions=row.versions,
        status=row.status,
        reason=row.reason,
        row=row,
        speed=row.samples_per_second,
    )
