"""`pipebench audit`: derives every figure of a results file again, and says what cannot be relied on."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipebench.progress import add_quiet, pulse

if TYPE_CHECKING:
    from pipebench.figures import Derive
    from pipebench.findings import Finding
    from pipebench.result_files import Source

EXAMPLE = """\
examples:
  pipebench audit                        the newest results under .pipebench
  pipebench audit r.jsonl --figures      with each trial's figures
  pipebench audit r.jsonl --printed rows.json      holds what 'pipebench run --json' printed against it

exit codes: 0 nothing is wrong, 1 something contradicts itself or cannot be reproduced, 2 bad input
"""


class AuditCommand:
    """The command `audit`, as the command line asks it."""

    help = "derive every figure of a results file again, and say what cannot be relied on"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.epilog = EXAMPLE
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        add = parser.add_argument
        about = "pipebench's results or pytest-benchmark's JSON (default: the newest under .pipebench)"
        add("result", nargs="?", type=Path, metavar="RESULT", help=about)
        add("--figures", action="store_true", help="print each trial's figures, derived the second way")
        add("--printed", type=Path, metavar="FILE", help="rows that 'pipebench run --json' has printed")
        add("--redact", action="store_true", help="leave out host, user, bucket and path names")
        add("--json", action="store_true", help="print as JSON")
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        from pipebench.audit import audit
        from pipebench.commands._output import newest
        from pipebench.figures import remembered
        from pipebench.printed import compare_printed
        from pipebench.result_files import open_sources

        derive = remembered()
        paths = [args.result] if args.result else newest(1)
        with pulse(lambda: "deriving every figure again"):
            [source] = open_sources(paths, redact=args.redact)
            findings = list(audit(source, derive))
            if args.printed is not None:
                findings += compare_printed(args.printed, source, derive)
            figures = _figures(source, derive) if args.figures else []
        _print(findings, figures, as_json=args.json)
        return 1 if any(finding.state == "wrong" for finding in findings) else 0


def _figures(source: "Source", derive: "Derive") -> "list[Mapping[str, Any]]":
    """Of each timed trial, derived the second way."""
    from pipebench.rederive import rederive

    records = [*(source.contents.records if source.contents else ())]
    for benchmark in source.benchmarks.benchmarks if source.benchmarks else ():
        records += benchmark.records
    return [
        {"contestant": record.contestant, "block": record.block, "step": record.spec.step} | rederive(record)
        for record in records
        if record.block >= 0 and derive(record)
    ]


def _print(findings: "Sequence[Finding]", figures: "Sequence[Mapping[str, Any]]", *, as_json: bool) -> None:
    from pipebench.report import csv
    from pipebench.report.findings import print_findings
    from pipebench.report.plain_json import dumps

    if as_json:
        print(dumps({"findings": [asdict(finding) for finding in findings], "figures": figures}))
        return
    print_findings(findings)
    sys.stdout.write(csv.render(figures))
