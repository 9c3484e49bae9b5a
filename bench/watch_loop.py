"""What `pipebench watch` costs a step, and whether its data wait is the harness's stall.

    python bench/watch_loop.py DATASET [--rates 400 800 1200 2000] [--rounds 5] [--seconds 3]

The cost is that of a loop that does nothing, watched and not, in turns. For the data wait one loader feeds
one emulated step, round after round: in a trial of pipebench's, whose figure is the stall, and in a plain
loop in a process of its own that is watched and sleeps as long as the step takes. Differences are in points.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

import pipebench
from pipebench.contract import Loader
from pipebench.figures import figures
from pipebench.isolation import run_trial
from pipebench.plan import Request, make_plan
from pipebench.results import TrialSpec
from pipebench.trial import prepare

STEPS = 1_000_000
LOADER = "torch_dataloader"


def cost_ns() -> float:
    """Of one step, in nanoseconds."""
    times = []
    for batches in (pipebench.watch(range(STEPS), tell=False), range(STEPS)):
        begin = time.perf_counter()
        for _ in batches:
            pass
        times.append(time.perf_counter() - begin)
    return (times[0] - times[1]) / STEPS * 1e9


class Epochs:
    """A loader as a plain iterable, one epoch after the other."""

    def __init__(self, loader: Loader) -> None:
        self._loader, self._number = loader, -1

    def __iter__(self) -> Iterator[Any]:
        self._number += 1
        return self._loader.epoch(self._number)


def plain_loop(spec: TrialSpec, rate: float, seconds: float) -> float:
    """The data wait of a training loop that sleeps in the place of its step."""
    loader = prepare(spec).build()
    watched = pipebench.watch(Epochs(loader), tell=False)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for batch in watched:
            time.sleep(len(batch.labels) / rate)
    found = watched.facts()
    loader.close()
    assert found is not None
    assert found.data_wait is not None
    return found.data_wait


def spec_of(data: str, rate: float, seconds: float) -> TrialSpec:
    request = Request(data=(data,), loaders=(LOADER,), steps=(f"emulate:{rate}",), seconds=seconds)
    return make_plan(request).rivals[0].specs[0]


def stall(spec: TrialSpec, number: int) -> float:
    record = run_trial(spec, 120, run="bench", contestant=LOADER, block=number)
    found = figures(record)
    assert found is not None, record.reason
    assert found.stall is not None
    return found.stall


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data")
    parser.add_argument("--rates", type=float, nargs="+", default=[400, 800, 1200, 2000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--plain", type=float, metavar="RATE", help="only that loop; prints its data wait")
    args = parser.parse_args()
    if args.plain:
        print(plain_loop(spec_of(args.data, args.plain, args.seconds), args.plain, args.seconds))
        return
    costs = sorted(cost_ns() for _ in range(args.rounds))
    print(f"cost of a watched step: {median(costs):.0f} ns ({costs[0]:.0f} to {costs[-1]:.0f})")
    for rate in args.rates:
        rows = [compare(args.data, rate, args.seconds, number) for number in range(args.rounds)]
        told, waited = median(a for a, _ in rows), median(b for _, b in rows)
        print(f"{rate:6.0f}/s: stall {told:.1%}, data wait {waited:.1%}, {(waited - told) * 100:+.1f} points")


def compare(data: str, rate: float, seconds: float, number: int) -> tuple[float, float]:
    """The stall in a trial, and the data wait of the plain loop."""
    command = [sys.executable, __file__, data, "--plain", str(rate), "--seconds", str(seconds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return stall(spec_of(data, rate, seconds), number), float(done.stdout.split()[-1])


if __name__ == "__main__":
    main()
