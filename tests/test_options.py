"""Texts from the command line become dataclasses, or one sentence."""

from dataclasses import dataclass
from typing import Literal, Optional

import pytest

from pipebench.errors import BadInput
from pipebench.options import override, parse_bytes, parse_pairs


@dataclass(frozen=True)
class Knobs:
    count: int = 1
    share: float = 0.5
    name: str = "x"
    on: bool = False
    mode: Literal["fast", "slow"] = "fast"
    level: Literal[1, 2] = 1
    most: int | None = 3
    old: Optional[int] = None  # noqa: UP045 - authors write it like this too
    least: None | float = None  # noqa: RUF036 - as above


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", {}),
        ("a=1", {"a": "1"}),
        ("a=1,b=x=y", {"a": "1", "b": "x=y"}),
        ("a=,b=2,", {"a": "", "b": "2"}),
        (",,a=1,,", {"a": "1"}),
    ],
)
def test_pairs(text: str, pairs: dict[str, str]) -> None:
    assert parse_pairs(text, "setting") == pairs


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a", "setting 'a' is not of the form key=value"),
        ("=1", "setting '=1' is not of the form key=value"),
        ("a=1,b", "setting 'b' is not of the form key=value"),
        ("a=1,a=2", "setting 'a' is given twice"),
    ],
)
def test_malformed_pairs(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        parse_pairs(text, "setting")


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("count", "4", 4),
        ("count", "-4", -4),
        ("share", "1e-3", 0.001),
        ("share", "2", 2.0),
        ("name", "with spaces", "with spaces"),
        ("name", "", ""),
        ("on", "true", True),
        ("on", "YES", True),
        ("on", "0", False),
        ("mode", "slow", "slow"),
        ("level", "2", 2),
        ("most", "none", None),
        ("most", "7", 7),
        ("least", "0.25", 0.25),
        ("least", "none", None),
        ("old", "9", 9),
        ("old", "none", None),
    ],
)
def test_every_type_of_field(field: str, text: str, value: object) -> None:
    changed = override(Knobs(), {field: text}, "knob")
    assert getattr(changed, field) == value
    assert type(getattr(changed, field)) is type(value)


@pytest.mark.parametrize(
    ("field", "text", "says"),
    [
        ("count", "four", "knob count must be a whole number, not 'four'"),
        ("count", "1.5", "knob count must be a whole number, not '1.5'"),
        ("count", "", "knob count must be a whole number, not ''"),
        ("share", "much", "knob share must be a number, not 'much'"),
        ("on", "maybe", "knob on must be true or false, not 'maybe'"),
        ("mode", "fas", "there is no knob mode 'fas'; did you mean 'fast'?"),
        ("level", "3", "there is no knob level '3'; known: 1, 2"),
        ("most", "few", "knob most must be a whole number, not 'few'"),
        ("cont", "1", "there is no knob 'cont'; did you mean 'count'?"),
        ("zzz", "1", "there is no knob 'zzz'; known: "),
    ],
)
def test_wrong_values_are_one_sentence(field: str, text: str, says: str) -> None:
    with pytest.raises(BadInput) as raised:
        override(Knobs(), {field: text}, "knob")
    assert str(raised.value).startswith(says)


def test_nothing_given_changes_nothing() -> None:
    assert override(Knobs(count=5), {}, "knob") == Knobs(count=5)


@pytest.mark.parametrize(
    ("text", "size"),
    [("1000", 1000), ("500kB", 500_000), ("20MB", 20_000_000), ("2GB", 2 * 10**9), ("1.5gb", 15 * 10**8)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_bytes(text, "--max-bytes") == size


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "0", "nan", "2XB", "1e999"])
def test_malformed_sizes(text: str) -> None:
    with pytest.raises(BadInput, match="--max-bytes must be"):
        parse_bytes(text, "--max-bytes")
