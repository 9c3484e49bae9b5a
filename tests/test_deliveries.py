"""Checks of ids and of their order, without any loader."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipebench.contract import Batch, Preprocessing, Workload
from pipebench.dataset import Dataset
from pipebench.deliveries import (
    HELD_BATCHES,
    NotTheSame,
    check_ids,
    check_reshuffled,
    check_shuffled,
    check_sizes,
    displacement,
    unspoilt,
)

DATASET = Dataset(
    url="d",
    root="d",
    kind="image",
    format="folder",
    classes=("a",),
    samples=10,
    payload_bytes=10,
    content_id="c",
)
WORKLOAD = Workload(dataset=DATASET, batch_size=4, preprocessing=Preprocessing())
DROPPING = replace(WORKLOAD, drop_last=True)


def _ids(*values: int) -> Any:
    return np.array(values, np.int64)


@pytest.mark.parametrize(
    ("ranks", "workload"),
    [
        ([_ids(*range(10))], WORKLOAD),
        ([_ids(*range(0, 10, 2)), _ids(*range(1, 10, 2))], WORKLOAD),
        ([_ids(*range(10)), _ids()], WORKLOAD),
        ([_ids(*range(8))], DROPPING),
        ([_ids(0, 1, 2, 3), _ids(4, 5, 6, 7)], DROPPING),
        ([_ids(), _ids(), _ids()], replace(DROPPING, batch_size=8)),
    ],
)
def test_each_sample_once_passes(ranks: Any, workload: Workload) -> None:
    check_ids(ranks, workload, complete=True)


@pytest.mark.parametrize(
    ("ranks", "workload", "sentence"),
    [
        ([_ids(*range(10), 3)], WORKLOAD, r"^sample 3 came twice in one epoch$"),
        ([_ids(*range(10), 3, 4)], WORKLOAD, r"^sample 3 came twice in one epoch \(and 1 others\)$"),
        ([_ids(*range(6)), _ids(*range(5, 10))], WORKLOAD, "ranks 0 and 1 both delivered sample 5"),
        ([_ids(*range(9))], WORKLOAD, "^sample 9 never came$"),
        ([_ids(*range(8))], WORKLOAD, "the last partial batch was dropped: 2 samples never came"),
        ([_ids(*range(4))], DROPPING, r"^sample 4 never came \(and 5 others\)$"),
        ([_ids(*range(7))], DROPPING, "^sample 7 never came"),
    ],
)
def test_anything_else_is_named(ranks: Any, workload: Workload, sentence: str) -> None:
    with pytest.raises(NotTheSame, match=sentence):
        check_ids(ranks, workload, complete=True)


def test_of_an_unfinished_epoch_only_repetitions_count() -> None:
    check_ids([_ids(5, 1)], WORKLOAD, complete=False)
    with pytest.raises(NotTheSame, match="twice"):
        check_ids([_ids(5, 5)], WORKLOAD, complete=False)


def test_only_the_last_batch_may_be_short() -> None:
    check_sizes([4, 4, 2], 4)
    check_sizes([], 4)
    with pytest.raises(NotTheSame, match="batch 1 has 2 samples, not 4, and is not the last"):
        check_sizes([4, 2, 4], 4)


@pytest.mark.parametrize("seed", range(50))
def test_random_orders_count_as_shuffled(seed: int) -> None:
    order = np.random.default_rng(seed).permutation(16 + seed)
    check_shuffled(order)
    check_reshuffled(order, np.random.default_rng(seed + 1000).permutation(16 + seed))


def test_a_shuffle_buffer_counts_as_shuffled() -> None:
    generator, waiting, order = np.random.default_rng(0), list(range(16)), []
    for sample in range(16, 200):
        place = int(generator.integers(16))
        order.append(waiting[place])
        waiting[place] = sample
    check_shuffled(np.array(order))
    assert 0.03 < displacement([np.array(order)], 200) < 0.15


@pytest.mark.parametrize(
    "ids",
    [
        np.arange(100),
        np.arange(1, 100, 3),
        np.arange(100).reshape(4, 25)[[2, 0, 3, 1]].ravel(),
    ],
)
def test_stored_orders_are_named(ids: Any) -> None:
    with pytest.raises(NotTheSame, match="not shuffled"):
        check_shuffled(ids)


def test_one_order_in_two_epochs_is_named() -> None:
    order = np.random.default_rng(0).permutation(30)
    with pytest.raises(NotTheSame, match="same order"):
        check_reshuffled(order, order)


def test_short_epochs_are_not_judged() -> None:
    check_shuffled(np.arange(15))
    check_reshuffled(np.arange(15), np.arange(15))


def test_displacement() -> None:
    generator = np.random.default_rng(0)
    assert displacement([np.arange(1000)], 1000) == 0
    assert displacement([generator.permutation(1000)], 1000) == pytest.approx(1 / 3, abs=0.02)
    assert displacement([generator.permutation(10_000)[:500]], 10_000) == pytest.approx(1 / 3, abs=0.03)
    halves = [generator.permutation(500), 500 + generator.permutation(500)]
    assert displacement(halves, 1000) == pytest.approx(1 / 6, abs=0.02)
    assert displacement([np.empty(0, np.int64)], 1000) == 0


@pytest.mark.parametrize("number", [0, HELD_BATCHES])
def test_a_batch_that_changes_in_use_is_named(number: int) -> None:
    batch = Batch(np.zeros((2, 3)).T, np.zeros(3), np.arange(3))
    with unspoilt(number, batch, lambda: None):
        pass
    with (
        pytest.raises(NotTheSame, match="changed while it was in use"),
        unspoilt(number, batch, lambda: None),
    ):
        batch.inputs[1, 1] = 1


def test_the_first_batches_are_held() -> None:
    held: list[int] = []
    for number in range(HELD_BATCHES + 2):
        with unspoilt(number, Batch(None, None, np.arange(3)), lambda: held.append(1)):
            pass
    assert len(held) == HELD_BATCHES
