"""Short batches are joined at the epoch's end."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from pipebench.contract import Workload
from pipebench.dataset import Dataset
from pipebench.kinds.image import ImagePreprocessing
from pipebench.loaders._tails import Received, merge_tails


@pytest.fixture
def workload(make_dataset: Callable[..., Dataset]) -> Workload:
    return Workload(dataset=make_dataset(), batch_size=4, preprocessing=ImagePreprocessing())


def received(*sizes: int, cut: bool = False) -> list[Received]:
    starts = np.cumsum([0, *sizes])
    parts = [np.arange(start, start + size) for start, size in zip(starts, sizes, strict=False)]
    return [(ids, None if cut else torch.from_numpy(ids.copy())) for ids in parts]


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize(
    ("sizes", "merged", "whole"),
    [
        ((4, 4), [4, 4], [4, 4]),
        ((3, 4, 3, 1), [4, 4, 3], [4, 4]),
        ((1, 4, 3), [4, 4], [4, 4]),
        ((0, 2), [2], []),
        ((), [], []),
    ],
)
def test_only_the_last_batch_is_short(
    workload: Workload, cut: bool, sizes: tuple[int, ...], merged: list[int], whole: list[int]
) -> None:
    batches = list(merge_tails(received(*sizes, cut=cut), workload))
    assert [len(ids) for ids, _ in batches] == merged
    assert sorted(i for ids, _ in batches for i in ids.tolist()) == list(range(sum(sizes)))
    assert all(cut or (inputs.numpy() == ids).all() for ids, inputs in batches)
    kept = merge_tails(received(*sizes, cut=cut), replace(workload, drop_last=True))
    assert [len(ids) for ids, _ in kept] == whole


def test_a_kept_part_is_a_copy(workload: Workload) -> None:
    parts = received(2, 4)
    merging = merge_tails(iter(parts), workload)
    next(merging)
    parts[0][1].fill_(-1)
    assert [inputs.tolist() for _, inputs in merging] == [[0, 1]]
