"""Parsers of the command line: wrong usage is one sentence, and what was probably meant is in it."""

import argparse
import re
import shutil
import textwrap
from collections.abc import Sequence
from difflib import get_close_matches
from itertools import takewhile
from typing import Any, NoReturn, Protocol

from pipebench import registry
from pipebench.errors import BadInput, unknown

SUMMARY = "Where is the chokepoint of a training input pipeline, and does the accelerator wait for data?"
START = """\
examples:
  pipebench doctor                        what this host has and lacks
  pipebench data synth D --samples 2000   pictures to try it with
  pipebench run --data D                  every loader that reads them
  pipebench compare                       the newest two results

'pipebench COMMAND --help' says more, each with examples."""


class Command(Protocol):
    """One command, under its entry point's name; importing it imports no heavy library."""

    help: str
    """One line, starting with a small letter."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, args: argparse.Namespace) -> int:
        """Does the work and returns the exit code; raises `BadInput`."""
        ...


class Parser(argparse.ArgumentParser):
    """Reports wrong usage as one sentence, from the parser that was asked: a subcommand's from its own."""

    _given: Sequence[str] = ()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        self._given = args or ()
        found, rest = super().parse_known_args(args, namespace)
        if rest:
            self.error(f"unrecognized arguments: {' '.join(rest)}")
        return found, rest

    def format_help(self) -> str:
        width = max(shutil.get_terminal_size().columns - 2, 40)  # as argparse has it
        lines = super().format_help().splitlines()
        return "".join(f"{part}\n" for line in lines for part in fit(line, width))

    def error(self, message: str) -> NoReturn:
        raise self._wrong(self._typo() or message)

    def _wrong(self, text: str) -> BadInput:
        return BadInput(f"{text}{'' if text.endswith('?') else ';'} see '{self.prog} --help'")

    def _typo(self) -> str | None:
        """What is wrong with the first option that is given and does not exist, whatever else is missing."""
        known = [name for name in self._option_string_actions if name.startswith("--")]
        for text in takewhile(lambda text: text != "--", self._given):
            name = text.partition("=")[0]
            if name.startswith("--") and not any(option.startswith(name) for option in known):
                nearest = get_close_matches(name, known, n=1)
                return f"there is no option {name}" + (f"; did you mean {nearest[0]}?" if nearest else "")
        return None

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            what = action.dest if action.option_strings else str(action.metavar or "choice").lower()
            raise self._wrong(str(unknown(what, value, map(str, action.choices))))


def command(name: str) -> Command:
    """The command that is registered as `name`; raises `BadInput`."""
    made: Command = registry.load(registry.COMMANDS, name)()
    return made


def command_parser(name: str, made: Command) -> Parser:
    """The parser of one command."""
    parser = Parser(prog=f"pipebench {name}", description=sentence(made.help))
    made.add_arguments(parser)
    for each in (parser, *subparsers(parser).values()):
        each.epilog = each.epilog and flowing(each.epilog)
    return parser


def top_parser() -> Parser:
    """The parser where no command is named; its help lists them all."""
    names = registry.names(registry.COMMANDS)
    lines = [f"  {name:<10}  {command(name).help}" for name in names]
    parser = Parser(
        prog="pipebench",
        usage="pipebench COMMAND ...",
        description=SUMMARY,
        epilog="\n".join(["commands:", *lines, "", START]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"pipebench {_version()}")
    return parser


def _version() -> str:
    from importlib.metadata import version

    return version("pipebench")


def sentence(text: str) -> str:
    """`say this` as `Say this.`"""
    return f"{text[0].upper()}{text[1:]}."


def subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """A command's own subcommands by their names; empty where it has none."""
    return {
        name: found
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for name, found in action.choices.items()
    }


def flowing(text: str) -> str:
    """The text, its paragraphs as one line each; those that hold an indented line stay as they are."""
    paragraphs = text.strip("\n").split("\n\n")
    return "\n\n".join(each if "\n " in each else " ".join(each.split("\n")) for each in paragraphs)


def fit(line: str, width: int) -> list[str]:
    """A line of help as lines that are no wider than a terminal, if that leaves commands whole."""
    if len(line) <= width:
        return [line]
    if line.startswith("  pipebench "):
        told, gap, about = re.split(r"( {2,}|$)", line.lstrip(), maxsplit=1)
        return [f"  {told}", f"      {about}"] if gap else [line]
    start = re.match(r" *\S+ {2,}|\d[.:]? | *", line)
    hang = " " * start.end() if start else ""
    return textwrap.wrap(line, width, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False)


def examples(text: str) -> list[str]:
    """The commands in a help text: lines that begin with `  pipebench`, without what is said of them."""
    lines = re.findall(r"^  (pipebench .*)$", text or "", re.MULTILINE)
    return [re.split(r" {2,}| >>? ", line)[0].strip() for line in lines]
