"""The intervention: what is named is relieved, and the pipeline must get faster by what was predicted."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from typing import NamedTuple

from pipebench.diagnosis.cheap import cheap_decoding
from pipebench.diagnosis.evidence import Evidence, Named, Narrow
from pipebench.diagnosis.phases import Bench, Phase
from pipebench.diagnosis.relief import Relief, relief, runner_up
from pipebench.diagnosis.seen import PRIOR_CV, disturbance, rate_in, rate_of
from pipebench.diagnosis.session import Session
from pipebench.figures import Figures, figures
from pipebench.results import Record
from pipebench.stats import Interval

LEAST_BLOCKS, BLOCKS = 3, 6
SECONDS = 2.0
AT_LEAST = 0.5
"""Of the predicted gain."""
WORTH = 1.05
"""Predicted rates below this are too little to be confirmed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What an intervention changed."""

    what: str
    predicted: float
    """Rate, over that without it."""
    gain: Interval | None
    """None where too few blocks were run."""
    other: str = ""
    other_gain: Interval | None = None
    """What relieving the runner-up changed."""

    @property
    def confirmed(self) -> bool:
        """By half of the prediction at least, for certain, and by more than relieving the runner-up."""
        if self.gain is None or self.predicted < WORTH or self.gain.low <= 1:
            return False
        enough = log(self.gain.estimate) >= AT_LEAST * log(self.predicted)
        return enough and (self.other_gain is None or self.gain.low > self.other_gain.estimate)


def confirm(
    session: Session, bench: Bench, evidence: Evidence, named: Named, share: float
) -> Confirmation | None:
    """Runs blocks of end to end, relieved, and the runner-up relieved; None where nothing can be relieved."""
    first = _relief(session, bench, evidence, named)
    if first is None or first.predicted < WORTH:
        return None
    second = runner_up(bench, evidence, named)
    blocks = 0
    while blocks < BLOCKS and session.allows(share):
        if not _block(session, bench, first, second, _FIRST_BLOCK + blocks):
            break
        blocks += 1
    other = _gain(session, bench, Phase.RELIEVED_OTHER)
    return Confirmation(
        what=first.what,
        predicted=first.predicted,
        gain=_gain(session, bench, Phase.RELIEVED),
        other=second.what if second and other else "",
        other_gain=other,
    )


def _relief(session: Session, bench: Bench, evidence: Evidence, named: Named) -> Relief | None:
    if named.verdict in (Narrow.DECODE, Narrow.DECODE_TRANSFORM):
        return cheap_decoding(session, bench, evidence)
    return relief(bench, evidence, named)


_FIRST_BLOCK = 100
"""So that they are told from the blocks of phases."""


def _block(session: Session, bench: Bench, first: Relief, second: Relief | None, number: int) -> bool:
    """One round in random order; False where a trial failed or time ran out."""
    round_ = [(bench.whole, bench.spec), (Phase.RELIEVED, first.spec)]
    if second is not None:
        round_.append((Phase.RELIEVED_OTHER, second.spec))
    random.Random(f"{bench.spec.seed}/{number}").shuffle(round_)  # noqa: S311 - an order, not a secret
    for phase, spec in round_:
        if not session.allows():
            return False
        if session.attempt(phase, replace(spec, seconds=SECONDS), number).status != "ok":
            return False
    return True


def _gain(session: Session, bench: Bench, phase: Phase) -> Interval | None:
    whole = bench.meets_storage
    found = paired(session.of(phase), session.of(bench.whole), least=LEAST_BLOCKS, boundaries=whole)
    return None if found is None else found.ratio


class Gain(NamedTuple):
    """Rates over those without a change, within blocks."""

    ratio: Interval
    blocks: int


def paired(
    ours: Sequence[Record], theirs: Sequence[Record], *, least: int, boundaries: bool = False
) -> Gain | None:
    """The ratio of rates over the blocks that hold both; None below `least` of them.

    `boundaries` as for `see`.
    """
    mine, others = _figures(ours), _figures(theirs)
    blocks = sorted(mine.keys() & others.keys())
    if len(blocks) < least or not blocks:
        return None
    ratios = [rate_in(mine[block], boundaries) / rate_in(others[block], boundaries) for block in blocks]
    both = [one for block in blocks for one in (mine[block], others[block])]
    spread = PRIOR_CV + disturbance(both, len(ours[0].spec.cpus))
    return Gain(rate_of(ratios, spread), len(blocks))


def _figures(records: Sequence[Record]) -> Mapping[int, Figures]:
    return {record.block: f for record in records if (f := figures(record))}
