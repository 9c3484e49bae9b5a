"""The command line: finds the command, calls it, and turns what it raises into an exit code.

0 fine, 1 a comparison failed its threshold, 2 bad usage or bad input, 3 some trial did not end `ok`,
130 stopped with Ctrl-C.
"""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn, Protocol

from pipebench import registry
from pipebench.errors import BadInput, one_line

LONGEST = 20_000
"""Characters of a message; it may list names that are whatever others chose."""


class Command(Protocol):
    """One command, under its entry point's name; importing it imports no heavy library."""

    help: str
    """One line, starting with a small letter."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, args: argparse.Namespace) -> int:
        """Does the work and returns the exit code; raises `BadInput`."""
        ...


class Parser(argparse.ArgumentParser):
    """Reports wrong usage as one sentence."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message}; see '{self.prog} --help'")


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
        print(f"pipebench: {one_line(text, LONGEST)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print(f"pipebench: stopped{f': {stop}' if str(stop) else ''}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(argv: list[str]) -> int:
    if not argv or argv[0].startswith("-"):
        _top_parser().parse_args(argv or ["--help"])
        return 0
    name = argv[0]
    command = _command(name)
    parser = Parser(prog=f"pipebench {name}", description=_sentence(command.help))
    command.add_arguments(parser)
    return command.run(parser.parse_args(argv[1:]))


def _command(name: str) -> Command:
    made: Command = registry.load(registry.COMMANDS, name)()
    return made


def _top_parser() -> argparse.ArgumentParser:
    lines = [f"  {name:<10}  {_command(name).help}" for name in registry.names(registry.COMMANDS)]
    parser = Parser(
        prog="pipebench",
        usage="pipebench COMMAND ...",
        description="Where is the chokepoint of a training input pipeline?",
        epilog="\n".join(["commands:", *lines, "", "'pipebench COMMAND --help' says more."]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"pipebench {_version()}")
    return parser


def _version() -> str:
    from importlib.metadata import version

    return version("pipebench")


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
