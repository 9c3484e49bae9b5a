"""Every command's help: its purpose, its options with defaults, and examples that its parser takes."""

import argparse
import re
import shlex
from collections.abc import Iterator

import pytest

from pipebench import registry
from pipebench.parsing import START, command, command_parser, examples, fit, flowing, subparsers


def parsers() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command and subcommand that takes options, with its parser."""
    for name in registry.names(registry.COMMANDS):
        parser = command_parser(name, command(name))
        below = subparsers(parser)
        yield from ((f"{name} {each}", found) for each, found in below.items())
        if not below:
            yield name, parser


EVERY = dict(parsers())


def parse(text: str) -> argparse.Namespace:
    """What an example of the command line asks for; raises `BadInput` where no parser takes it."""
    _, name, *rest = shlex.split(text)
    return command_parser(name, command(name)).parse_args(rest)


@pytest.mark.parametrize("name", EVERY)
def test_its_help_says_what_it_is_for(name: str) -> None:
    description = EVERY[name].description or ""
    assert description[:1].isupper(), description
    assert "\n" not in description


@pytest.mark.parametrize("name", EVERY)
def test_its_help_holds_examples_that_its_parser_takes(name: str) -> None:
    found = [text for text in examples(EVERY[name].epilog or "") if text.startswith(f"pipebench {name}")]
    assert found, EVERY[name].epilog
    for text in found:
        parse(text)


@pytest.mark.parametrize("name", EVERY)
def test_every_option_says_what_it_does(name: str) -> None:
    parser = EVERY[name]
    silent = [action.dest for action in parser._actions if not action.help]
    assert silent == []
    untold = [
        action.option_strings[0]
        for action in parser._actions
        if action.option_strings
        and action.nargs != 0
        and action.default not in (None, "", [])
        and "default" not in str(action.help)
    ]
    assert untold == []


@pytest.mark.parametrize("name", EVERY)
def test_every_command_that_may_take_long_can_be_quiet(name: str) -> None:
    options = EVERY[name]._option_string_actions
    if name in ("audit", "compare", "doctor", "limits") or options.keys() & {"--trials", "--workers"}:
        assert "--quiet" in options


def test_the_first_help_holds_examples_that_work() -> None:
    assert len(examples(START)) >= 3
    for text in examples(START):
        parse(text)


@pytest.mark.parametrize("name", EVERY)
def test_its_help_fits_a_narrow_terminal(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All but commands, which must stay whole to be copied."""
    monkeypatch.setenv("COLUMNS", "80")
    wide = [line for line in EVERY[name].format_help().splitlines() if len(line) > 80]
    assert [line for line in wide if not line.startswith("  pipebench ") and "  " in line.lstrip()] == []
    assert [line for line in wide if not re.search(r"pipebench", line)] == []


def test_paragraphs_flow_and_examples_stay() -> None:
    assert flowing("examples:\n  a\n  b\n\nmany\nwords\n") == "examples:\n  a\n  b\n\nmany words"


def test_lines_that_are_too_wide_hang_below_their_text() -> None:
    assert fit("  run  measure this and that", 20) == ["  run  measure this", "       and that"]
    assert fit("  pipebench list --json   as JSON", 26) == ["  pipebench list --json", "      as JSON"]
    assert fit("  pipebench list --json", 10) == ["  pipebench list --json"]
    assert fit("so many words", 8) == ["so many", "words"]
    assert fit("", 8) == [""]


def test_what_is_said_of_an_example_is_no_part_of_it() -> None:
    text = (
        "  pipebench run --data D   says this\n  pipebench ab a=x b=y --data D >> $FILE\n  pipebench COMMAND"
    )
    assert examples(text)[:2] == ["pipebench run --data D", "pipebench ab a=x b=y --data D"]
