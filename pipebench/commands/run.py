"""`pipebench run`: loaders over the same samples into the same step, and one table."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pipebench.errors import BadInput

if TYPE_CHECKING:
    from pipebench.plan import Request
    from pipebench.results import Record
    from pipebench.schedule import Plan
    from pipebench.summary import Row

EXAMPLE = """\
examples:
  pipebench run --data demo/folder --data demo/wds
  pipebench run --data D --loader dali:prefetch=4 --loader dali:preset=documented --trials 10
  pipebench run --data D --step null --step emulate:1400 --json
  pipebench run --data D --step model:resnet18 --preprocessing size=160
"""


class RunCommand:
    """The command `run`, as the command line asks it."""

    help = "measure loaders over the same samples and the same step"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.epilog = EXAMPLE
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        add = parser.add_argument
        add("--data", action="append", required=True, metavar="D", help="a dataset; give each format once")
        add(
            "--loader",
            action="append",
            default=[],
            metavar="L",
            help="NAME[@PYTHON][:setting=value,...], NAME registered or module:Class (default: all)",
        )
        add(
            "--step",
            action="append",
            metavar="S",
            help="null, emulate:RATE[,host_cpu=SHARE] or model:NAME (default: null)",
        )
        _add_workload(parser)
        _add_measuring(parser)
        add("--out", type=Path, metavar="FILE", help="results file (default: a new one in .pipebench/)")
        add("--resume", action="store_true", help="run only what the results file misses")
        add("--json", action="store_true", help="print the rows as JSON")

    def run(self, args: argparse.Namespace) -> int:
        import json
        from dataclasses import asdict

        from rich.console import Console

        from pipebench.compare import standings
        from pipebench.plan import make_plan
        from pipebench.report.terminal import print_run
        from pipebench.summary import summarise

        request = _request(args)
        plan = make_plan(request)
        records = _measure(plan, _out(args.out, args.resume))
        rows = summarise(records)
        if args.json:
            print(json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=1))
        else:
            print_run(Console(), rows, standings(records, request.steps[0]))
        return 3 if any(_failed(row, named=bool(request.loaders)) for row in rows) else 0


def _add_workload(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the workload, the same for every loader")
    group.add_argument("--batch-size", type=int, default=64, metavar="B", help="default: 64")
    group.add_argument(
        "--preprocessing",
        default="",
        metavar="K=V,...",
        help="for images: recipe=train|check, size=224, dtype=uint8|float32, layout=contiguous|channels_last",
    )
    group.add_argument("--no-shuffle", action="store_true", help="in the stored order")
    group.add_argument("--drop-last", action="store_true", help="leave out each epoch's last, short batch")
    group.add_argument("--seed", type=int, default=0, metavar="S", help="of order and crops (default: 0)")
    group.add_argument("--until", default="batch", metavar="STAGE", help="cut after read, decode, transform")


def _add_measuring(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("measuring")
    group.add_argument("--cores", type=int, metavar="N", help="to pin each trial to (default: all usable)")
    group.add_argument("--device", default="cpu", metavar="D", help="cpu or cuda (default: cpu)")
    group.add_argument(
        "--cache",
        choices=["warm", "cold"],
        default="warm",
        help="cold: evict the dataset before each trial, measure one epoch, prove it (default: warm)",
    )
    group.add_argument("--trials", type=int, default=5, metavar="N", help="blocks of trials (default: 5)")
    group.add_argument(
        "--precision", metavar="P", help="go on until each ratio is known to ±P, such as 2%%, or time is up"
    )
    group.add_argument("--max-time", metavar="T", help="begin no block that would end after T, such as 8m")
    group.add_argument("--seconds", type=float, default=3.0, metavar="S", help="of a trial (default: 3)")
    group.add_argument("--trial-timeout", type=float, default=120.0, metavar="S", help="default: 120")


def _request(args: argparse.Namespace) -> "Request":
    from pipebench.options import parse_duration, parse_share
    from pipebench.plan import Request

    return Request(
        data=tuple(args.data),
        loaders=tuple(args.loader),
        steps=tuple(dict.fromkeys(args.step or ["null"])),
        batch_size=args.batch_size,
        preprocessing=args.preprocessing,
        shuffle=not args.no_shuffle,
        drop_last=args.drop_last,
        seed=args.seed,
        cores=args.cores,
        device=args.device,
        until=args.until,
        trials=args.trials,
        precision=args.precision and parse_share(args.precision, "--precision"),
        max_seconds=args.max_time and parse_duration(args.max_time, "--max-time"),
        seconds=args.seconds,
        cache=args.cache,
        trial_timeout=args.trial_timeout,
    )


def _out(asked: Path | None, resume: bool) -> Path:
    from pipebench import storage

    if resume:
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


def _measure(plan: "Plan", out: Path) -> "list[Record]":
    from pipebench.progress import track
    from pipebench.report.terminal import trial_line
    from pipebench.runner import run

    records: list[Record] = []
    try:
        for record in track(run(plan, out), len(plan), "trials", trial_line):
            records.append(record)
    except KeyboardInterrupt:
        kept = f"{len(records)} of {len(plan)} trials are in {out}"
        raise KeyboardInterrupt(f"{kept}; the same command with --resume --out {out} runs the rest") from None
    print(f"results: {out}", file=sys.stderr)
    return records


def _failed(row: "Row", named: bool) -> bool:
    """A loader that was not asked for by name may be unsupported."""
    return row.status != "ok" and (named or row.status != "unsupported")
