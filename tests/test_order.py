"""Which samples are written when, without having them all in memory."""

from contextlib import ExitStack

import pyarrow as pa
import pytest

from pipebench.datasets_prep.catalogue import order as _order
from pipebench.datasets_prep.catalogue import store as _store
from pipebench.datasets_prep.catalogue.order import Order
from pipebench.datasets_prep.catalogue.splits import Split, divide, parse_shares
from pipebench.datasets_prep.catalogue.store import Store

SAMPLES = 1000
WHOLE = [Split("", 0, SAMPLES)]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_order, "WINDOW", 300)
    monkeypatch.setattr(_order, "BUCKET", 64)
    monkeypatch.setattr(_store, "CHUNK", 70)


def arranged(splits: list[Split], *, shuffle: bool = False, seed: int = 0) -> list[list[int]]:
    """The ids of each split's samples, in their order."""
    with ExitStack() as stack:
        store = stack.enter_context(Store())
        for first in range(0, SAMPLES, 77):
            ids = pa.array(range(first, min(first + 77, SAMPLES)))
            store.append(pa.record_batch([ids, ids.cast(pa.string())], ["id", "text"]))
        stores = Order(shuffle=shuffle, seed=seed).arranged(store, splits, stack)
        rows = [[row for batch in found.batches() for row in batch.to_pylist()] for found in stores]
    assert all(row == {"id": row["id"], "text": str(row["id"])} for found in rows for row in found)
    return [[row["id"] for row in found] for found in rows]


def test_unasked_it_is_that_of_the_ids() -> None:
    assert arranged(WHOLE) == [list(range(SAMPLES))]


def test_shuffled_it_is_another_for_each_seed() -> None:
    one, again, other = (arranged(WHOLE, shuffle=True, seed=seed)[0] for seed in (1, 1, 2))
    assert one == again
    assert sorted(one) == sorted(other) == list(range(SAMPLES))
    assert one != other


def test_shuffled_it_does_not_depend_on_how_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    one = arranged(WHOLE, shuffle=True)
    monkeypatch.setattr(_order, "BUCKET", 1 << 17)
    monkeypatch.setattr(_order, "WINDOW", 1)
    assert arranged(WHOLE, shuffle=True) == one


@pytest.mark.parametrize("shuffle", [False, True])
def test_splits_share_nothing_and_miss_nothing(shuffle: bool) -> None:
    train, val = arranged(divide(SAMPLES, parse_shares("train=0.9,val=0.1")), shuffle=shuffle)
    assert (len(train), len(val)) == (900, 100)
    assert sorted(train + val) == list(range(SAMPLES))
    assert (train == sorted(train)) is not shuffle


def test_the_members_of_a_split_are_the_same_shuffled_or_not() -> None:
    splits = divide(SAMPLES, parse_shares("train=0.9,val=0.1"))
    plain, shuffled = arranged(splits), arranged(splits, shuffle=True)
    assert [sorted(split) for split in shuffled] == plain


def test_splits_of_a_shuffle_are_stretches_of_it() -> None:
    train, val = arranged(divide(SAMPLES, parse_shares("train=0.9,val=0.1")), shuffle=True)
    assert [train + val] == arranged(WHOLE, shuffle=True)
