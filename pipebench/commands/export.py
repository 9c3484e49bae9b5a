"""`pipebench export`: everything that results hold, as CSV, copies without names, or a trial's timeline."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TextIO

from pipebench.errors import BadInput
from pipebench.progress import add_quiet, pulse, quiet
from pipebench.report.prose import say

EXAMPLE = """\
examples:
  pipebench export r.jsonl --redact --out shared.jsonl      a copy to share: every figure, and no names
  pipebench export r.jsonl --of trials > trials.csv         one row a trial: all that is known of it
  pipebench export a.jsonl b.jsonl --of batches > b.csv     one row a batch: the raw times
  pipebench export r.jsonl --format chrome-trace --trial dali --out dali.json
                                                            one trial, to open in Perfetto (ui.perfetto.dev)
"""


class ExportCommand:
    """The command `export`, as the command line asks it."""

    help = "write results as CSV, as a timeline, or as a copy without host, user, bucket and path names"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.epilog = EXAMPLE
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        add = parser.add_argument
        about = "pipebench's results or pytest-benchmark's JSON (default: the newest under .pipebench)"
        add("results", nargs="*", type=Path, metavar="RESULT", help=about)
        add(
            "--of",
            choices=["file", "trials", "batches"],
            help="the file as it is, or CSV with a row for each trial or for each batch (default: file)",
        )
        add(
            "--format",
            choices=["csv", "chrome-trace"],
            help="chrome-trace: a timeline of one trial in the Trace Event Format, for Perfetto",
        )
        add("--trial", metavar="CONTESTANT", help="of the timeline: whose (default: the first that ended ok)")
        add(
            "--block",
            type=int,
            metavar="N",
            help="of the timeline: which block or round (default: the first)",
        )
        add("--step", metavar="S", help="of the timeline: on which step (default: the first)")
        add("--redact", action="store_true", help="leave out host, user, bucket and path names")
        add("--out", type=Path, metavar="FILE", help="a new file to write (default: standard output)")
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        printed = args.out is None and sys.stdout.isatty()  # which shows that it goes on
        with quiet(printed), pulse(lambda: "exporting"):
            return self._export(args)

    @staticmethod
    def _export(args: argparse.Namespace) -> int:
        from pipebench.commands._output import newest
        from pipebench.exporting import copy

        paths = args.results or newest(1)
        _check(args)
        if args.format == "chrome-trace":
            return _timeline(paths, args)
        if args.of in ("trials", "batches"):
            return _tables(paths, args)
        if len(paths) > 1:
            raise BadInput("a copy is of one file; name one RESULT, or ask for --of trials")
        lines = copy(paths[0], redact=args.redact)
        first = next(lines)  # what is wrong with the file is said before another one is made
        with _out(args.out) as out:
            out.writelines(f"{line}\n" for line in chain([first], lines))
        return 0


def _check(args: argparse.Namespace) -> None:
    """Raises `BadInput` for options that ask for two different things."""
    if args.format == "chrome-trace" and args.of is not None:
        raise BadInput("a chrome-trace is of one trial; name it with --trial, and leave --of out")
    if args.format == "csv" and args.of in (None, "file"):
        raise BadInput("CSV has a row for each trial or batch; add --of trials or --of batches")
    chosen = [name for name in ("trial", "block", "step") if getattr(args, name) is not None]
    if chosen and args.format != "chrome-trace":
        raise BadInput(f"--{chosen[0]} chooses the trial of a timeline; add --format chrome-trace")


def _timeline(paths: list[Path], args: argparse.Namespace) -> int:
    from pipebench.chrome_trace import left_out, lines, title
    from pipebench.exporting import Choice, choose
    from pipebench.result_files import open_sources

    choice = Choice(contestant=args.trial, block=args.block, step=args.step)
    record, count = choose(open_sources(paths, redact=args.redact), choice)
    with _out(args.out) as out:
        out.writelines(f"{line}\n" for line in lines(record))
    others = f", the first of {count} that fit (--trial, --block, --step choose)" if count > 1 else ""
    left = left_out(record)
    cut = f"; its last {left} batches are left out, so that the file stays small" if left else ""
    say(f"trial: {title(record)}{others}{cut}")
    return 0


def _tables(paths: list[Path], args: argparse.Namespace) -> int:
    from pipebench.exporting import batch_rows, trial_rows
    from pipebench.figures import figures
    from pipebench.report.csv import write
    from pipebench.result_files import open_sources

    sources = open_sources(paths, redact=args.redact)
    with _out(args.out) as out:
        if args.of == "trials":
            write((row for source in sources for row in trial_rows(source, figures)), out)
        else:
            write((row for source in sources for row in batch_rows(source)), out)
    return 0


@contextmanager
def _out(path: Path | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
        return
    try:
        with path.open("x", encoding="utf-8") as file:
            yield file
    except FileExistsError:
        raise BadInput(f"{path} exists; name another file") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}") from None
