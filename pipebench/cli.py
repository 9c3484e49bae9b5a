# PYTHON_ARGCOMPLETE_OK
"""The command line: finds the command, calls it, and turns what it raises into an exit code.

0 fine, 1 a comparison failed its threshold, 2 bad usage or bad input, 3 some trial did not end `ok`,
130 stopped with Ctrl-C.
"""

import io
import os
import sys
from collections.abc import Sequence

from pipebench.errors import BadInput, one_line
from pipebench.parsing import command, command_parser, top_parser
from pipebench.progress import quiet
from pipebench.report.prose import complain

LONGEST = 20_000
"""Characters of a message; it may list names that are whatever others chose."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a path need not be text that the terminal knows
    try:
        code = _run(sys.argv[1:] if argv is None else list(argv))
        sys.stdout.flush()  # here, where a reader that has gone is no traceback
        return code
    except BadInput as problem:
        text = str(problem).encode(errors="backslashreplace").decode()
        complain(one_line(text, LONGEST))
        return 2
    except KeyboardInterrupt as stop:
        complain(f"stopped{f': {stop}' if str(stop) else ''}")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(argv: list[str]) -> int:
    if "_ARGCOMPLETE" in os.environ:  # the shell asks what may come next
        from pipebench.completion import complete

        complete()
    if argv[:1] == ["help"]:
        argv = [*argv[1:], "--help"]
    if not argv or argv[0].startswith("-"):
        top_parser().parse_args(argv or ["--help"])
        return 0
    found = command(argv[0])
    args = command_parser(argv[0], found).parse_args(argv[1:])
    with quiet(getattr(args, "quiet", False)):
        return found.run(args)
