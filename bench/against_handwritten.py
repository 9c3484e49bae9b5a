"""The tuned loaders against pipelines written by hand, interleaved on this host.

    python bench/against_handwritten.py FOLDER WDS PARQUET [--blocks 10] [--all]

FOLDER, WDS and PARQUET are datasets of the same samples. Each block runs every contestant once, in random
order and in a process of its own; ratios are paired by block.
"""

import argparse
import random
import subprocess
import sys
from math import log
from pathlib import Path
from statistics import median

from pipebench.figures import figures
from pipebench.isolation import run_trial
from pipebench.plan import Request, make_plan
from pipebench.results import TrialSpec
from pipebench.stats import compare

BY_HAND = Path(__file__).with_name("handwritten.py")
PAIRS = {"region": "torch_dataloader", "wds_region": "webdataset", "arrow_region": "arrow"}
ALONE = ("tutorial", "fast", "ring", "wds_tutorial", "wds_fast")


def by_hand(name: str, data: str) -> float:
    command = [sys.executable, str(BY_HAND), name, data]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def ours(spec: TrialSpec) -> float:
    record = run_trial(spec, 120, run="by-hand", contestant=spec.loader, block=0)
    found = figures(record)
    if found is None:
        raise SystemExit(f"{spec.loader}: {record.status}: {record.reason}")
    return found.samples_per_second


def _spec(loader: str, data: str) -> TrialSpec:
    """The default trial of a loader over a dataset."""
    return make_plan(Request(data=(data,), loaders=(loader,))).rivals[0].specs[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name in ("folder", "wds", "parquet"):
        parser.add_argument(name)
    parser.add_argument("--blocks", type=int, default=10)
    parser.add_argument("--all", action="store_true", help="the simpler pipelines too")
    args = parser.parse_args()
    data = {"region": args.folder, "wds_region": args.wds, "arrow_region": args.parquet}
    specs = {loader: _spec(loader, data[hand]) for hand, loader in PAIRS.items()}
    hands = [*PAIRS, *(ALONE if args.all else ())]
    rates: dict[str, list[float]] = {name: [] for name in (*hands, *specs)}
    for _ in range(args.blocks):
        for name in random.sample(list(rates), len(rates)):
            place = data.get(name) or (args.wds if name.startswith("wds") else args.folder)
            rates[name].append(ours(specs[name]) if name in specs else by_hand(name, place))
    for name, found in rates.items():
        print(f"{name:<18} median {median(found):6.0f} images/s ({min(found):.0f} to {max(found):.0f})")
    for hand, loader in PAIRS.items():
        result = compare([log(a / b) for a, b in zip(rates[loader], rates[hand], strict=True)])
        ratio = result.ratio
        print(
            f"{loader} / {hand}: {ratio.estimate:.3f} [{ratio.low:.3f}, {ratio.high:.3f}], {result.outcome}"
        )


if __name__ == "__main__":
    main()
