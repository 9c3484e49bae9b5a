"""Whether `pipebench watch` and `pipebench diagnose` say the same of a plain PyTorch script.

    python bench/watch_script.py FOLDER [--rates 300 600 1200] [--rounds 5] [--seconds 6]

FOLDER holds a folder of images a class. Round after round the script `plain_training.py` runs, unedited,
under `pipebench watch` and under `pipebench watch --headroom`, and its loader under `pipebench diagnose`
with an emulated step of the same rate, which the loop waits for as the script does (depth=0). The data
wait of the first is held against the diagnosis's, the slowdown of the second against its stall, which is
the slowdown of an emulated step: both hold what a late wake-up on full cores takes, and the data wait
does not. Differences are in points.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

HERE = Path(__file__).parent
FOLDER = "PLAIN_TRAINING_FOLDER"
"""What tells the loader of `plain_training.py` where its images are."""
SECONDS = "45s"
"""Of one diagnosis, at most."""
HEADROOM_SECONDS = 40.0
"""Of the script: some stretches of either kind."""
PIPEBENCH = [sys.executable, "-m", "pipebench"]


class Shares(NamedTuple):
    """Of the time."""

    data_wait: float
    stall: float


def watched(folder: str, rate: float, seconds: float) -> Shares:
    (rank,) = _loader([], folder, rate, seconds)["ranks"]
    headroom = _loader(["--headroom"], folder, rate, HEADROOM_SECONDS)
    return Shares(rank["data_wait"], headroom["slowdown"]["estimate"])


def _loader(options: Sequence[str], folder: str, rate: float, seconds: float) -> Any:
    """What `watch` tells of the script's only one."""
    script = [sys.executable, str(HERE / "plain_training.py"), folder, str(rate), str(seconds)]
    with tempfile.TemporaryDirectory() as place:
        out = Path(place, "waits.json")
        told = ["--json", "--out", str(out), *options]
        subprocess.run([*PIPEBENCH, "watch", *told, "--", *script], check=True)
        (loader,) = json.loads(out.read_text())["loaders"]
    return loader


def diagnosed(folder: str, rate: float) -> Shares:
    options = [
        "--loader",
        "plain_training:make_loader",
        "--step",
        f"emulate:{rate},depth=0",
        "--max-time",
        SECONDS,
    ]
    done = subprocess.run(
        [*PIPEBENCH, "diagnose", *options, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
        cwd=HERE,
        env=os.environ | {FOLDER: folder},
    )
    found = json.loads(done.stdout)
    return Shares(found["data_wait"], found["stall"])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=lambda path: str(Path(path).resolve()))
    parser.add_argument("--rates", type=float, nargs="+", default=[300, 600, 1200])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6)
    args = parser.parse_args()
    for rate in args.rates:
        rounds = [
            (watched(args.folder, rate, args.seconds), diagnosed(args.folder, rate))
            for _ in range(args.rounds)
        ]
        for share in Shares._fields:
            print(f"{rate:6.0f}/s: {share:9} {_told(rounds, share)}", flush=True)


def _told(rounds: Sequence[tuple[Shares, Shares]], share: str) -> str:
    pairs = [(getattr(watch, share), getattr(diagnosis, share)) for watch, diagnosis in rounds]
    watch, diagnosis = (median(column) for column in zip(*pairs, strict=True))
    points = sorted(100 * (one - other) for one, other in pairs)
    off = f"{median(points):+.1f} points, {points[0]:+.1f} to {points[-1]:+.1f}"
    return f"watch {watch:.1%}, diagnose {diagnosis:.1%} ({off})"


if __name__ == "__main__":
    main()
