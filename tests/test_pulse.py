"""How much is done, how fast, and what is left."""

from unittest.mock import Mock

import pytest

from pipebench.datasets_prep._pulse import Speed


@pytest.mark.parametrize(
    ("done", "seconds", "text"),
    [
        (0, 0, "0 bytes of 8 GB"),
        (0, 5, "0 bytes of 8 GB"),
        (2_000_000_000, 10, "2 GB of 8 GB, 200 MB/s, 30 s left"),
        (9_000_000_000, 10, "8 GB of 8 GB, 800 MB/s, 0 s left"),
    ],
)
def test_speed(done: int, seconds: float, text: str) -> None:
    clock = iter([100.0, 100.0 + seconds])
    assert str(Speed(Mock(total=done), 8_000_000_000, lambda: next(clock))) == text
