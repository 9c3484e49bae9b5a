"""No bit of a sealed text can change unnoticed."""

import json

import pytest

from pipebench.seal import CHECKSUM, seal_fault, sealed

TEXT = sealed({"schema": 2, "classes": ["ä", "b"], "made": {}})


def test_it_is_json_with_its_checksum_last() -> None:
    raw = json.loads(TEXT)
    assert list(raw) == ["schema", "classes", "made", CHECKSUM]
    assert seal_fault(TEXT) is None


def test_every_single_flipped_bit_is_found() -> None:
    for bit in range(8 * len(TEXT)):
        damaged = bytearray(TEXT)
        damaged[bit // 8] ^= 1 << bit % 8
        assert seal_fault(bytes(damaged)) is not None, bit


@pytest.mark.parametrize(
    "other", [b"", TEXT + b" ", TEXT + TEXT, TEXT[:-1], b"{}", TEXT.replace(b"\n", b"\r\n")]
)
def test_other_texts(other: bytes) -> None:
    assert seal_fault(other) is not None
