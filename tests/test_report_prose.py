"""Sentences are folded at words on a terminal, and stay whole where they are piped."""

import pytest

from pipebench.cli import main
from pipebench.report.prose import complain, folded

SENTENCE = "nothing can be read from a folder whose name is somewhat longer than what fits into one line"


def test_lines_fold_at_words_and_keep_their_indent() -> None:
    assert list(folded(["  a bb ccc", "", "short"], 6)) == ["  a bb", "  ccc", "", "short"]
    assert list(folded(["x" * 20], 6)) == ["x" * 20]


def test_piped_lines_stay_whole() -> None:
    assert list(folded(["a " * 100], None)) == ["a " * 100]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipebench.report.prose.width", lambda _: 40)


@pytest.mark.usefixtures("terminal")
def test_on_a_terminal_what_is_wrong_is_folded_at_words(capsys: pytest.CaptureFixture[str]) -> None:
    complain(SENTENCE)
    lines = capsys.readouterr().err.splitlines()
    assert max(map(len, lines)) <= 40
    assert " ".join(lines) == f"pipebench: {SENTENCE}"


@pytest.mark.usefixtures("terminal")
def test_so_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--data", "/nowhere/at/all/and/further", "--loader", "nope"]) == 2
    assert len(capsys.readouterr().err.splitlines()) > 1


def test_piped_it_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    complain(SENTENCE)
    assert capsys.readouterr().err == f"pipebench: {SENTENCE}\n"


def test_what_is_left_of_a_line_hangs_below_its_text() -> None:
    assert list(folded(["name  one two three"], 12, hang=6)) == ["name  one", "      two", "      three"]
    assert list(folded(["  one two"], 6)) == ["  one", "  two"]
    assert list(folded(["name  one two three"], None, hang=6)) == ["name  one two three"]
