"""Short batches of single workers, joined so that only the last batch of a rank is short."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipebench.contract import Workload

Received = tuple[NDArray[np.int64], Any]
"""Ids (n,), and the tensor of their inputs or None."""


def merge_tails(received: Iterable[Received], workload: Workload) -> Iterator[Received]:
    """Whole batches pass as they come; shorter ones are kept, and joined when the epoch ends."""
    kept: list[Received] = []
    for ids, inputs in received:
        if len(ids) == workload.batch_size:
            yield ids, inputs
        elif len(ids):
            kept.append((ids, None if inputs is None else inputs.clone()))
    yield from _joined(kept, workload.batch_size, drop_last=workload.drop_last)


def _joined(kept: list[Received], size: int, *, drop_last: bool) -> Iterator[Received]:
    count = sum(len(ids) for ids, _ in kept)
    whole = count - count % size if drop_last else count
    if not whole:
        return
    ids, inputs = np.concatenate([ids for ids, _ in kept]), _concatenated([part for _, part in kept])
    for start in range(0, whole, size):
        part = slice(start, min(start + size, whole))
        yield ids[part], None if inputs is None else inputs[part]


def _concatenated(parts: list[Any]) -> Any:
    if parts[0] is None:
        return None
    import torch

    return torch.cat(parts)
