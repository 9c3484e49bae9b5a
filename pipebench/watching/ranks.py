"""What the processes of a watched command wrote, put together."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

from pipebench.stats import Comparison, compare
from pipebench.watching.facts import Facts, verdict
from pipebench.watching.headroom import gains

HELD_UP = 0.05
"""Share of a step by which one rank must wait for data longer than the others to be named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One loader of one process."""

    rank: int | None
    facts: Facts
    seconds: tuple[float, ...]
    """Of stretches, see `headroom.Headroom`."""
    replayed: bool = False
    """Whether a batch was handed out again."""


def read(folder: Path) -> list[list[Seen]]:
    """Loaders that were iterated, the one with most time first: each by rank, equal names together.

    Processes that ran one after another are no ranks of each other: of one rank, or of none, there is one
    in a group.
    """
    processes = sorted(
        (json.loads(path.read_text()) for path in folder.glob("*.json")), key=lambda raw: raw["begun_ns"]
    )
    found: dict[tuple[str, int, int], list[Seen]] = {}
    before: Counter[int | None] = Counter()
    for number, raw in enumerate(processes):
        rank, times = raw["rank"], Counter[str]()
        turn = -1 - number if rank is None else before[rank]
        before[rank] += 1
        for loader in raw["loaders"]:
            seen = _seen(rank, loader)
            found.setdefault((seen.facts.label, times[seen.facts.label], turn), []).append(seen)
            times[seen.facts.label] += 1
    groups = [sorted(seen, key=lambda one: -1 if one.rank is None else one.rank) for seen in found.values()]
    return sorted(groups, key=lambda group: -sum(_time(one.facts) for one in group))


def _seen(rank: int | None, raw: Mapping[str, Any]) -> Seen:
    return Seen(
        rank=rank,
        facts=Facts(**raw["facts"]),
        seconds=tuple(raw["seconds"]),
        replayed=raw["replayed"],
    )


def _time(found: Facts) -> float:
    return found.steps / found.steps_per_second if found.steps_per_second else 0.0


def sentences(group: Sequence[Seen]) -> list[str]:
    """What is known of one loader, from all ranks."""
    slowest = max(group, key=lambda one: one.facts.wait_a_step)
    said = verdict(slowest.facts)
    if len(group) == 1:
        return [said]
    held = _is_waited_for(group)
    others = "The other ranks wait for it." if held else "No rank is waited for more than the others."
    return [f"Rank {slowest.rank} waits longest for data. {said}", others]


def _is_waited_for(group: Sequence[Seen]) -> bool:
    """Whether the steps of the other ranks are longer by what the slowest waits longer for data."""
    slowest = max(group, key=lambda one: one.facts.wait_a_step)
    others = [one.facts for one in group if one is not slowest]
    period = slowest.facts.wait_a_step + (slowest.facts.busy_a_step or 0)
    waits_longer = slowest.facts.wait_a_step - median(one.wait_a_step for one in others)
    steps_shorter = median(one.busy_a_step or 0 for one in others) - (slowest.facts.busy_a_step or 0)
    return min(waits_longer, steps_shorter) > HELD_UP * period


def headroom(group: Sequence[Seen]) -> Comparison | None:
    """How much faster replayed stretches were than real ones: over all ranks, which switched together."""
    by_rank = [gains(list(one.seconds)) for one in group]
    pairs = min(map(len, by_rank))
    if pairs == 0:
        return None
    return compare([fmean(rank[place] for rank in by_rank) for place in range(pairs)])
