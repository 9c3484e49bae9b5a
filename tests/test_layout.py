"""The house's rules that neither ruff nor import-linter can state."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOADERS = sorted(path for path in (ROOT / "loaders").glob("*.py") if path.name != "__init__.py")


def siblings(path: Path) -> Iterator[str]:
    """The modules of its own folder that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            yield from [node.module] if node.module else [alias.name for alias in node.names]


@pytest.mark.parametrize("path", LOADERS, ids=lambda path: path.stem)
def test_a_loader_imports_no_other_loader(path: Path) -> None:
    assert [name for name in siblings(path) if not name.startswith("_")] == []


def test_the_top_level_is_as_it_was_agreed() -> None:
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    assert folders == {"pipebench", "loaders", "datasets_prep"}
