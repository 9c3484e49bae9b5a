"""`pipebench cost`: what a million samples take in money and energy, and what of it the slowdown takes."""

import argparse
from pathlib import Path

from pipebench.progress import add_quiet, pulse

EXAMPLE = """\
examples:
  pipebench cost --prices prices.csv                       of the newest results under .pipebench
  pipebench cost r.jsonl --prices prices.csv --price p5 --json

The file holds name,price_per_hour,currency,region,date,source and, if you like, busy_watts,idle_watts: what
all that is paid for draws while the step runs and while it waits. pipebench ships no prices.
"""


class CostCommand:
    """The command `cost`, as the command line asks it."""

    help = "price a million samples, in money and energy, split in step and slowdown"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.epilog = EXAMPLE
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        add = parser.add_argument
        about = "pipebench's results (default: the newest under .pipebench)"
        add("result", nargs="?", type=Path, metavar="RESULT", help=about)
        add("--prices", type=Path, required=True, metavar="FILE", help="a CSV file of your own prices")
        add("--price", metavar="NAME", help="which of them, if the file holds several")
        add("--redact", action="store_true", help="leave out host, user, bucket and path names")
        add("--json", action="store_true", help="print as JSON")
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        from pipebench.commands._output import newest
        from pipebench.cost import bills, chosen, read_prices
        from pipebench.errors import BadInput
        from pipebench.report.cost_text import as_json, render
        from pipebench.report.plain_json import dumps
        from pipebench.report.prose import width
        from pipebench.result_files import open_sources
        from pipebench.summary import summarise

        price = chosen(read_prices(args.prices), args.price)
        with pulse(lambda: "deriving figures"):
            [source] = open_sources([args.result] if args.result else newest(1), redact=args.redact)
            if source.contents is None:
                raise BadInput(
                    f"{source.name} holds no rates in samples per second; name pipebench's results"
                )
            found = bills([(summarise(records), records) for records in source.runs.values()], price)
        if not found:
            raise BadInput(f"{source.name} holds no trial that ended ok")
        print(dumps(as_json(found, price)) if args.json else render(found, price, width()).rstrip("\n"))
        return 0
