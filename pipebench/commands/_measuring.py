"""What the commands that measure have in common: options, the results file, and running the plan."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pipebench.errors import BadInput
from pipebench.progress import add_quiet

if TYPE_CHECKING:
    from pipebench.plan import Request
    from pipebench.results import Record
    from pipebench.schedule import Plan


def add_workload(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say what every loader must deliver, and to which steps."""
    group = parser.add_argument_group("the workload, the same for every loader")
    group.add_argument(
        "--step",
        action="append",
        metavar="S",
        help="null, emulate:RATE[,host_cpu=SHARE], model:NAME or MODEL@ACCELERATOR (default: null)",
    )
    group.add_argument(
        "--batch-size", type=int, default=64, metavar="B", help="samples a batch (default: 64)"
    )
    group.add_argument(
        "--preprocessing",
        default="",
        metavar="K=V,...",
        help="for images: recipe=train|check, size=224, dtype=uint8|float32, layout=contiguous|channels_last",
    )
    group.add_argument("--no-shuffle", action="store_true", help="in the stored order")
    group.add_argument("--drop-last", action="store_true", help="leave out each epoch's last, short batch")
    group.add_argument("--seed", type=int, default=0, metavar="S", help="of order and crops (default: 0)")
    group.add_argument(
        "--until",
        default="batch",
        metavar="STAGE",
        help="cut after read, decode or transform (default: batch, whole)",
    )


def add_measuring(parser: argparse.ArgumentParser, *, trials: int | None, about: str) -> None:
    """Adds those that say how; `about` tells the default number of trials."""
    group = parser.add_argument_group("measuring")
    group.add_argument(
        "--cores", type=int, metavar="N", help="cores to pin each trial to (default: all usable)"
    )
    group.add_argument("--device", default="cpu", metavar="D", help="cpu or cuda (default: cpu)")
    group.add_argument(
        "--cache",
        choices=["warm", "cold"],
        default="warm",
        help="cold: evict the dataset before each trial, measure one epoch, prove it (default: warm)",
    )
    group.add_argument(
        "--precision", metavar="P", help="go on until each ratio is known to ±P, such as 2%%, or time is up"
    )
    group.add_argument(
        "--max-time", metavar="T", help="begin no block that would end after T, such as 90s, 8m or 1h"
    )
    group.add_argument("--trials", type=int, default=trials, metavar="N", help=f"blocks of trials ({about})")
    group.add_argument(
        "--seconds", type=float, default=3.0, metavar="S", help="to measure in each trial (default: 3)"
    )
    about_timeout = "seconds after which a trial is ended and counts as 'timeout' (default: 120)"
    group.add_argument("--trial-timeout", type=float, default=120.0, metavar="S", help=about_timeout)
    group.add_argument(
        "--out", type=Path, metavar="FILE", help="results file (default: a new one in .pipebench/)"
    )
    group.add_argument("--resume", action="store_true", help="run only what the results file misses")
    add_quiet(parser)


def common(args: argparse.Namespace) -> "Request":
    """What these options ask for, over no data yet; raises `BadInput`."""
    from pipebench.options import parse_duration, parse_share
    from pipebench.plan import Request
    from pipebench.profile_step import resolved

    return Request(
        data=(),
        steps=tuple(dict.fromkeys(resolved(args.step or ["null"]))),
        batch_size=args.batch_size,
        preprocessing=args.preprocessing,
        shuffle=not args.no_shuffle,
        drop_last=args.drop_last,
        seed=args.seed,
        cores=args.cores,
        device=args.device,
        until=args.until,
        precision=args.precision and parse_share(args.precision, "--precision"),
        max_seconds=args.max_time and parse_duration(args.max_time, "--max-time"),
        seconds=args.seconds,
        cache=args.cache,
        trial_timeout=args.trial_timeout,
    )


def out_file(args: argparse.Namespace) -> Path:
    """Where results are to go; raises `BadInput` where they cannot, or where there is nothing to resume."""
    from pipebench import storage

    asked: Path | None = args.out
    if args.resume:
        newest = storage.saved()[-1:] if asked is None else [asked]
        if not newest or not newest[0].exists():
            raise BadInput("--resume finds no results file; name it with --out")
        return newest[0]
    out = asked or storage.new_file()
    if out.exists():
        raise BadInput(f"{out} exists; add --resume to go on with it, or name another file")
    if not out.parent.is_dir():
        raise BadInput(f"--out {out}: there is no folder {out.parent}")
    return out


def measure(plan: "Plan", out: Path, *, redact: bool) -> "list[Record]":
    """Runs the plan and shows how far it is; the file keeps all names, what is returned none if `redact`."""
    from pipebench.anonymous import Redactor
    from pipebench.progress import is_quiet, track
    from pipebench.report.terminal import trial_line
    from pipebench.runner import expected, run

    total = expected(plan, out)
    records: list[Record] = []
    redactor = Redactor()
    shown = (redactor.of(record) if redact else record for record in run(plan, out))
    try:
        for record in track(shown, total, "trials", trial_line):
            records.append(record)
    except KeyboardInterrupt:
        kept = f"{len(records)} of {total} trials are in {out}"
        raise KeyboardInterrupt(f"{kept}; the same command with --resume --out {out} runs the rest") from None
    if not is_quiet():
        print(f"results: {out.name if redact else out}", file=sys.stderr)
    return records
