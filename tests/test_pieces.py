"""Which requests read some ranges."""

from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from pipebench.remote.contract import Range
from pipebench.remote.pieces import GAP_BYTES, REQUEST_BYTES, contents, pieces

MB = 2**20


def spans(*ranges: Range) -> list[tuple[str, int, int]]:
    return [piece[:3] for piece in pieces(ranges)]


def test_neighbours_are_read_together() -> None:
    assert spans(Range("a", 1000, 10), Range("a", 0, 10)) == [("a", 0, 1010)]
    assert spans(Range("a", 0, 10), Range("a", 10 + GAP_BYTES, 5)) == [("a", 0, 15 + GAP_BYTES)]
    assert len(spans(Range("a", 0, 10), Range("a", 11 + GAP_BYTES, 5))) == 2
    assert spans(Range("a", 0, 10), Range("b", 10, 10)) == [("a", 0, 10), ("b", 10, 20)]


def test_no_request_is_too_large() -> None:
    assert spans(Range("a", 7, 20 * MB)) == [
        ("a", 7, 7 + 8 * MB),
        ("a", 7 + 8 * MB, 7 + 16 * MB),
        ("a", 7 + 16 * MB, 7 + 20 * MB),
    ]
    assert spans(*(Range("a", number * MB, MB) for number in range(10))) == [
        ("a", 0, REQUEST_BYTES),
        ("a", REQUEST_BYTES, 10 * MB),
    ]


def test_nothing_is_asked_for_nothing() -> None:
    assert pieces([]) == []
    assert pieces([Range("a", 5, 0)]) == []


FILES = {name: bytes((31 * at + ord(name)) % 251 for at in range(400)) for name in "ab"}


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 200), st.integers(0, 200)), max_size=6))
def test_each_range_gets_its_bytes_whatever_lies_together(asked: list[tuple[str, int, int]]) -> None:
    ranges = [Range(*some) for some in asked]
    with patch.multiple("pipebench.remote.pieces", REQUEST_BYTES=64, GAP_BYTES=5):
        made = pieces(ranges)
    assert all(0 < piece.end - piece.begin <= 64 for piece in made)
    read = [(piece, FILES[piece.url][piece.begin : piece.end]) for piece in made]
    assert contents(ranges, read) == [FILES[url][at : at + size] for url, at, size in ranges]
