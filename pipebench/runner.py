"""Runs a plan: each record is saved as its trial ends, and what a file already holds is not run again."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path
from uuid import uuid4

from pipebench import results
from pipebench.errors import BadInput
from pipebench.isolation import run_trial
from pipebench.measure import Clock, SystemClock
from pipebench.results import LIMITS_BLOCK, PROOF_BLOCK, Record, TrialSpec
from pipebench.schedule import Plan, Trial, block, opening

GIVE_UP = 2
"""Failures of a contestant on one step after which it is not tried there again."""

Execute = Callable[..., Record]


def run(plan: Plan, out: Path, execute: Execute = run_trial, clock: Clock | None = None) -> Iterator[Record]:
    """Yields the records that the file `out` holds, then those of the trials that it misses as they end.

    A contestant whose proof of work did not end `ok` runs no timed trial. Raises `BadInput` if the
    file holds trials of another plan, or a trial was given something wrong.
    """
    with results.alone(out):
        session = _Session(plan, out, execute)
        yield from session.records
        yield from session.attempt(opening(plan))
        yield from _blocks(plan, session, clock or SystemClock())


def expected(plan: Plan, out: Path) -> int:
    """How many records `run` yields, unless blocks are disturbed or trials fail.

    The file may hold blocks that the plan itself doesn't ask for.
    """
    held = (max(record.block, LIMITS_BLOCK - record.block) for record in _finished(plan, out))
    return len(plan) + sum(number >= plan.goal.blocks for number in held)


def _blocks(plan: Plan, session: "_Session", clock: Clock) -> Iterator[Record]:
    began_ns = clock.now_ns()
    for number in count():
        seconds = (clock.now_ns() - began_ns) / 1e9
        if plan.goal.reached(session.records, number, seconds) or not session.anyone_left():
            return
        yield from session.attempt(block(plan, number))


class _Session:
    """The records so far, and who is still in the race."""

    def __init__(self, plan: Plan, out: Path, execute: Execute) -> None:
        self._plan, self._out, self._execute = plan, out, execute
        self.records = _finished(plan, out)
        self._done = {(r.contestant, r.block, r.spec.step) for r in self.records}
        self._id = self.records[0].run if self.records else uuid4().hex[:12]
        self._failures: Counter[tuple[str, str]] = Counter()
        self._refused = {r.contestant for r in self.records if _refuses(r)}

    def attempt(self, trials: Iterable[Trial]) -> Iterator[Record]:
        """Runs those trials that are neither done nor given up."""
        for trial in trials:
            if trial.key not in self._done and not self._is_out(trial.contestant, trial.spec.step):
                yield self._run(trial)

    def anyone_left(self) -> bool:
        return any(not self._is_out(c.label, spec.step) for c in self._plan.rivals for spec in c.specs)

    def _is_out(self, contestant: str, step: str) -> bool:
        return contestant in self._refused or self._failures[contestant, step] >= GIVE_UP

    def _run(self, trial: Trial) -> Record:
        identity = {"run": self._id, "contestant": trial.contestant, "block": trial.block}
        record = self._execute(trial.spec, self._plan.trial_timeout, **identity)
        if record.status == "bad_input":
            raise BadInput(record.reason)
        results.append(self._out, record)
        self.records.append(record)
        if _refuses(record):
            self._refused.add(trial.contestant)
        self._failures[trial.contestant, trial.spec.step] += record.status != "ok"
        return record


def _refuses(record: Record) -> bool:
    """Whether the contestant is out altogether: its proof failed, or it cannot do this at all."""
    return record.status == "unsupported" or (record.block == PROOF_BLOCK and record.status != "ok")


def _finished(plan: Plan, out: Path) -> list[Record]:
    """The file's records that need not run again: those that ended `ok`, and refusals that cannot change."""
    if not out.is_file():
        return []
    first = {trial.key: trial.spec for trial in (*opening(plan), *block(plan, 0))}
    kept = []
    for record in results.read(out):
        number = max(min(record.block, 0), LIMITS_BLOCK)
        planned = first.get((record.contestant, number, record.spec.step))
        if planned != record.spec:
            raise BadInput(f"{out} holds trials of another run ({_difference(planned, record)})")
        if record.status in ("ok", "unsupported"):
            kept.append(record)
    return kept


def _difference(planned: TrialSpec | None, record: Record) -> str:
    if planned is None:
        return f"{record.contestant} on step {record.spec.step} is not in this one"
    names = [n for n in TrialSpec.__slots__ if getattr(planned, n) != getattr(record.spec, n)]
    return f"{record.contestant} differs in {', '.join(names)}"
