"""Loaders that take no time: trials whose traces are computed from a loader's pace and its buffer."""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipebench.contract import Batch
from pipebench.measure import Look, Trace
from pipebench.results import Record, TrialSpec
from pipebench.step import EmulatedStep, parse_step

MS = 1_000_000
LOOK_NS = 250 * MS


@dataclass(frozen=True, kw_only=True)
class SimulatedLoader:
    """Epochs of so many batches; each takes its gap, the first of an epoch also the boundary."""

    gaps_ms: Sequence[float]
    """Of an epoch's batches, before noise."""
    boundary_ms: float = 0.0
    size: int = 10
    buffer: int = 4
    """Batches that it prepares unasked."""
    noise: float = 0.0
    """Of each gap, relative."""
    cores: int = 2
    """Busy while a batch is made, for the shortest gap: longer ones are pauses."""

    def trace(self, step: str, seconds: float, seed: int) -> Trace:
        """What the timed loop would see, from the first batch on for so long."""
        random = np.random.default_rng(seed)
        count = len(self.gaps_ms)
        spec = parse_step(step)
        device = EmulatedStep(spec, lambda _: None) if spec.kind == "emulate" else None
        asked_ns, got_ns, starts, cpu_ns = array("q"), array("q"), [], [0]
        made = asked = 0
        while not got_ns or got_ns[-1] - got_ns[0] < seconds * 1e9:
            number = len(got_ns)
            begun = max(made, got_ns[number - self.buffer] if number >= self.buffer else 0)
            speed = max(0.05, random.normal(1, self.noise))
            gap = self.gaps_ms[number % count] * speed
            cpu_ns.append(cpu_ns[-1] + int(self.cores * min(self.gaps_ms) * speed * MS))
            if number % count == 0:
                starts.append(number)
                begun, gap = max(begun, asked), gap + self.boundary_ms
            made = begun + int(gap * MS)
            asked_ns.append(asked)
            got_ns.append(max(made, asked))
            pause = device(Batch(None, None, np.arange(self.size)), got_ns[-1]) if device else 0
            asked = got_ns[-1] + pause
        return Trace(asked_ns, got_ns, array("q", [self.size] * len(got_ns)), starts, _looks(got_ns, cpu_ns))


def _looks(got_ns: Sequence[int], cpu_ns: Sequence[int]) -> list[Look]:
    every = range(0, len(got_ns), max(1, len(got_ns) // 40))
    return [
        Look(number + 1, got_ns[number], cpu_ns[number + 1], cpu_ns[number + 1] * 51 // 50)
        for number in every
    ]


def executor(
    make_record: Callable[..., Record], loaders: dict[str, SimulatedLoader], calls: list[Any] | None = None
) -> Callable[..., Record]:
    """Runs any trial at once; fewer cores than two make a loader slower by as much."""

    def execute(spec: TrialSpec, timeout: float, **identity: Any) -> Record:
        if calls is not None:
            calls.append((identity["contestant"], identity["block"], spec.step))
        record = make_record(**identity, spec=spec)
        loader = loaders.get(spec.loader, SimulatedLoader(gaps_ms=[0.01] * 100))
        if len(spec.cpus) < 2:
            loader = replace(loader, gaps_ms=[2 * gap for gap in loader.gaps_ms], cores=1)
        if identity["block"] < 0:
            return record
        seed = sum(f"{identity}{spec.step}".encode())
        return replace(record, trace=loader.trace(spec.step, spec.seconds, seed))

    return execute
