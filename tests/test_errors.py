"""The sentences that users read."""

import pytest

from pipebench.errors import one_line, unknown


@pytest.mark.parametrize(
    ("name", "known", "says"),
    [
        ("dalli", ["dali", "webdataset"], "there is no loader 'dalli'; did you mean 'dali'?"),
        ("xyz", ["dali", "webdataset"], "there is no loader 'xyz'; known: dali, webdataset"),
        ("xyz", [], "there is no loader 'xyz'; known: none"),
        ("", ["dali"], "there is no loader ''; known: dali"),
        ("a\nb\udcff", ["dali"], r"there is no loader 'a\nb\udcff'; known: dali"),
    ],
)
def test_an_unknown_name_brings_the_nearest_or_all(name: str, known: list[str], says: str) -> None:
    assert str(unknown("loader", name, known)) == says


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        (" plain  ", "plain"),
        ("two\nlines\r\nor three", "two | lines | or three"),
        ("\x1b[31mred\x1b[0m\x00\ttab", "?[31mred?[0m??tab"),
        ("ä×日本 [bold]", "ä×日本 [bold]"),
        ("\udcff", "?"),
    ],
)
def test_foreign_text_becomes_one_printable_line(text: str, line: str) -> None:
    assert one_line(text) == line


def test_of_a_long_text_the_end_is_kept() -> None:
    assert one_line("x" * 5000 + "end", longest=5) == "...xxend"
