"""The documentation's code, commands and links are those that work."""

import importlib.util
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from pipebench.dataset import Dataset
from pipebench.datasets_prep import formats
from pipebench.datasets_prep.shard import Sharding, shard_dataset
from pipebench.errors import BadInput
from pipebench.parsing import command, command_parser
from pipebench.results import Record, TrialSpec
from pipebench.trial import run

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
EXAMPLE = DOCS / "examples/plain.py"
PAGES = [*sorted(DOCS.glob("*.md")), ROOT / "README.md"]
FORM = re.compile(r"[\[\]…]|\.\.\.|<TAB>")
"""What stands in the form of a command, and in none that is run."""


def script(path: Path) -> ModuleType:
    """A script under docs/, which is in no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def blocks(page: Path) -> list[str]:
    """A page's blocks of code."""
    return re.findall(r"^```(?:\w*)\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def shown_commands(page: Path) -> Iterator[str]:
    """The commands in a page's blocks of code, each without what stands behind it."""
    for block in blocks(page):
        for line in re.sub(r"\\\n *", "", block).splitlines():
            text = re.split(r" {2,}| # | >>? ", line.strip().removeprefix("$ "))[0]
            if text.startswith("pipebench ") and not FORM.search(line):
                yield text


COMMANDS = [(page.name, text) for page in PAGES for text in dict.fromkeys(shown_commands(page))]


@pytest.mark.parametrize(("page", "text"), COMMANDS)
def test_a_shown_command_is_one_that_its_parser_takes(page: str, text: str) -> None:
    _, name, *rest = shlex.split(text)
    command_parser(name, command(name)).parse_args(rest)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_block_of_code_is_empty(page: Path) -> None:
    assert all(block.strip() for block in blocks(page))


def test_commands_are_found_on_the_pages() -> None:
    assert len(COMMANDS) > 30
    assert {"README.md", "ab.md", "compare.md", "sharding.md"} <= {page for page, _ in COMMANDS}


@pytest.mark.parametrize("page", ["commands.md", "schema.md"])
def test_a_page_that_is_made_from_the_code_is_what_the_code_makes(page: str) -> None:
    made = script(DOCS / "generate.py").PAGES[page]()
    assert (DOCS / page).read_text() == made, "run 'python docs/generate.py'"


def test_the_site_builds_without_a_warning(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    """Strictly, so that no link leads nowhere and no page is left out."""
    for name in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(name, reason="pip install 'pipebench[docs]'")
    from sphinx.cmd.build import build_main

    options = ["-q", "--fail-on-warning", "--keep-going", "-d", str(tmp_path / "doctrees")]
    assert build_main([*options, "-b", "html", str(DOCS), str(tmp_path / "site")]) == 0
    made = {page.stem for page in (tmp_path / "site").glob("*.html")}
    assert {page.stem for page in DOCS.glob("*.md")} <= made


def test_the_method_page_shows_the_rules_constants() -> None:
    text = (DOCS / "method.md").read_text()
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


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's format, as if it were one of the package's."""
    monkeypatch.setitem(formats.FORMATS, "joined", script(DOCS / "examples/joined.py").Joined())


def test_the_example_of_a_format_gives_back_what_it_was_given(
    joined: None, tiny_folder: Dataset, tmp_path: Path
) -> None:
    sharding = Sharding(format="joined", shard_samples=40)
    made = shard_dataset(tiny_folder.url, str(tmp_path / "joined"), sharding).dataset
    assert made.content_id == tiny_folder.content_id
    assert [shard.samples for shard in made.shards] == [40, 40, 16]
    for sample in (0, 39, 40, 95):
        assert made.payload(sample) == tiny_folder.payload(sample)


def test_the_example_of_a_format_refuses_what_it_cannot_hold(joined: None, tmp_path: Path) -> None:
    payload = (DOCS / "demo.svg").read_bytes()
    (tmp_path / "in/cats").mkdir(parents=True)
    for name in ("x.jpg", "x.json"):
        (tmp_path / "in/cats" / name).write_bytes(payload)
    with pytest.raises(BadInput, match="further files, which 'joined' can't hold"):
        shard_dataset(str(tmp_path / "in"), str(tmp_path / "out"), Sharding(format="joined"))


def test_the_tour_is_the_one_that_its_script_takes() -> None:
    """Commands and words; what was printed is of the day on which it was taken."""
    tour, page = script(DOCS / "tour.py"), (DOCS / "tour.md").read_text()
    assert len(tour.commands()) >= 10
    for part in tour.PARTS:
        assert (part if not part.startswith("$ ") else "\n".join(tour.broken(part))) in page


def test_a_long_command_is_broken_as_a_shell_takes_it() -> None:
    tour = script(DOCS / "tour.py")
    command = "$ pipebench run" + " --option value" * 12
    lines = list(tour.broken(command))
    assert len(lines) > 1
    assert max(map(len, lines)) <= tour.WIDTH
    whole = " ".join(line.removesuffix("\\").strip() for line in lines)
    assert whole == command
