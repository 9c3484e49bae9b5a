"""Loaders, commands and kinds by name, from any distribution or from the working folder."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipebench import registry
from pipebench.errors import BadInput


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """`install(module source, entry points)` as another distribution would."""

    def do(source: str, points: str) -> None:
        (tmp_path / "third_party.py").write_text(source)
        information = tmp_path / "third_party-1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: third-party\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text(f"[pipebench.loaders]\n{points}\n")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "third_party", raising=False)

    return do


def test_our_own_are_there() -> None:
    assert {"resident", "torch_dataloader", "webdataset", "dali"} <= set(registry.names(registry.LOADERS))
    assert {"run", "list", "doctor", "data"} <= set(registry.names(registry.COMMANDS))
    assert "image" in registry.names(registry.KINDS)


def test_a_third_partys_loader_is_one_of_them(install: Callable[[str, str], None]) -> None:
    install("class Mine: pass", "mine = third_party:Mine")
    assert "mine" in registry.names(registry.LOADERS)
    assert registry.loader("mine").__name__ == "Mine"  # type: ignore[attr-defined]
    assert registry.entry(registry.LOADERS, "mine").dist.name == "third-party"  # type: ignore[union-attr]


def test_naming_imports_nothing(install: Callable[[str, str], None]) -> None:
    install("raise RuntimeError('imported')", "mine = third_party:Mine")
    assert "mine" in registry.names(registry.LOADERS)
    assert "third_party" not in sys.modules


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import no_such_library", "No module named 'no_such_library'"),
        ("x = 1", "has no attribute 'Mine'"),
        ("import sys; sys.no_such_thing", "has no attribute 'no_such_thing'"),
    ],
)
def test_a_broken_one_is_one_sentence(install: Callable[[str, str], None], source: str, says: str) -> None:
    install(source, "mine = third_party:Mine")
    with pytest.raises(BadInput, match="loader 'mine' \\(third_party:Mine\\) cannot be imported") as raised:
        registry.loader("mine")
    assert says in str(raised.value)


def test_an_unknown_name_brings_the_nearest() -> None:
    with pytest.raises(BadInput, match="there is no loader 'webdatset'; did you mean 'webdataset'"):
        registry.loader("webdatset")
    with pytest.raises(BadInput, match="there is no kind 'imag'; did you mean 'image'"):
        registry.load(registry.KINDS, "imag")


def test_a_class_from_the_working_folder(fakes: str) -> None:
    assert registry.loader(f"{fakes}:Good").__name__ == "Good"  # type: ignore[attr-defined]


def test_a_class_from_a_package_in_the_working_folder(fakes: str) -> None:
    Path("below").mkdir()
    Path("below/inner.py").write_text("class Mine: pass")
    assert registry.loader("below.inner:Mine").__name__ == "Mine"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("no_such_module:Good", "there is no module 'no_such_module' in "),
        ("no_such.inner.deeper:Good", "there is no module 'no_such' in "),
        ("fake_loaders:Goood", "module 'fake_loaders' has no 'Goood'"),
        ("fake_loaders.inner:Good", "there is no module 'fake_loaders.inner' in "),
        (":Good", "is not of the form module:Class"),
        ("fake_loaders:", "is not of the form module:Class"),
        ("fake_loaders:Good:x", "is not of the form module:Class"),
        ("./fake_loaders.py:Good", "is not of the form module:Class"),
        ("..fake_loaders:Good", "is not of the form module:Class"),
    ],
)
def test_a_missing_module_or_class_is_one_sentence(fakes: str, name: str, says: str) -> None:
    with pytest.raises(BadInput) as raised:
        registry.loader(name)
    assert says in str(raised.value)


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import no_such_library", ModuleNotFoundError),
        ("None.no_such_thing", AttributeError),
        ("x=", SyntaxError),
    ],
)
def test_what_is_wrong_inside_the_module_is_not_hidden(
    fakes: str, source: str, error: type[Exception]
) -> None:
    Path("broken_loader.py").write_text(source)
    with pytest.raises(error):
        registry.loader("broken_loader:Good")
