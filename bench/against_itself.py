"""Does pipebench find a difference where there is one, and none where there is none? For real, on this host.

    python bench/against_itself.py DATA [--comparisons 20] [--seconds 3] [--precision 2%] [--out DIR]

Compares a loader with itself, which should not differ, and with itself slowed by 5 % by burnt CPU, which
should, that many times each. Every comparison is a run of its own with planned looks, and all of it takes
an hour or more: let it run at night. Results are kept in DIR, and what is finished is not run again.
"""

import argparse
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from pipebench import registry, results
from pipebench.compare import Standing, standings
from pipebench.contract import Batch, Placement, Settings, Stage, Workload
from pipebench.measure import SystemClock
from pipebench.options import parse_share
from pipebench.plan import Request, make_plan
from pipebench.resources import tree_cpu_ns
from pipebench.runner import run

BASE = "torch_dataloader"
SLOWDOWN = 0.05


@dataclass(frozen=True)
class TwinSettings(Settings):
    """Tells two equal contestants apart."""

    name: str = "a"
    slowdown: float = 0.0
    """Share of the rate that burnt CPU takes away, where the cores are busy."""

    @classmethod
    def tuned(cls, placement: Placement) -> Self:  # noqa: ARG003 - the same anywhere
        return cls()


class Twin:
    """The base loader, which may burn CPU in proportion to what it used."""

    formats: ClassVar = frozenset({"folder"})
    libraries: ClassVar = ("torch",)
    fused: ClassVar[tuple[tuple[Stage, ...], ...]] = ()
    settings: ClassVar = TwinSettings

    def __init__(
        self, workload: Workload, placement: Placement, *, until: Stage, settings: TwinSettings
    ) -> None:
        factory = registry.loader(BASE)
        tuned = factory.settings.tuned(placement)
        self._loader = factory(workload, placement, until=until, settings=tuned)
        self._extra = settings.slowdown / (1 - settings.slowdown)

    def epoch(self, number: int) -> Iterator[Batch]:
        before_ns = tree_cpu_ns()
        for batch in self._loader.epoch(number):
            yield batch
            if self._extra:
                SystemClock().burn_ns(int((tree_cpu_ns() - before_ns) * self._extra))
                before_ns = tree_cpu_ns()

    def close(self) -> None:
        self._loader.close()


def compare_once(args: argparse.Namespace, slowdown: float, number: int) -> Standing:
    """One run of two twins; the second is slowed by `slowdown`."""
    twins = ("against_itself:Twin:name=a", f"against_itself:Twin:name=b,slowdown={slowdown}")
    request = Request(
        data=(args.data,),
        loaders=twins,
        trials=10,
        precision=parse_share(args.precision, "--precision"),
        seconds=args.seconds,
        seed=number,
    )
    out = args.out / f"slowed-{slowdown:g}-{number:02d}.jsonl"
    records: list[results.Record] = list(run(make_plan(request), out))
    return standings(records, "null", baseline=twins[0])[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--comparisons", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--precision", default="2%")
    parser.add_argument("--out", type=Path, default=Path(".pipebench/against_itself"))
    args = parser.parse_args()
    args.data, args.out = str(Path(args.data).resolve()), args.out.resolve()
    args.out.mkdir(parents=True, exist_ok=True)
    os.chdir(Path(__file__).parent)  # where trials find this module
    for number in range(args.comparisons):
        for slowdown in (0.0, SLOWDOWN):
            began = time.monotonic()
            found = compare_once(args, slowdown, number)
            ratio, minutes = found.comparison.ratio, (time.monotonic() - began) / 60
            print(
                f"{number:2} slowed by {slowdown:.0%}: {found.comparison.outcome}, "
                f"{ratio.estimate:.4f} [{ratio.low:.4f}, {ratio.high:.4f}], "
                f"{found.comparison.blocks} blocks, {found.marked} marked, {minutes:.1f} min",
                flush=True,
            )


if __name__ == "__main__":
    main()
