"""What the processes of a watched command wrote, put together."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, median
from typing import Any, NamedTuple

from pipebench.errors import one_line
from pipebench.machine import cgroup_quota
from pipebench.stats import Comparison, Interval, compare
from pipebench.watching.facts import Facts, verdict
from pipebench.watching.headroom import gains

HELD_UP = 0.05
"""Share of a step by which one rank must wait for data longer than the others to be named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One loader of one process."""

    rank: int | None
    facts: Facts
    seconds: tuple[float | None, ...] = ()
    """Of stretches, see `headroom.Headroom`."""
    replayed: bool = False
    """Whether a batch was handed out again."""
    cpus: frozenset[int] = frozenset()
    """That the process and those that it started may use."""


def read(folder: Path) -> list[list[Seen]]:
    """Loaders that were iterated, the one with most time first: each by rank, equal names together.

    Processes that ran one after another are no ranks of each other: of one rank, or of none, there is one
    in a group. Their core use is that of all ranks which share cores, over what they may use.
    """
    processes = sorted(filter(None, map(_process, folder.glob("*.json"))), key=lambda one: one.begun_ns)
    found: dict[tuple[str, int, int], list[Seen]] = {}
    before: Counter[int | None] = Counter()
    for number, process in enumerate(processes):
        times = Counter[str]()
        turn = -1 - number if process.rank is None else before[process.rank]
        before[process.rank] += 1
        for seen in process.loaders:
            found.setdefault((seen.facts.label, times[seen.facts.label], turn), []).append(seen)
            times[seen.facts.label] += 1
    groups = [sorted(seen, key=lambda one: -1 if one.rank is None else one.rank) for seen in found.values()]
    quota = cgroup_quota()
    groups = [[_beside(one, group, quota) for one in group] for group in groups]
    return sorted(groups, key=lambda group: -sum(_time(one.facts) for one in group))


def errors(folder: Path) -> list[str]:
    """Why watching ended in some process, each reason once."""
    found = {one_line(path.read_text()) for path in folder.glob("*.error")}
    if any(_process(path) is None for path in folder.glob("*.json")):
        found.add("its own pipebench is another version, whose notes can't be read here")
    return sorted(found)


class _Process(NamedTuple):
    rank: int | None
    begun_ns: int
    loaders: list[Seen]


def _process(path: Path) -> _Process | None:
    """None of what another version of pipebench, in the command's own environment, has written otherwise."""
    try:
        raw = json.loads(path.read_text())
        loaders = [_seen(raw, loader) for loader in raw["loaders"]]
        return _Process(raw["rank"], raw["begun_ns"], loaders)
    except (ValueError, KeyError, TypeError):
        return None


def _seen(raw: Mapping[str, Any], loader: Mapping[str, Any]) -> Seen:
    return Seen(
        rank=raw["rank"],
        facts=Facts(**loader["facts"]),
        seconds=tuple(loader["seconds"]),
        replayed=loader["replayed"],
        cpus=frozenset(raw["cpus"]),
    )


def _beside(one: Seen, group: Sequence[Seen], quota: float | None) -> Seen:
    """With the core use of all ranks that share its cores."""
    sharing = [other for other in group if other.cpus & one.cpus]
    busy = [other.facts.core_use * len(other.cpus) for other in sharing if other.facts.core_use is not None]
    cpus = len(frozenset().union(*(other.cpus for other in sharing)))
    allowed = min(cpus, quota or cpus)
    if not allowed or len(busy) < len(sharing):
        return one
    return replace(one, facts=replace(one.facts, core_use=sum(busy) / allowed))


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
    pairs = [[gain for gain in pair if gain is not None] for pair in zip(*by_rank, strict=False)]
    known = [fmean(pair) for pair in pairs if len(pair) == len(group)]
    return compare(known) if known else None


def slowdown(found: Comparison) -> Interval:
    """1 - E/G, where replayed batches make G: the waits, and what the loader's work adds to a step."""
    ratio = found.ratio
    return Interval(*(1 - 1 / faster for faster in (ratio.estimate, ratio.low, ratio.high)))
