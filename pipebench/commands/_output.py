"""What the commands that compare have in common: options of their output, and their exit code."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipebench.errors import BadInput

if TYPE_CHECKING:
    from pipebench.contest import Line
    from pipebench.report.show import Shape
    from pipebench.verdicts import Threshold

FORMS = ("table", "markdown", "csv", "json")


def add_output(parser: argparse.ArgumentParser, *, fails_slower: str) -> None:
    """Adds the options; `fails_slower` says when `--fail-slower` is needed."""
    group = parser.add_argument_group("output")
    add = group.add_argument
    add("--format", choices=FORMS, default="table", help="default: table, coloured on a terminal")
    add("--columns", metavar="C,...", help="which, by name ('--columns help' lists them)")
    add("--fail-slower", metavar="P", help=fails_slower)
    add("--redact", action="store_true", help="leave out host, user, bucket and path names")


def shape_of(args: argparse.Namespace, default_limit: float | None = None) -> "Shape":
    """What was asked for; raises `BadInput`. Without `--fail-slower` the limit is the default, if any."""
    from pipebench.report.columns import COLUMNS, USUAL, chosen
    from pipebench.report.show import Shape

    if args.columns == "help":
        raise BadInput(f"the columns are {', '.join(COLUMNS)}")
    chosen(args.columns, USUAL)  # before anything is measured
    return Shape(
        form=args.format, columns=args.columns, threshold=_threshold(args.fail_slower, default_limit)
    )


def _threshold(text: str | None, default: float | None) -> "Threshold | None":
    from pipebench.options import parse_share
    from pipebench.verdicts import Threshold

    limit = default if text is None else parse_share(text, "--fail-slower")
    return None if limit is None else Threshold(limit)


def exit_code(lines: "Sequence[Line]", threshold: "Threshold | None") -> int:
    """1 where the threshold failed, 3 where a trial did that was to be compared, or 0."""
    if threshold is not None and threshold.failed(lines):
        return 1
    return 3 if any(line.series.status in ("failed", "timeout") for line in lines) else 0


def newest(count: int) -> list[Path]:
    """The last results under .pipebench, at most so many; raises `BadInput` where there are none."""
    from pipebench import storage

    found = storage.saved()[-count:]
    if not found:
        raise BadInput("there are no results under .pipebench; name a file, or make one with 'pipebench run'")
    return found
