"""Writes the pages that follow from the code: `commands.md` from the parsers, `schema.md` from the records.

`python docs/generate.py` writes both; a test compares them with what the code says now.
"""

import argparse
import ast
import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

from pipebench import dataset, machine, measure, registry, resources, results, same_work
from pipebench.parsing import START, command, command_parser, subparsers

HERE = Path(__file__).parent

COMMANDS = """\
# Every command

<!-- made by docs/generate.py from the parsers; change those -->

`pipebench COMMAND --help` says the same on a terminal. [On the shell](shell.md) tells what all commands
have in common: exit codes, completion, progress and `--quiet`, and where results are kept.
"""
SCHEMA = """\
# The result schema

<!-- made by docs/generate.py from pipebench/results.py and what its records hold; change those -->

A results file holds one JSON object a line, one line a trial, appended and synced when the trial ends. It
holds raw values only: every figure that pipebench prints is derived from them when they are read, and
`pipebench audit` derives it a second time. Names tell units: `seconds`, `bytes`, and `_ns` for nanoseconds.
Moments are those of the host's monotonic clock. Whoever reads a line of a later `schema` than they know must
refuse it.

`pipebench export RESULT --of trials` (and `--of batches`) writes the same as CSV. To read it in Python
without pipebench:

```python
import json

with open("results.jsonl") as file:
    records = [json.loads(line) for line in file]
for record in records:
    if record["block"] >= 0 and record["status"] == "ok":
        times = record["trace"]["got_ns"]
        print(record["contestant"], len(times), "batches in", (times[-1] - times[0]) / 1e9, "s")
```
"""
HISTORY = "Schema history\n--------------\n"

CLASSES: list[tuple[ModuleType, str, str]] = [
    (results, "Record", "A line"),
    (results, "TrialSpec", "`spec`"),
    (measure, "Trace", "`trace`"),
    (measure, "Look", "`trace.looks`, each"),
    (resources, "Resources", "`resources.first` and `resources.last`"),
    (machine, "Machine", "`machine`"),
    (same_work, "SameWork", "`same_work`, of a proof"),
    (dataset, "Dataset", "A dataset's `dataset.json`"),
]


def commands() -> str:
    """The page of every command."""
    parts = [COMMANDS, "```", START.partition("\n\n")[0].partition("\n")[2], "```", ""]
    for name in registry.names(registry.COMMANDS):
        parser = command_parser(name, command(name))
        parts += _command(parser, f"## {parser.prog}")
        for below in subparsers(parser).values():
            parts += _command(below, f"### {below.prog}")
    return "\n".join(parts)


def _command(parser: argparse.ArgumentParser, heading: str) -> Iterator[str]:
    yield from (heading, "", parser.description or "", "")
    if not subparsers(parser):
        yield from ("```", _usage(parser), "```", "")
    first = [group for group in parser._action_groups if group.title in UNTITLED]
    yield from _options([action for group in first for action in group._group_actions])
    for group in parser._action_groups:
        if group.title not in UNTITLED:
            yield from (f"{group.title}:", "")
            yield from _options(group._group_actions)
    for text in (parser.epilog or "").split("\n\n"):
        yield from ("```", text, "```", "") if "\n " in text else (_cell(text), "")


UNTITLED = ("options", "positional arguments")
"""Names that argparse gives to a parser's own groups."""


def _usage(parser: argparse.ArgumentParser) -> str:
    needed = [action for action in parser._actions if action.required and action.option_strings]
    places = [action for action in parser._actions if not action.option_strings]
    words = [*map(_shown, needed), "[OPTIONS]", *map(_shown, places)]
    return " ".join([parser.prog, *words])


def _options(actions: Iterable[argparse.Action]) -> Iterator[str]:
    rows = [
        f"| `{_cell(_shown(action))}` | {_cell(_about(action))} |"
        for action in actions
        if "--help" not in action.option_strings and not isinstance(action, argparse._SubParsersAction)
    ]
    if rows:
        yield from ("| | |", "|---|---|", *rows, "")


def _shown(action: argparse.Action) -> str:
    """`--data D`, `{loaders,models}`, or `[RESULT ...]`."""
    value = f"{{{','.join(map(str, action.choices))}}}" if action.choices else action.metavar
    value = str(value or action.dest.upper())
    if action.option_strings:
        return action.option_strings[-1] + ("" if action.nargs == 0 else f" {value}")
    return {"?": f"[{value}]", "*": f"[{value} ...]", "+": f"{value} ..."}.get(str(action.nargs), value)


def _about(action: argparse.Action) -> str:
    text = (action.help or "") % (vars(action) | {"prog": ""})
    return f"{text}; needed" if action.required and action.option_strings else text


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def schema() -> str:
    """The page of the result schema."""
    history = (results.__doc__ or "").partition(HISTORY)[2].strip()
    parts = [SCHEMA, "## History", "", "| schema | |", "|---|---|"]
    parts += [f"| {number} | {_cell(text)} |" for number, text in _history(history)]
    parts += ["", f"This pipebench writes schema {results.SCHEMA}.", ""]
    for module, name, heading in CLASSES:
        found = next(
            node for node in _tree(module).body if isinstance(node, ast.ClassDef) and node.name == name
        )
        parts += [f"## {heading}", "", ast.get_docstring(found) or "", ""]
        parts += ["| field | type | |", "|---|---|---|"]
        parts += [
            f"| `{field}` | `{_cell(kind)}` | {_cell(about)} |"
            for field, kind, about in _fields(found)
            if (module, field) != (dataset, "url")  # where it was found is not written
        ]
        parts.append("")
    return "\n".join(parts)


def _history(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        number, _, about = line.partition(" ")
        yield number, about.strip()


def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def _fields(found: ast.ClassDef) -> Iterator[tuple[str, str, str]]:
    """Name, type and docstring of each field."""
    for node, after in zip(found.body, [*found.body[1:], None], strict=True):
        if not isinstance(node, ast.AnnAssign):
            continue
        told = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        text = " ".join(str(after.value.value).split()) if told else ""  # type: ignore[union-attr] # as told
        yield ast.unparse(node.target), ast.unparse(node.annotation).strip("'"), text


PAGES = {"commands.md": commands, "schema.md": schema}

if __name__ == "__main__":
    for name, make in PAGES.items():
        (HERE / name).write_text(make())
