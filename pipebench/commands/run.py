"""`pipebench run`: loaders over the same samples into the same step, and one table."""

import argparse
from typing import TYPE_CHECKING

from pipebench.commands._indexed import indexed
from pipebench.commands._measuring import add_measuring, add_workload, common, measure, out_file

if TYPE_CHECKING:
    from pipebench.plan import Request
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
        add(
            "--data",
            action="append",
            required=True,
            metavar="D",
            help="a dataset, or a folder of class folders, tars or Parquet; give each format once",
        )
        add(
            "--loader",
            action="append",
            default=[],
            metavar="L",
            help="NAME[@PYTHON][:setting=value,...], NAME registered or module:Class (default: all)",
        )
        add_workload(parser)
        add_measuring(parser, trials=5, about="default: 5")
        add("--json", action="store_true", help="print the rows as JSON")
        add("--redact", action="store_true", help="print no host, user, bucket and path names")

    def run(self, args: argparse.Namespace) -> int:
        from dataclasses import asdict

        from rich.console import Console

        from pipebench.compare import standings
        from pipebench.plan import make_plan
        from pipebench.report.plain_json import dumps
        from pipebench.report.terminal import print_run
        from pipebench.summary import summarise

        request = _request(args)
        plan = make_plan(request)
        records = measure(plan, out_file(args), redact=args.redact)
        rows = summarise(records)
        if args.json:
            print(dumps([asdict(row) for row in rows]))
        else:
            print_run(Console(), rows, standings(records, request.steps[0]))
        return 3 if any(_failed(row, named=bool(request.loaders)) for row in rows) else 0


def _request(args: argparse.Namespace) -> "Request":
    from dataclasses import replace

    data, loaders = [indexed(url, redact=args.redact) for url in args.data], tuple(args.loader)
    return replace(common(args), data=tuple(data), loaders=loaders, trials=args.trials)


def _failed(row: "Row", named: bool) -> bool:
    """A loader that was not asked for by name may be unsupported."""
    return row.status != "ok" and (named or row.status != "unsupported")
