"""`pipebench compare`: results against a baseline, with what can be said of each and what can't."""

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pipebench.commands._output import add_output, exit_code, newest, shape_of
from pipebench.errors import BadInput, unknown
from pipebench.progress import add_quiet, pulse

if TYPE_CHECKING:
    from pipebench.contest import Terms

EXAMPLE = """\
examples:
  pipebench compare                                     the newest two under .pipebench
  pipebench compare r.jsonl --baseline torch_dataloader
  pipebench compare before.jsonl after.jsonl --fail-slower 5%
  pipebench compare before.json after.json --format markdown    of pytest-benchmark

exit codes: 0 fine, 1 --fail-slower failed, 2 bad input, 3 some trial did not end ok
"""


class CompareCommand:
    """The command `compare`, as the command line asks it."""

    help = "compare results with a baseline: ratios, intervals, and what they show"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.epilog = EXAMPLE
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        add = parser.add_argument
        add(
            "results",
            nargs="*",
            type=Path,
            metavar="RESULT",
            help="pipebench's results or pytest-benchmark's JSON (default: the newest two under .pipebench)",
        )
        add(
            "--baseline",
            metavar="L",
            help="what all are compared with (default: in several results the same contestant of the first, "
            "in one the fastest)",
        )
        add(
            "--across",
            action="append",
            default=[],
            metavar="WHAT",
            help="compare although host, data, cache or workload differ (several with commas)",
        )
        add("--drift", metavar="P", help="what a host's speed may differ by between sessions (default: 10%%)")
        add_quiet(parser)
        add_output(parser, fails_slower="exit with 1 if an interval lies wholly beyond P slower, such as 5%%")

    def run(self, args: argparse.Namespace) -> int:
        from pipebench.contest import contest
        from pipebench.figures import remembered
        from pipebench.report.show import show
        from pipebench.result_files import all_series, open_sources, without_collections

        terms, shape = _terms(args), shape_of(args)
        paths = args.results or newest(2)
        with pulse(lambda: "reading results"), without_collections():
            derive = remembered()
            lines = contest(all_series(open_sources(paths, redact=args.redact), derive), terms)
        if shape.threshold is not None and not any(line.comparison for line in lines):
            raise BadInput("--fail-slower: nothing could be compared; see the same command without it")
        show(lines, terms, shape)
        return exit_code(lines, shape.threshold)


def _terms(args: argparse.Namespace) -> "Terms":
    from pipebench.contest import Terms
    from pipebench.options import parse_share
    from pipebench.unpaired import DRIFT

    drift = parse_share(args.drift, "--drift") if args.drift is not None else DRIFT
    return Terms(baseline=args.baseline, across=_aspects(args.across), drift=drift)


def _aspects(given: Iterable[str]) -> frozenset[str]:
    from pipebench.conditions import ASPECTS

    names = [name for text in given for name in text.split(",") if name]
    for name in names:
        if name not in ASPECTS:
            raise unknown("--across", name, ASPECTS)
    return frozenset(names)
