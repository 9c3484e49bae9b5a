"""Blocks of trials: every contestant once a block, in random order, each record saved as it ends."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from pipebench import results
from pipebench.errors import BadInput
from pipebench.isolation import run_trial
from pipebench.results import Record, TrialSpec

CEILING = "resident"
"""The loader that shows what the harness itself costs; runs once a step, in the first block."""
PROOF_BLOCK = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A loader with its settings, interpreter and dataset, under the name that tables show."""

    label: str
    specs: tuple[TrialSpec, ...]
    """One for each step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All trials of a run."""

    contestants: tuple[Contestant, ...]
    blocks: int
    seed: int
    trial_timeout: float

    def __len__(self) -> int:
        """Trials to run, proofs included."""
        rivals = [c for c in self.contestants if not is_ceiling(c)]
        steps = len(self.contestants[0].specs)
        return len(rivals) * (1 + steps * self.blocks) + (len(self.contestants) - len(rivals)) * steps


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial of a plan, before it has run."""

    contestant: str
    block: int
    spec: TrialSpec

    @property
    def key(self) -> tuple[str, int, str]:
        return self.contestant, self.block, self.spec.step


def is_ceiling(contestant: Contestant) -> bool:
    """Whether this is the resident loader, which proves no work and competes with nobody."""
    return contestant.specs[0].loader == CEILING


Execute = Callable[..., Record]


def run(plan: Plan, out: Path, execute: Execute = run_trial) -> Iterator[Record]:
    """Runs what the file `out` does not hold yet, appending each record; yields every record, old ones first.

    A contestant whose proof of work did not end `ok` runs no timed trial. Raises `BadInput` if the
    file holds trials of another plan, or a trial was given something wrong.
    """
    done = _finished(plan, out)
    yield from done.values()
    refused = {label for (label, block, _), record in done.items() if _is_refusal(block, record)}
    run_id = next((record.run for record in done.values()), uuid4().hex[:12])
    for trial in trials(plan):
        if trial.key in done or trial.contestant in refused:
            continue
        record = execute(
            trial.spec, plan.trial_timeout, run=run_id, contestant=trial.contestant, block=trial.block
        )
        if record.status == "bad_input":
            raise BadInput(record.reason)
        results.append(out, record)
        if _is_refusal(trial.block, record):
            refused.add(trial.contestant)
        yield record


def trials(plan: Plan) -> Iterator[Trial]:
    """The ceiling, which tries the steps; the proofs; the blocks, each in an order drawn from the seed."""
    rivals = [c for c in plan.contestants if not is_ceiling(c)]
    for contestant in plan.contestants:
        if is_ceiling(contestant):
            yield from (Trial(contestant.label, 0, spec) for spec in contestant.specs)
    for contestant in rivals:
        yield Trial(contestant.label, PROOF_BLOCK, _proof(contestant.specs[0]))
    for block in range(plan.blocks):
        entries = [Trial(c.label, block, spec) for c in rivals for spec in c.specs]
        random.Random(f"{plan.seed}/{block}").shuffle(entries)  # noqa: S311 - an order, not a secret
        yield from entries


def _proof(spec: TrialSpec) -> TrialSpec:
    return replace(spec, purpose="same_work", step="null", until="batch")


def _is_refusal(block: int, record: Record) -> bool:
    return block == PROOF_BLOCK and record.status != "ok"


def _finished(plan: Plan, out: Path) -> dict[tuple[str, int, str], Record]:
    """The file's records that need not run again: those that ended `ok`, and refusals that cannot change."""
    if not out.exists():
        return {}
    wanted = {trial.key: trial.spec for trial in trials(plan)}
    kept = {}
    for record in results.read(out):
        key = (record.contestant, record.block, record.spec.step)
        if wanted.get(key) != record.spec:
            raise BadInput(f"{out} holds trials of another run ({_difference(wanted.get(key), record)})")
        if record.status in ("ok", "unsupported"):
            kept[key] = record
    return kept


def _difference(planned: TrialSpec | None, record: Record) -> str:
    if planned is None:
        return f"{record.contestant}, block {record.block}, step {record.spec.step} is not in this one"
    names = [n for n in TrialSpec.__slots__ if getattr(planned, n) != getattr(record.spec, n)]
    return f"{record.contestant} differs in {', '.join(names)}"
