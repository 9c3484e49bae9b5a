"""The pages on comparing name options that exist, and the job for CI is one that a runner could read."""

import re
import shlex
from pathlib import Path

import pytest

from pipebench import registry
from pipebench.parsing import Parser

DOCS = Path(__file__).parents[1] / "docs"
PAGES = ("ab.md", "compare.md", "pytest.md")
COMMANDS = ("ab", "audit", "compare", "export", "report", "run")


def options(command: str) -> set[str]:
    parser = Parser()
    registry.load(registry.COMMANDS, command)().add_arguments(parser)
    return set(parser._option_string_actions)


@pytest.mark.parametrize("page", PAGES)
def test_every_option_that_a_page_names_exists(page: str) -> None:
    text = (DOCS / page).read_text().replace(">\n", "").replace("\\\n", "")
    for command in COMMANDS:
        calls = re.findall(rf"(?:^|`|\$ )pipebench {command}\b([^`\n]*)", text, re.MULTILINE)
        shown = {option for call in calls for option in re.findall(r"(?<![\w-])--[a-z-]+", call)}
        assert shown <= options(command), (page, command)


def test_the_job_is_whole_and_its_command_is_understood() -> None:
    yaml = pytest.importorskip("yaml")
    [block] = re.findall(r"```yaml\n(.*?)```", (DOCS / "ab.md").read_text(), re.DOTALL)
    job = yaml.safe_load(block)["jobs"]["speed"]
    runs = [step["run"] for step in job["steps"] if "run" in step]
    assert len(runs) == 3
    command = runs[-1].partition(">>")[0].replace("$RUNNER_TEMP", "/rt")
    words = shlex.split(command)
    assert words[0] == "/rt/pr/bin/pipebench"
    parser = Parser()
    registry.load(registry.COMMANDS, "ab")().add_arguments(parser)
    args = parser.parse_args(words[2:])
    assert args.versions == ["base=fastload@/rt/base", "pr=fastload@/rt/pr"]
    assert (args.format, args.redact, args.max_time) == ("markdown", True, "8m")
