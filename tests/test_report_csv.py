"""CSV: whole values, and nothing that a spreadsheet would run."""

import csv as standard
import io
from typing import Any

import pytest

from pipebench.report.csv import cell, render


def test_rows_under_the_names_of_the_first() -> None:
    text = render([{"a": 1, "b": "x"}, {"b": 'y,"z"', "a": None}])
    assert text == 'a,b\n1,x\n,"y,""z"""\n'
    assert list(standard.reader(io.StringIO(text)))[2] == ["", 'y,"z"']


def test_without_rows_there_is_nothing() -> None:
    assert render([]) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (0.1 + 0.2, "0.30000000000000004"),
        (10**17, "100000000000000000"),
        (-1.5, "-1.5"),
        ({"a": 1}, '{"a": 1}'),
        ((1, 2), "[1, 2]"),
        ("=1+1", "'=1+1"),
        ("@x", "'@x"),
        ("+x", "'+x"),
        ("-x", "'-x"),
        ("a\nb", "a | b"),
        ("\x1b[2J", "?[2J"),
        ("plain", "plain"),
    ],
)
def test_cells(value: Any, text: str) -> None:
    assert cell(value) == text
