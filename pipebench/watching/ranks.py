"""What the processes of a watched command wrote, put together."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

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


def read(folder: Path) -> list[list[Seen]]:
    """Loaders that were iterated, the one with most time first: each by rank, equal names together."""
    found: dict[tuple[str, int], list[Seen]] = {}
    for path in sorted(folder.glob("*.json")):
        raw = json.loads(path.read_text())
        times: Counter[str] = Counter()
        for loader in raw["loaders"]:
            seen = Seen(rank=raw["rank"], facts=Facts(**loader["facts"]), seconds=tuple(loader["seconds"]))
            found.setdefault((seen.facts.label, times[seen.facts.label]), []).append(seen)
            times[seen.facts.label] += 1
    groups = [sorted(seen, key=lambda one: -1 if one.rank is None else one.rank) for seen in found.values()]
    return sorted(groups, key=lambda group: -sum(_time(one.facts) for one in group))


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
