"""`pipebench doctor`: what this host has, what is missing, and how to get it."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pipebench.progress import add_quiet, waited_for

if TYPE_CHECKING:
    from pipebench.doctor import Finding

EXAMPLE = """\
examples:
  pipebench doctor                   of the working folder's storage, and of every loader
  pipebench doctor /data             of another storage
  pipebench doctor --no-loaders      in a second: no loader is tried
"""


class DoctorCommand:
    """The command `doctor`, as the command line asks it."""

    help = "say what this host has, what is missing, and how to get it"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.epilog = EXAMPLE
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.add_argument(
            "path",
            nargs="?",
            type=Path,
            default=Path(),
            metavar="PATH",
            help="storage to look at (default: .)",
        )
        parser.add_argument("--no-loaders", action="store_true", help="do not try the loaders (much faster)")
        parser.add_argument("--json", action="store_true", help="print as JSON")
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        from itertools import chain

        from pipebench import doctor

        parts = [doctor.host(args.path), doctor.libraries()]
        parts += [] if args.no_loaders else [doctor.loaders()]
        findings = waited_for(chain.from_iterable(parts), "looking")
        if args.json:
            print(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=1))
            return 0
        for finding in findings:
            print(_line(finding), flush=True)
        return 0


def _line(finding: "Finding") -> str:
    sign = {"ok": "+", "note": " ", "missing": "-"}[finding.state]
    remedy = f"\n{'':25} {finding.remedy}" if finding.remedy else ""
    return f"{sign} {finding.topic:<22} {finding.text}{remedy}"
