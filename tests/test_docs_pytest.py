"""The page on pytest shows what works: its example is run as a project outside this one."""

import inspect
import re
import shutil
from pathlib import Path

import pytest

from pipebench import cli
from pipebench.benchmarking import LoaderBench
from pipebench.dataset import Dataset
from pipebench.workbench import ASKED

pytest_plugins = ("pytester",)

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/pytest.md").read_text()
EXAMPLES = ROOT / "docs/examples"


def test_the_page_shows_the_example_as_it_is() -> None:
    assert (EXAMPLES / "test_plain.py").read_text().rstrip() in PAGE


def test_the_page_names_every_argument_with_its_default() -> None:
    [call] = re.findall(r"pipebench_loader\(\n(.*?)^\)", PAGE, re.MULTILINE | re.DOTALL)
    shown = dict(re.findall(r"^    (\w+)=(.+?),  ", call, re.MULTILINE))
    shown |= dict(re.findall(r"^    (\w+)=([\w.]+),", call, re.MULTILINE))
    signature = inspect.signature(LoaderBench.__call__).parameters.values()
    takes = {p.name: p.default for p in signature if p.default is not p.empty}
    assert {name: eval(text) for name, text in shown.items()} == takes | {"settings": {}}  # noqa: S307 - ours
    [further] = re.findall(r"# and of the workload: (.*)", call)
    assert set(further.split(", ")) == ASKED


def test_the_example_is_a_project_that_measures(
    pytester: pytest.Pytester, tiny_folder: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("plain.py", "test_plain.py"):
        shutil.copy(EXAMPLES / name, pytester.path)
    own = "@pytest.fixture(scope='session')\ndef pipebench_data():"
    pytester.makeconftest(f"import pytest\n\n{own} return {tiny_folder.url!r}\n")
    result = pytester.runpytest_subprocess("-W", "error", "-k", "first", "--benchmark-json=b.json")
    result.assert_outcomes(passed=1, deselected=3)
    result.stdout.fnmatch_lines(["test_first_batch: plain:Plain: * 5 trials *same work: proved*"])
    assert cli.main(["compare", str(pytester.path / "b.json")]) == 0
    assert "plain:Plain" in capsys.readouterr().out
