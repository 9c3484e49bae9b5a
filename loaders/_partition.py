"""Which samples a rank delivers in an epoch, in which order, in which batches."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pipebench.contract import Placement, Workload

from ._draws import stream


def share(workload: Workload, placement: Placement, epoch: int) -> NDArray[np.int64]:
    """The rank's ids: every id exactly once over all ranks, shuffled globally by (seed, epoch)."""
    count = workload.dataset.samples
    order = np.arange(count, dtype=np.int64)
    if workload.shuffle:
        order = np.random.default_rng(stream(workload.seed, epoch)).permutation(order)
    return order[placement.rank :: placement.world_size]


def batches(ids: NDArray[np.int64], workload: Workload) -> Iterator[NDArray[np.int64]]:
    """The ids batch by batch; a short last one only where the workload keeps it."""
    size = workload.batch_size
    whole = len(ids) - len(ids) % size if workload.drop_last else len(ids)
    for start in range(0, whole, size):
        yield ids[start : start + size]


def batch_count(workload: Workload, placement: Placement) -> int:
    """Batches of the rank in an epoch."""
    ids = len(range(placement.rank, workload.dataset.samples, placement.world_size))
    return ids // workload.batch_size if workload.drop_last else -(-ids // workload.batch_size)
