"""Runs the trials of a diagnosis while its time lasts, and saves each as it ends."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from pipebench import results
from pipebench.diagnosis.phases import Phase, contestant
from pipebench.diagnosis.seen import Seen, see
from pipebench.diagnosis.warming import was_warm
from pipebench.errors import BadInput
from pipebench.measure import Clock
from pipebench.results import Record, TrialSpec

Execute = Callable[..., Record]
Tell = Callable[[Record], None]

FIRST_GUESS = 4.0
"""Seconds that a trial of one second takes, before one has run."""
FORGETS = 0.7
"""Of a slow trial's time after each further one."""
TRIAL_TIMEOUT = 60.0
ADDED = frozenset({Phase.TRIED, Phase.RELIEVED, Phase.RELIEVED_OTHER, Phase.RELIEVED_CUT, Phase.FEWER_CORES})
"""Phases without which there is a verdict."""
AS_GIVEN = frozenset({Phase.WARM, Phase.END_TO_END, Phase.STEP_ONLY})
"""Phases whose loader, data and step are what the user gave."""


@dataclass(slots=True, kw_only=True)
class Trials:
    """The trials of one diagnosis, whether it goes on or a file holds it."""

    loader: str
    """As the results name it."""
    records: list[Record] = field(default_factory=list)

    def of(self, phase: Phase, note: str = "") -> list[Record]:
        """The trials of one phase; without those that were to be warm and were not, where others were."""
        name = contestant(self.loader, phase, note)
        found = [record for record in self.records if record.contestant == name]
        warm = [record for record in found if was_warm(record)]
        return warm if any(record.status == "ok" for record in warm) else found

    def seen(self, phase: Phase, note: str = "") -> Seen | None:
        """What they show."""
        return see(self.of(phase, note))


@dataclass(slots=True, kw_only=True)
class Session(Trials):
    """The trials so far, and the time that is left for more."""

    out: Path
    execute: Execute
    clock: Clock
    max_seconds: float
    tell: Tell = lambda _: None
    run: str = field(default_factory=lambda: uuid4().hex[:12])
    _began_ns: int = 0
    _slowest: float = 0.0
    _besides: float = 0.0
    """What a trial takes besides the seconds that it measures."""

    def begin(self, began_ns: int | None = None) -> None:
        """The time counts from then, by the clock; from now if nothing is said."""
        self._began_ns = self.clock.now_ns() if began_ns is None else began_ns

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return (self.clock.now_ns() - self._began_ns) / 1e9

    def allows(self, share: float = 1.0, measured: float | None = None) -> bool:
        """Whether a further trial would probably end within this share of the time.

        It measures so many seconds, if given; else it takes as long as the slowest of late.
        """
        lasts = self._slowest if measured is None else self._besides + measured
        return self.seconds + (lasts if self.records else FIRST_GUESS) <= share * self.max_seconds

    def attempt(self, phase: Phase, spec: TrialSpec, block: int, note: str = "") -> Record:
        """Runs one trial. Raises `BadInput` if the pipeline as it is was given something wrong.

        What a diagnosis itself has changed about it may not fit: then that trial has failed.
        """
        began = self.seconds
        identity = {"run": self.run, "contestant": contestant(self.loader, phase, note), "block": block}
        record = self.execute(spec, self._timeout(phase, spec), **identity)
        if record.status == "bad_input" and phase in AS_GIVEN:
            raise BadInput(record.reason)
        results.append(self.out, record)
        self.records.append(record)
        self.tell(record)
        if phase is Phase.FEWER_CORES:  # a process was started for it, so that it says nothing of the others
            return record
        took = self.seconds - began
        self._slowest = max(FORGETS * self._slowest, took)
        self._besides = max(FORGETS * self._besides, took - spec.seconds)
        return record

    def _timeout(self, phase: Phase, spec: TrialSpec) -> float:
        """What only adds to the answer, as another loader that is tried, doesn't outlast the time by much."""
        longest = min(TRIAL_TIMEOUT, 2 * self.max_seconds)
        if phase not in ADDED:
            return longest
        return min(longest, max(0.0, self.max_seconds - self.seconds) + spec.seconds + FIRST_GUESS)

    def failed(self, phase: Phase) -> bool:
        """Whether the phase cannot be run here."""
        return any(record.status != "ok" for record in self.of(phase))
