"""The documentation's code and commands are those that work."""

import argparse
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pipebench.dataset import Dataset
from pipebench.results import Record, TrialSpec
from pipebench.trial import run

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "docs/examples/plain.py"


def test_the_readme_shows_the_example_as_it_is() -> None:
    assert EXAMPLE.read_text() in (ROOT / "README.md").read_text()


def test_the_method_page_shows_the_rules_constants() -> None:
    text = (ROOT / "docs/method.md").read_text()
    assert "after 10, 20, 40 and 80 blocks, each at 99.5 %" in text


@pytest.mark.parametrize(("options", "status"), [({}, "ok"), ({"draft": "true"}, "failed")])
def test_the_example_proves_its_work_and_its_shortcut_does_not(
    options: dict[str, str],
    status: str,
    tiny_folder: Dataset,
    spec: TrialSpec,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(EXAMPLE.parent)
    monkeypatch.delitem(sys.modules, "plain", raising=False)
    asked = replace(
        spec, purpose="same_work", loader="plain:Plain", options=options, data=tiny_folder.url, batch_size=32
    )
    blank = Record(run="r", contestant="plain", block=-1, spec=asked, status="failed")
    record = run(blank, 0)
    assert record.status == status, record.reason


def test_every_option_of_data_that_the_documentation_names_exists() -> None:
    from pipebench import registry
    from pipebench.cli import Parser

    parser = Parser()
    registry.load(registry.COMMANDS, "data").add_arguments(parser)
    actions = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    known = {option for action in actions.choices.values() for option in action._option_string_actions}
    pages = [ROOT / "docs/sharding.md", ROOT / "README.md"]
    shown = {
        option
        for page in pages
        for line in page.read_text().splitlines()
        if "pipebench data" in line
        for option in re.findall(r"(?<![\w-])--[a-z-]+", line)
    }
    assert "--resume" in shown
    assert shown <= known


def test_every_option_that_the_readme_names_exists() -> None:
    from pipebench.cli import Parser
    from pipebench.commands.run import RunCommand

    parser = Parser()
    RunCommand().add_arguments(parser)
    shown = {
        option
        for line in (ROOT / "README.md").read_text().splitlines()
        if "pipebench run" in line
        for option in re.findall(r"--[a-z-]+", line)
    }
    assert shown <= set(parser.format_help().split()) | {"--json"}
