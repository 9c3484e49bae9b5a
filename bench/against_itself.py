"""Does pipebench find a difference where there is one, and none where there is none? For real, on this host.

    python bench/against_itself.py FOLDER [--comparisons 20] [--seconds 2.5] [--precision 2%] [--out DIR]

Compares a loader with itself, which should not differ, and with itself slowed by 5 % by burnt CPU, which
should, that many times each. Every comparison is a run of its own with planned looks, so all of it takes
an hour or so on a quiet host: let it run at night. Results are kept in DIR, and what is finished is not run
again. The loader reads and decodes in its own process and is cut there, which needs no framework and so
starts in a third of a second.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count, product
from pathlib import Path
from typing import ClassVar

import numpy as np

from pipebench.compare import Standing, standings
from pipebench.contract import Batch, Placement, Settings, Stage, Workload
from pipebench.goal import Goal
from pipebench.isolation import run_trial
from pipebench.kinds import kind
from pipebench.machine import usable_cpus
from pipebench.measure import SystemClock
from pipebench.options import parse_share
from pipebench.results import TrialSpec, append, read
from pipebench.schedule import Contestant, Plan, block

SLOWDOWN = 0.05


@dataclass(frozen=True)
class TwinSettings(Settings):
    """Tells equal contestants apart."""

    slowdown: float = 0.0
    """Share of the rate that burnt CPU takes away."""


class Twin:
    """Reads and decodes a folder's samples in order, and burns CPU in proportion to what that took."""

    formats: ClassVar = frozenset({"folder"})
    libraries: ClassVar = ("simplejpeg",)
    fused: ClassVar[tuple[tuple[Stage, ...], ...]] = ()
    settings: ClassVar = TwinSettings

    def __init__(
        self,
        workload: Workload,
        placement: Placement,  # noqa: ARG002 - one process on any
        *,
        until: Stage,  # noqa: ARG002 - always cut after decoding
        settings: TwinSettings,
    ) -> None:
        self._workload, self._kind = workload, kind(workload.dataset.kind)
        self._extra = settings.slowdown / (1 - settings.slowdown)

    def epoch(self, number: int) -> Iterator[Batch]:  # noqa: ARG002 - every epoch is alike
        samples, size = self._workload.dataset.samples, self._workload.batch_size
        for start in range(0, samples, size):
            ids = np.arange(start, min(start + size, samples))
            began_ns = time.thread_time_ns()
            for sample in ids.tolist():
                self._kind.decode(self._workload.dataset.payload(sample))
            if self._extra:
                SystemClock().burn_ns(int((time.thread_time_ns() - began_ns) * self._extra))
            yield Batch(None, None, ids)

    def close(self) -> None:
        pass


def plan_of(args: argparse.Namespace, slowdown: float, seed: int) -> Plan:
    """Two twins on one core, the second slowed."""
    spec = TrialSpec(
        purpose="measure",
        loader="against_itself:Twin",
        options={},
        python=sys.executable,
        data=args.folder,
        batch_size=32,
        preprocessing={},
        shuffle=False,
        drop_last=False,
        seed=0,
        cpus=usable_cpus()[:1],
        device="cpu",
        step="null",
        until="decode",
        seconds=args.seconds,
        cache="warm",
    )
    twins = [
        Contestant(label=label, specs=(replace(spec, options={"slowdown": str(share)}),))
        for label, share in (("a", 0.0), ("b", slowdown))
    ]
    goal = Goal(blocks=10, precision=parse_share(args.precision, "--precision"))
    return Plan(contestants=tuple(twins), goal=goal, seed=seed, trial_timeout=60)


def compare_once(plan: Plan, out: Path) -> Standing:
    """Blocks until the goal is reached; what the file holds is not run again."""
    records = read(out) if out.exists() else []
    done = {(record.contestant, record.block) for record in records}
    for number in count():
        if plan.goal.reached(records, number, 0):
            return standings(records, "null", baseline="a")[0]
        for trial in block(plan, number):
            if (trial.contestant, number) not in done:
                record = run_trial(trial.spec, 60, run="twins", contestant=trial.contestant, block=number)
                append(out, record)
                records.append(record)
    raise AssertionError("unreachable: blocks have no end")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--comparisons", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=2.5)
    parser.add_argument("--precision", default="2%")
    parser.add_argument("--out", type=Path, default=Path(".pipebench/against_itself"))
    args = parser.parse_args()
    args.folder, args.out = str(Path(args.folder).resolve()), args.out.resolve()
    args.out.mkdir(parents=True, exist_ok=True)
    os.chdir(Path(__file__).parent)  # where trials find this module
    for number, slowdown in product(range(args.comparisons), (0.0, SLOWDOWN)):
        out = args.out / f"slowed-{slowdown:g}-{number:02d}.jsonl"
        found = compare_once(plan_of(args, slowdown, number), out)
        ratio = found.comparison.ratio
        print(
            f"{number:2} slowed by {slowdown:.0%}: {found.comparison.outcome}, "
            f"{ratio.estimate:.4f} [{ratio.low:.4f}, {ratio.high:.4f}], "
            f"{found.comparison.blocks} blocks, {found.marked} marked",
            flush=True,
        )


if __name__ == "__main__":
    main()
