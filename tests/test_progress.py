"""Progress passes everything on, and says little."""

import sys

import pytest

from pipebench.progress import track


@pytest.mark.parametrize("terminal", [True, False])
def test_every_item_comes_through(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    assert list(track(iter(range(25)), 25, "Counting")) == list(range(25))


def test_a_log_gets_ten_lines_at_most(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in track(range(1234), 1234, "Counting"):
        pass
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 10
    assert captured.err.splitlines()[-1] == "Counting: 1234 of 1234"


def test_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track([], 0, "Counting")) == []
    assert capsys.readouterr().err == ""
