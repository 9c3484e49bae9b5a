"""Which trials a run is made of, and in which order."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from pipebench.goal import Goal
from pipebench.results import CEILING, LIMITS_BLOCK, PROOF_BLOCK, TrialSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A loader with its settings, interpreter and dataset, under the name that tables show."""

    label: str
    specs: tuple[TrialSpec, ...]
    """One for each step."""

    @property
    def is_ceiling(self) -> bool:
        """Whether this is the resident loader."""
        return self.specs[0].loader == CEILING


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole run."""

    contestants: tuple[Contestant, ...]
    goal: Goal
    seed: int
    trial_timeout: float

    @property
    def rivals(self) -> tuple[Contestant, ...]:
        """All but the ceiling."""
        return tuple(c for c in self.contestants if not c.is_ceiling)

    def __len__(self) -> int:
        """Trials, proofs included, of an undisturbed run that needs no further block."""
        return len(list(opening(self))) + sum(len(block(self, n)) for n in range(self.goal.blocks))


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial of a plan, before it has run."""

    contestant: str
    block: int
    spec: TrialSpec

    @property
    def key(self) -> tuple[str, int, str]:
        """What tells it from every other trial of the plan."""
        return self.contestant, self.block, self.spec.step


def opening(plan: Plan) -> Iterator[Trial]:
    """The host's limit; the ceiling once on each step, which tries the steps too; each rival's proof."""
    for contestant in plan.contestants:
        if contestant.is_ceiling:
            yield _limits(contestant, 0)
            yield from (Trial(contestant.label, 0, replace(spec, cache="warm")) for spec in contestant.specs)
    for contestant in plan.rivals:
        yield Trial(contestant.label, PROOF_BLOCK, _untimed(contestant, "same_work"))


def _untimed(contestant: Contestant, purpose: Literal["limits", "same_work"]) -> TrialSpec:
    spec = contestant.specs[0]
    return replace(spec, purpose=purpose, step="null", until="batch", cache="warm")


def _limits(ceiling: Contestant, number: int) -> Trial:
    """The host's own limit as it is in a block: hosts change their speed."""
    return Trial(ceiling.label, LIMITS_BLOCK - number, _untimed(ceiling, "limits"))


def block(plan: Plan, number: int) -> list[Trial]:
    """Every rival once on each step, in an order drawn from the plan's seed and the block's number.

    Among them the host's limit, which the first block finds measured.
    """
    trials = [Trial(c.label, number, spec) for c in plan.rivals for spec in c.specs]
    trials += [_limits(c, number) for c in plan.contestants if c.is_ceiling and number]
    random.Random(f"{plan.seed}/{number}").shuffle(trials)  # noqa: S311 - an order, not a secret
    return trials
