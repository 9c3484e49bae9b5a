"""Keys that are alike are found among any number of them."""

from collections.abc import Iterator, Sequence

import pytest

from pipebench.datasets_prep.catalogue import alike as _alike
from pipebench.datasets_prep.catalogue.alike import Alike, alike


def find(keys: Sequence[str], together: int = 3) -> Alike:
    def parts() -> Iterator[Sequence[str]]:
        yield from (keys[first : first + together] for first in range(0, len(keys), together))

    return alike(parts)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_alike, "TOGETHER", 7)
    monkeypatch.setattr(_alike, "BLOCK", 16)


def test_nothing_is_alike() -> None:
    assert find([]) == find(["a"]) == find([f"{n}" for n in range(100)]) == Alike([], [])


def test_what_is_alike_is_found_however_far_apart() -> None:
    keys = [f"key {number}" for number in range(300)]
    keys[0], keys[299], keys[150], keys[10] = "Ä", "ä", "key 20", "key 40"
    found = find(keys)
    assert sorted(found.duplicates) == ["key 20", "key 40"]
    assert found.case_twins == [("Ä", "ä")]


def test_three_of_a_kind() -> None:
    assert find(["x", "X", "x", "x"]) == Alike(["x"], [("X", "x")])


def test_of_very_many_some_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_alike, "MOST", 5)
    found = find([f"{number}" for number in range(100)] * 2)
    assert len(set(found.duplicates)) == 5
