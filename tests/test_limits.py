"""The host's limits: that each does its work, with a clock that takes a second a look."""

from pathlib import Path

import pytest

from pipebench import limits
from pipebench.dataset import Dataset
from pipebench.kinds import kind


class Ticking:
    """Every look at it is a second later."""

    def __init__(self) -> None:
        self.seconds = 0

    def now_ns(self) -> int:
        self.seconds += 1
        return self.seconds * 1_000_000_000

    def sleep_ns(self, duration_ns: int) -> None: ...

    def burn_ns(self, duration_ns: int) -> None: ...


def test_decode_counts_payloads(tiny_folder: Dataset) -> None:
    payloads = [tiny_folder.payload(sample) for sample in range(3)]
    limit = limits.decode(payloads, kind("image"), Ticking())
    assert limit.values == (3.0,) * limits.REPEATS


def test_storage_reads_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BIG_BYTES", 600_000)
    monkeypatch.setattr(limits, "SMALL_FILES", 5)
    found = {limit.name: limit for limit in limits.storage(tmp_path, Ticking())}
    assert found["one large file, warm"].value == pytest.approx(0.0006)
    assert found["files of 100 kB, cold"].value == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["big", *(f"small-{n:04d}" for n in range(5))]


def test_hand_over_ends_its_process() -> None:
    import multiprocessing

    names = [limit.name for limit in limits.hand_over(Ticking())]
    assert names == ["hand-over, message", "hand-over, batch copied"]
    assert not multiprocessing.active_children()
