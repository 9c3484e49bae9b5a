"""Every id exactly once over all ranks."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from pipebench.contract import Placement, Workload
from pipebench.dataset import Dataset
from pipebench.kinds.image import ImagePreprocessing
from pipebench.loaders._partition import batch_count, batches, share


@pytest.fixture
def workload(make_dataset: Callable[..., Dataset]) -> Workload:
    return Workload(dataset=make_dataset(samples=50), batch_size=8, preprocessing=ImagePreprocessing())


@pytest.mark.parametrize("world", [1, 2, 3, 60])
def test_ranks_share_all_samples_without_padding(workload: Workload, world: int) -> None:
    shares = [share(workload, Placement(cores=1, rank=rank, world_size=world), 0) for rank in range(world)]
    assert sorted(np.concatenate(shares)) == list(range(50))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_order_follows_from_seed_and_epoch(workload: Workload) -> None:
    one = Placement(cores=1)
    first = share(workload, one, 0).tolist()
    assert first == share(workload, one, 0).tolist()
    assert first != share(workload, one, 1).tolist()
    assert first != share(replace(workload, seed=1), one, 0).tolist()
    assert share(replace(workload, shuffle=False), one, 1).tolist() == list(range(50))


@pytest.mark.parametrize(("drop_last", "sizes"), [(False, [8] * 6 + [2]), (True, [8] * 6)])
def test_only_the_last_batch_is_short(workload: Workload, drop_last: bool, sizes: list[int]) -> None:
    given = replace(workload, drop_last=drop_last)
    ids = share(given, Placement(cores=1), 0)
    assert [len(batch) for batch in batches(ids, given)] == sizes
    assert batch_count(given, Placement(cores=1)) == len(sizes)
