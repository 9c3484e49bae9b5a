"""Tables that nobody vouches for: what is wrong is said with its line."""

from pathlib import Path

import pytest

from pipebench.errors import BadInput
from pipebench.strict_csv import MOST_BYTES, lines, read_text


def rows(text: str) -> list[tuple[str, float | None]]:
    return [(line.needed("a"), line.positive("b")) for line in lines(text, "t.csv", ("a", "b"), ("c",))]


def test_rows_and_optional_columns() -> None:
    assert rows('a,b\n x ,1.5\n\n"y, z",\n') == [("x", 1.5), ("y, z", None)]
    assert rows("b,c,a\n2,,x\n") == [("x", 2)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "its first line must name the columns a, b"),
        ("a\nx\n", "b is missing"),
        ("a,b,a\n", "a column is there twice"),
        ("a,b,d\n", "there is no column 'd'"),
        ("a,b\nx\n", "t.csv, line 2: 1 cells under 2 columns"),
        ("a,b\nx,1,2\n", "t.csv, line 2: 3 cells under 2 columns"),
        ("a,b\n,1\n", "t.csv, line 2: a is empty"),
        ("a,b\nx,0\n", "b must be a number above 0, not '0'"),
        ("a,b\nx,nan\n", "above 0"),
        ("a,b\nx,inf\n", "above 0"),
        ("a,b\nx,fast\n", "not 'fast'"),
        ("a,b\n\x1b[31mx,1\n", "not printable"),
        (f"a,b\n{'x' * 501},1\n", "longer than 500"),
        ('a,b\n"x,1\n', "t.csv, line 2"),
    ],
)
def test_anything_else_is_one_sentence(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        rows(text)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "large").write_bytes(b" " * (MOST_BYTES + 1))
    for name, says in (("none", "No such file"), ("binary", "no text"), ("large", "larger than 4 MB")):
        with pytest.raises(BadInput, match=says):
            read_text(tmp_path / name)
    with pytest.raises(BadInput, match="Is a directory"):
        read_text(tmp_path)
