"""Proves every registered loader's work with many seeds, over datasets of one's own; an hour for a night.

    python bench/prove_same_work.py DATA [DATA ...] [--seeds 20]

Prints a line a loader, dataset and seed; exits with 1 if an honest loader was refused.
"""

import argparse
import sys

from pipebench.isolation import run_trial
from pipebench.plan import Request, make_plan
from pipebench.results import PROOF_BLOCK
from pipebench.schedule import opening


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", nargs="+")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--preprocessing", default="")
    args = parser.parse_args()
    refused = 0
    for seed in range(args.seeds):
        request = Request(data=tuple(args.data), seed=seed, preprocessing=args.preprocessing)
        for trial in opening(make_plan(request)):
            if trial.block == PROOF_BLOCK:
                record = run_trial(
                    trial.spec, 300, run="proof", contestant=trial.contestant, block=trial.block
                )
                refused += record.status == "failed"
                print(f"seed {seed:2}, {trial.contestant}: {record.status} {record.reason}", flush=True)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
