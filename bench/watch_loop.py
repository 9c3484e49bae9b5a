"""What `pipebench watch` costs a step, and whether its data wait is the harness's stall.

    python bench/watch_loop.py DATASET [--rates 400 800 1200 2000] [--rounds 5] [--seconds 3]

The cost is that of a loop that does nothing, watched and not, in turns. For the data wait one loader feeds
one emulated step, round after round: in a trial of pipebench's, whose figure is the stall, and in a plain
loop in a process of its own that is watched and sleeps as long as the step takes. Since that loop waits for
each step's end, so does the trial's (depth=0). Differences are in points.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any, NamedTuple

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


class Loop(NamedTuple):
    """What `watch` says of a plain loop."""

    wait: float
    """Share of its time."""
    rate: float
    """Samples per second of its step alone."""


def plain_loop(spec: TrialSpec, rate: float, seconds: float) -> Loop:
    """A training loop that sleeps in the place of its step."""
    loader = prepare(spec).build()
    watched = pipebench.watch(Epochs(loader), tell=False)
    end, samples = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        for batch in watched:
            samples += len(batch.labels)
            time.sleep(len(batch.labels) / rate)
    found = watched.facts()
    loader.close()
    assert found is not None
    assert found.data_wait is not None
    assert found.busy_a_step is not None
    return Loop(found.data_wait, samples / found.steps / found.busy_a_step)


def spec_of(data: str, rate: float, seconds: float) -> TrialSpec:
    request = Request(data=(data,), loaders=(LOADER,), steps=(f"emulate:{rate},depth=0",), seconds=seconds)
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
        print(json.dumps(plain_loop(spec_of(args.data, args.plain, args.seconds), args.plain, args.seconds)))
        return
    costs = sorted(cost_ns() for _ in range(args.rounds))
    print(f"cost of a watched step: {median(costs):.0f} ns ({costs[0]:.0f} to {costs[-1]:.0f})")
    for rate in args.rates:
        rows = [compare(args.data, rate, args.seconds, number) for number in range(args.rounds)]
        print(f"{rate:6.0f}/s: {_told(rows)}")


def _told(rows: Sequence[tuple[Loop, float]]) -> str:
    loops, stalls = zip(*rows, strict=True)
    off = sorted((loop.wait - stall) * 100 for loop, stall in rows)
    return (
        f"step of {median(loop.rate for loop in loops):.0f}/s, stall {median(stalls):.1%}, "
        f"data wait {median(loop.wait for loop in loops):.1%}, "
        f"{median(off):+.1f} points ({off[0]:+.1f} to {off[-1]:+.1f})"
    )


def compare(data: str, rate: float, seconds: float, number: int) -> tuple[Loop, float]:
    """The plain loop, and the stall in a trial."""
    command = [sys.executable, __file__, data, "--plain", str(rate), "--seconds", str(seconds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    loop = Loop(*json.loads(done.stdout.splitlines()[-1]))
    return loop, stall(spec_of(data, rate, seconds), number)


if __name__ == "__main__":
    main()
