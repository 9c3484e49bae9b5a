"""Completion of the command line in bash and zsh, by argcomplete.

Names come from the registry as it is now: a loader that was just installed is among them.
Nothing here imports torch or any loader's library, so that TAB answers at once.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from argcomplete.completers import BaseCompleter, FilesCompleter
from argcomplete.finders import CompletionFinder

from pipebench import registry
from pipebench.errors import BadInput
from pipebench.parsing import Parser, command, subparsers

ASKED = "_ARGCOMPLETE"
"""The environment variable in which the shell says that it asks for completions."""
SHELL = "_ARGCOMPLETE_SHELL"


def complete() -> None:
    """Answers the shell, and ends the process."""
    line, point = os.environ["COMP_LINE"], int(os.environ["COMP_POINT"])
    words = line.encode()[:point].decode(errors="ignore").split(" ")[int(os.environ[ASKED]) :]
    parser = parser_for(words)
    options = False if _wants_words(parser, words[:-1]) else "long"
    finder = CompletionFinder()
    finder(parser, always_complete_options=options, exit_method=sys.exit, default_completer=_Values())


def _wants_words(parser: argparse.ArgumentParser, words: list[str]) -> bool:
    """Whether a command, a file or another name comes next; options are then offered only after a dash."""
    below = subparsers(parser)
    if below and words and words[0] in below:
        return _wants_words(below[words[0]], words[1:])
    return any(not action.option_strings for action in parser._actions)


def parser_for(words: list[str]) -> Parser:
    """The whole command line's parser, with the options of the command that these words name, if they do."""
    parser = Parser(prog="pipebench")
    parser.add_argument("--version", action="store_true", help="say which pipebench this is")
    actions = parser.add_subparsers(parser_class=Parser)
    known = registry.names(registry.COMMANDS)
    if len(words) > 1 and words[0] in known:
        command(words[0]).add_arguments(actions.add_parser(words[0]))
        return parser
    for name in known:  # only zsh shows what each is for, and asking all takes as long as everything else
        actions.add_parser(name, help=command(name).help if os.environ.get(SHELL) == "zsh" else None)
    return parser


class _Values(BaseCompleter):
    """What an option's or argument's value may be: by its name, which means the same in every command."""

    def __call__(
        self,
        *,
        prefix: str,
        action: argparse.Action,
        parser: argparse.ArgumentParser,
        parsed_args: argparse.Namespace,
    ) -> Iterable[str]:
        completer = COMPLETERS.get(action.dest)
        if completer is None:
            files: Iterable[str] = FilesCompleter()(
                prefix=prefix, action=action, parser=parser, parsed_args=parsed_args
            )
            return files
        try:
            return completer(prefix)
        except BadInput:
            return []


def loaders(prefix: str) -> Iterable[str]:
    """Registered loaders, and after a colon the settings of one with the values that are known."""
    from pipebench.results import CEILING

    name, colon, given = prefix.partition(":")
    if not colon:
        return [found for found in registry.names(registry.LOADERS) if found != CEILING]
    begun, comma, last = given.rpartition(",")
    done = {text.partition("=")[0] for text in begun.split(",")}
    found = _settings(name.partition("@")[0], last)
    return [f"{name}:{begun}{comma}{text}" for text in found if text.partition("=")[0] not in done]


def _settings(name: str, last: str) -> Iterable[str]:
    settings = registry.loader(name).settings if name in registry.names(registry.LOADERS) else None
    if settings is None:
        return []
    setting, equals, _ = last.partition("=")
    values: Mapping[str, Any] = {"preset": Literal["tuned", "documented"]} | get_type_hints(settings)
    if not equals:
        return [f"{each}=" for each in ["preset", *(field.name for field in fields(settings))]]
    kind = values.get(setting)
    texts = ["true", "false"] if kind is bool else map(str, _choices(kind))
    return [f"{setting}={text}" for text in texts]


def _choices(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) is Literal else ()


def versions(prefix: str) -> Iterable[str]:
    """`LABEL=LOADER`: of a label that is given, what may follow it."""
    label, equals, loader = prefix.partition("=")
    return [f"{label}={text}" for text in loaders(loader)] if equals else []


def steps(prefix: str) -> Iterable[str]:  # noqa: ARG001 - a completer's signature
    """The forms of a step; the models' names are left out, since torchvision would have to be imported."""
    from pipebench.step import HELP

    return [form.partition(":")[0] + ":" * (":" in form) for form in HELP if form[0].islower()]


def formats(prefix: str) -> Iterable[str]:  # noqa: ARG001 - as above
    """All formats that some loader reads."""
    every = [registry.loader(name) for name in registry.names(registry.LOADERS)]
    return sorted({format_ for loader in every for format_ in loader.formats})


def kinds(prefix: str) -> Iterable[str]:  # noqa: ARG001 - as above
    """The registered data kinds."""
    return registry.names(registry.KINDS)


def stages(prefix: str) -> Iterable[str]:  # noqa: ARG001 - as above
    """The stages that a loader can be cut after."""
    return ["read", "decode", "transform", "batch"]


def aspects(prefix: str) -> Iterable[str]:
    """What results may differ in, after the aspects that are given."""
    from pipebench.conditions import ASPECTS

    return _listed(prefix, ASPECTS)


def columns(prefix: str) -> Iterable[str]:
    """The columns of a comparison, after those that are given."""
    from pipebench.report.columns import COLUMNS

    return _listed(prefix, COLUMNS)


def _listed(prefix: str, names: Iterable[str]) -> Iterable[str]:
    begun, comma, _ = prefix.rpartition(",")
    return [f"{begun}{comma}{name}" for name in names if name not in begun.split(",")]


COMPLETERS: Mapping[str, Callable[[str], Iterable[str]]] = {
    "loader": loaders,
    "baseline": loaders,
    "versions": versions,
    "step": steps,
    "format": formats,
    "kind": kinds,
    "until": stages,
    "across": aspects,
    "columns": columns,
    "device": lambda prefix: ["cpu", "cuda"],  # noqa: ARG005 - as above
}
"""By the name under which a parser keeps the value; of all others files are offered."""
