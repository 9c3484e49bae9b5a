"""Where shards begin."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipebench.datasets_prep.catalogue.catalogue import Sizes
from pipebench.datasets_prep.formats import FORMATS
from pipebench.datasets_prep.sharding.cuts import Amount, cut_by_bytes, cut_by_samples, cut_evenly, estimate

Values = NDArray[np.int64]


def amount(sizes: list[int], limit: int | None = None) -> Amount:
    total = Amount()
    for some in chunks(sizes):
        total.add(some, some, limit)
    return total


def chunks(sizes: list[int]) -> Iterator[Values]:
    """Of 7, and one that is empty."""
    yield np.empty(0, np.int64)
    for start in range(0, len(sizes), 7):
        yield np.array(sizes[start : start + 7], np.int64)


def shards(sizes: list[int], counts: list[int]) -> list[int]:
    """The bytes of each shard."""
    ends = np.cumsum(counts).tolist()
    return [sum(sizes[end - count : end]) for end, count in zip(ends, counts, strict=True)]


def test_amounts() -> None:
    total = amount([5, 1, 9, 9], limit=8)
    assert (total.samples, total.payload_bytes, total.written_bytes) == (4, 24, 24)
    assert (total.largest, total.oversized) == (9, 2)


@pytest.mark.parametrize(
    ("samples", "most", "counts"), [(6, 2, [2, 2, 2]), (7, 2, [2, 2, 2, 1]), (1, 5, [1])]
)
def test_by_samples(samples: int, most: int, counts: list[int]) -> None:
    assert cut_by_samples(Amount(samples=samples), most) == counts


@pytest.mark.parametrize(
    ("samples", "written", "counts"),
    [
        (96, 1000, [6] * 16),
        (3, 1000, [1] * 3),
        (40, 25 * 256_000_000 - 5, [1, 2, 1, 2, 2] * 5),
        (20_000_000, 1000, [250_000] * 80),
    ],
)
def test_evenly(samples: int, written: int, counts: list[int]) -> None:
    cut = cut_evenly(Amount(samples=samples, written_bytes=written))
    assert sorted(cut) == sorted(counts)


@given(st.lists(st.integers(0, 100), min_size=1, max_size=60), st.integers(1, 500))
def test_by_bytes_a_limit_is_a_limit(sizes: list[int], limit: int) -> None:
    counts = cut_by_bytes(amount(sizes), chunks(sizes), limit)
    assert sum(counts) == len(sizes)
    assert min(counts) > 0
    for taken, count in zip(shards(sizes, counts), counts, strict=True):
        assert taken <= limit or count == 1


def test_by_bytes_shards_are_alike() -> None:
    """Filled one after the other there would be two of 100 and one of 5."""
    sizes = [5] * 41
    assert cut_by_bytes(amount(sizes), chunks(sizes), 100) == [14, 14, 13]


def test_large_samples_are_put_where_there_is_room() -> None:
    sizes = [60, 30, 60, 10, 500, 40, 60]
    assert cut_by_bytes(amount(sizes), chunks(sizes), 100) == [2, 2, 1, 2]


def test_estimates_are_of_the_format() -> None:
    sizes = Sizes(np.array([1, 600]), np.array([0, 2]), np.array([0, 700]))
    assert estimate(FORMATS["wds"], sizes).tolist() == [2048, 2560 + 1536 + 1024]
    assert estimate(FORMATS["folder"], sizes).tolist() == [4096, 4096 * 3]
