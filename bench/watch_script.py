"""Whether `pipebench watch` and `pipebench diagnose` say the same of a plain PyTorch script.

    python bench/watch_script.py FOLDER [--rates 300 600 1200] [--rounds 5] [--seconds 6]

FOLDER holds a folder of images a class. Round after round the script `plain_training.py` runs under
`pipebench watch`, unedited, and its loader under `pipebench diagnose` with an emulated step of the
same rate, which the loop waits for as the script does (depth=0). Differences are in points.
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
PIPEBENCH = [sys.executable, "-m", "pipebench"]


class Round(NamedTuple):
    """Shares of the time."""

    watched: float
    """The data wait that `watch` tells."""
    data_wait: float
    stall: float
    """Those of the diagnosis."""


def watched(folder: str, rate: float, seconds: float) -> float:
    script = [sys.executable, str(HERE / "plain_training.py"), folder, str(rate), str(seconds)]
    (loader,) = _json(["watch", "--json"], ["--", *script])["loaders"]
    (rank,) = loader["ranks"]
    return float(rank["data_wait"])


def diagnosed(folder: str, rate: float) -> tuple[float, float]:
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
    return found["data_wait"], found["stall"]


def _json(options: Sequence[str], command: Sequence[str]) -> Any:
    with tempfile.TemporaryDirectory() as place:
        out = Path(place, "waits.json")
        subprocess.run([*PIPEBENCH, *options, "--out", str(out), *command], check=True)
        return json.loads(out.read_text())


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
            Round(watched(args.folder, rate, args.seconds), *diagnosed(args.folder, rate))
            for _ in range(args.rounds)
        ]
        print(f"{rate:6.0f}/s: {_told(rounds)}", flush=True)


def _told(rounds: Sequence[Round]) -> str:
    watch, wait, stall = (median(column) for column in zip(*rounds, strict=True))
    by_wait = _off([one.watched - one.data_wait for one in rounds])
    by_stall = _off([one.watched - one.stall for one in rounds])
    return f"watch {watch:.1%}; diagnose: data wait {wait:.1%} ({by_wait}), stall {stall:.1%} ({by_stall})"


def _off(differences: Sequence[float]) -> str:
    points = sorted(100 * one for one in differences)
    return f"{median(points):+.1f} points, {points[0]:+.1f} to {points[-1]:+.1f}"


if __name__ == "__main__":
    main()
