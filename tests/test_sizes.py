"""Byte sizes as people write them."""

import pytest

from pipebench.datasets_prep._sizes import parse_size
from pipebench.errors import BadInput


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("110000", 110_000),
        ("256MB", 256_000_000),
        ("256 mb", 256_000_000),
        ("1.5GiB", 1_610_612_736),
        ("2k", 2_000),
        ("20kB", 20_000),
        ("7B", 7),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text, "shard size") == size


@pytest.mark.parametrize("text", ["", "0", "-1", "MB", "1e6", "5 parsecs", "0.1B", "1,5GB"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(BadInput, match="shard size"):
        parse_size(text, "shard size")
