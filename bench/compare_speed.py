"""How long `pipebench compare` takes over many trials, as a user waits for it: the whole process.

    python bench/compare_speed.py [--trials 10000] [--batches 66] [--rounds 5] [--shape 10x1000]...

Makes results files of so many trials in several shapes (contestants x blocks; `two` is two runs in two
files), as `pipebench run` writes them: 66 batches are 3 s of 64 samples at 1400 samples/s. In each round
every shape is compared once, in random order; beside it `json.loads` over the same lines, which is what no
reader of such a file in Python can do without. Prints the median and the range in seconds.
"""

import argparse
import random
import subprocess
import sys
import time
from array import array
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from pipebench.machine import describe
from pipebench.measure import LOOKS_A_SECOND, Look, Trace
from pipebench.results import PROOF_BLOCK, Record, TrialSpec, to_line

RATE = 1400.0
BATCH = 64
SPREAD = 0.02
"""Of a trial's speed, and of a batch's gap ten times as much."""
READ_ONLY = "import json, sys\nfor path in sys.argv[1:]:\n    for line in open(path, 'rb'): json.loads(line)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--batches", type=int, default=66)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--shape", action="append", help="such as 10x1000, or two")
    args = parser.parse_args()
    shapes = args.shape or [f"{n}x{args.trials // n}" for n in (2, 10, 100)] + ["two"]
    with TemporaryDirectory(prefix="compare-speed-") as folder:
        files = {shape: make(Path(folder), shape, args.trials, args.batches) for shape in shapes}
        times = measure(files, args.rounds)
        for (shape, what), seconds in sorted(times.items()):
            megabytes = sum(path.stat().st_size for path in files[shape]) / 1e6
            spread = f"{min(seconds):.2f} to {max(seconds):.2f}"
            print(f"{shape:>10} {megabytes:5.0f} MB  {what:<10} {median(seconds):5.2f} s  ({spread})")


def measure(files: dict[str, list[Path]], rounds: int) -> dict[tuple[str, str], list[float]]:
    """Seconds by shape and by what was run."""
    commands = {
        "compare": [sys.executable, "-m", "pipebench", "compare"],
        "json.loads": [sys.executable, "-c", READ_ONLY],
    }
    turns = [(shape, what) for shape in files for what in commands]
    times: dict[tuple[str, str], list[float]] = {turn: [] for turn in turns}
    for _ in range(rounds):
        for shape, what in random.sample(turns, len(turns)):
            begin = time.perf_counter()
            subprocess.run([*commands[what], *map(str, files[shape])], check=True, stdout=subprocess.DEVNULL)
            times[shape, what].append(time.perf_counter() - begin)
    return times


def make(folder: Path, shape: str, trials: int, batches: int) -> list[Path]:
    """The files of a shape."""
    if shape == "two":
        return [write(folder / f"two-{run}.jsonl", run, 10, trials // 20, batches) for run in ("r1", "r2")]
    contestants, blocks = map(int, shape.split("x"))
    return [write(folder / f"{shape}.jsonl", "r", contestants, blocks, batches)]


def write(path: Path, run: str, contestants: int, blocks: int, batches: int) -> Path:
    draw = random.Random(f"{run} {contestants}")
    machine = {name: getattr(describe(), name) for name in type(describe()).__slots__}
    names = [f"dali:prefetch={number}" for number in range(contestants)]
    with path.open("w") as file:
        for name in names:
            file.write(to_line(replace(trial(run, name, PROOF_BLOCK, machine), same_work={"samples": 2000})))
            file.write("\n")
        for block in range(blocks):
            for number, name in enumerate(names):
                rate = RATE * (1 - 0.3 * number / contestants) * draw.gauss(1, SPREAD)
                record = measured(trial(run, name, block, machine), rate, batches, draw)
                file.write(to_line(record) + "\n")
    return path


def trial(run: str, contestant: str, block: int, machine: dict[str, object]) -> Record:
    spec = TrialSpec(
        purpose="measure" if block >= 0 else "same_work",
        loader="dali",
        options={"prefetch": contestant.rpartition("=")[2]},
        python=sys.executable,
        data="/data/photographs/train",
        batch_size=BATCH,
        preprocessing={},
        shuffle=True,
        drop_last=False,
        seed=0,
        cpus=[0, 1],
        device="cpu",
        step="null",
        until="batch",
        seconds=3.0,
        cache="warm",
    )
    return Record(
        run=run,
        contestant=contestant,
        block=block,
        spec=spec,
        status="ok",
        started="2026-01-01T00:00:00+00:00",
        content_id="0123456789abcdef" * 2,
        format="folder",
        settings={"threads": 2, "prefetch": spec.options["prefetch"], "decoder": "turbo", "fancy": True},
        versions={"pipebench": "0.1.0", "numpy": "2.3.5", "torch": "2.9.1", "nvidia-dali-cuda130": "2.4.0"},
        machine=machine,
    )


def measured(record: Record, rate: float, batches: int, draw: random.Random) -> Record:
    gap_ns = BATCH / rate * 1e9
    gaps = [int(gap_ns * max(0.01, draw.gauss(1, 10 * SPREAD))) for _ in range(batches - 1)]
    got = [*accumulate(gaps, initial=10**15 + 3 * 10**9)]
    asked = [got[0] - 10**9, *(at + 600 for at in got[:-1])]
    every = max(1, int(1e9 / LOOKS_A_SECOND / gap_ns))
    looks = [Look(i + 1, got[i], 19 * (got[i] - got[0]) // 10, 2 * (got[i] - got[0])) for i in range(batches)]
    used = {"user_ns": 10**9, "system_ns": 10**8, "switches": 900, "read_bytes": 10**6, "open_files": 40}
    used |= {"shared_memory_bytes": 10**8, "processes": 3, "memory_bytes": 10**9}
    later = {name: 2 * count for name, count in used.items()}
    return replace(
        record,
        times_ns=dict(zip(("spawned", "imported", "step_ready", "loader_ready"), range(4), strict=True)),
        trace=Trace(array("q", asked), array("q", got), array("q", [BATCH] * batches), [0], looks[::every]),
        resources={"first": used, "last": later, "memory_bytes": [10**9] * 4},
        cache={"asked": "warm", "transport": "block", "filesystem": "ext4", "resident": None}
        | {"bytes_read": 4096, "payload_bytes": BATCH * batches * 110_000},
    )


if __name__ == "__main__":
    main()
