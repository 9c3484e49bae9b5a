"""What must hold of every batch, and of the ids of an epoch; nothing here knows what a sample is."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from pipebench.contract import Batch, Placement, Workload
from pipebench.kinds import Kind

Ids = NDArray[np.int64]

HELD_BATCHES = 8
"""So many batches are held for a while, so that a loader that hands out a buffer again while it is in use
has the time to spoil it; all others are held for as long as checking them takes."""

TELLING = 16
"""Samples from which on a stored order is told from a random one. A random order of so many has 1 pair of
stored neighbours on average, and 8 with a probability of 1e-5."""


class NotTheSame(Exception):
    """A loader's work differs from what was asked; the message is the sentence that says how."""


@contextmanager
def unspoilt(number: int, batch: Batch, hold: Callable[[], None]) -> Iterator[None]:
    """A batch is in use inside; raises `NotTheSame` where it is not as it was when that ends."""
    came = _digest(batch)
    yield
    if number < HELD_BATCHES:
        hold()
    if _digest(batch) != came:
        raise NotTheSame(
            f"batch {number} changed while it was in use: its buffer was handed out again too early"
        )


def check_batch(number: int, batch: Batch, workload: Workload, placement: Placement, kind: Kind) -> None:
    """Raises `NotTheSame` for wrong ids, sizes, labels, shapes, dtypes, layouts or devices."""
    total, where = workload.dataset.samples, f"batch {number}"
    ids = batch.ids
    if not isinstance(ids, np.ndarray) or ids.dtype != np.int64 or ids.ndim != 1:
        raise NotTheSame(f"{where} has ids that are no int64 numpy array of one dimension")
    if not 1 <= len(ids) <= workload.batch_size:
        raise NotTheSame(f"{where} has {len(ids)} samples, where 1 to {workload.batch_size} were asked")
    outside = ids[(ids < 0) | (ids >= total)]
    if len(outside):
        raise NotTheSame(f"{where} has id {outside[0]}, where ids run from 0 to {total - 1}")
    fault = kind.layout_fault(batch.inputs, len(ids), workload.preprocessing)
    if fault is not None:
        raise NotTheSame(f"{where}: {fault}")
    _check_labels(where, batch, workload)
    for name, tensor in (("inputs", batch.inputs), ("labels", batch.labels)):
        if tensor.device.type != placement.device.partition(":")[0]:
            raise NotTheSame(f"{where} has its {name} on {tensor.device}, not on {placement.device}")


def _check_labels(where: str, batch: Batch, workload: Workload) -> None:
    import torch

    labels = batch.labels
    if not isinstance(labels, torch.Tensor) or labels.dtype != torch.int64 or labels.ndim != 1:
        raise NotTheSame(f"{where} has labels that are no int64 tensor of one dimension")
    expected = workload.dataset.index.label[batch.ids]
    if len(labels) != len(expected):
        raise NotTheSame(f"{where} has {len(labels)} labels for {len(expected)} samples")
    wrong = np.flatnonzero(labels.cpu().numpy() != expected)
    if len(wrong):
        row = wrong[0]
        raise NotTheSame(
            f"labels do not belong to their samples: sample {batch.ids[row]} came with label "
            f"{int(labels[row])}, and the index says {expected[row]}"
        )


def check_sizes(sizes: Sequence[int], batch_size: int) -> None:
    """Raises `NotTheSame` where a batch other than a rank's last is short."""
    for number, size in enumerate(sizes[:-1]):
        if size != batch_size:
            raise NotTheSame(f"batch {number} has {size} samples, not {batch_size}, and is not the last")


def check_ids(ranks: Sequence[Ids], workload: Workload, *, complete: bool) -> None:
    """Raises `NotTheSame` where the ranks' ids are not each sample exactly once.

    `complete` says that the epoch was delivered to its end, so that what is missing can be told.
    """
    for ids in ranks:
        twice = _repeated(ids)
        if len(twice):
            raise NotTheSame(f"sample {twice[0]} came twice in one epoch{_others(len(twice))}")
    _check_between_ranks(ranks)
    if complete:
        _check_missing(np.concatenate(ranks), [len(ids) for ids in ranks], workload)


def _check_between_ranks(ranks: Sequence[Ids]) -> None:
    owner: dict[int, int] = {}
    for rank, ids in enumerate(ranks):
        for sample in ids.tolist():
            if sample in owner:
                raise NotTheSame(f"ranks {owner[sample]} and {rank} both delivered sample {sample}")
            owner[sample] = rank


def _check_missing(ids: Ids, counts: Sequence[int], workload: Workload) -> None:
    missing = np.setdiff1d(np.arange(workload.dataset.samples), ids)
    whole = all(count % workload.batch_size == 0 for count in counts)
    partial = whole and len(missing) <= len(counts) * (workload.batch_size - 1)
    if not len(missing) or (workload.drop_last and partial):
        return
    if partial:
        raise NotTheSame(f"the last partial batch was dropped: {len(missing)} samples never came")
    raise NotTheSame(f"sample {missing[0]} never came{_others(len(missing))}")


def check_shuffled(ids: Ids) -> None:
    """Raises `NotTheSame` for a rank's ids that mostly follow their neighbours in storage."""
    if len(ids) < TELLING:
        return
    neighbours = float((np.diff(_places(ids)) == 1).mean())
    if neighbours > 0.5:
        raise NotTheSame(f"samples are not shuffled: {neighbours:.0%} of them follow their stored neighbour")


def check_reshuffled(first: Ids, second: Ids) -> None:
    """Raises `NotTheSame` for two epochs of a rank in one order."""
    if len(first) >= TELLING and np.array_equal(first, second):
        raise NotTheSame("samples are not shuffled anew: two epochs came in the same order")


def displacement(ranks: Sequence[Ids], samples: int) -> float:
    """Mean distance of a sample from its stored place among its rank's, as a share of the epoch.

    1/3 for a global shuffle. Of an epoch that was left early the distance counts as far as the ids that
    came reach over the dataset.
    """
    shares = [_displacement(ids, samples) for ids in ranks if len(ids)]
    return float(np.mean(shares)) if shares else 0.0


def _displacement(ids: Ids, samples: int) -> float:
    reach = (int(ids.max()) - int(ids.min()) + 1) / samples
    return float(np.abs(_places(ids) - np.arange(len(ids))).mean() / len(ids)) * reach


def _places(ids: Ids) -> Ids:
    """Each id's place in the stored order of those that came."""
    places: Ids = np.argsort(np.argsort(ids))
    return places


def _repeated(ids: Ids) -> Ids:
    values, counts = np.unique(ids, return_counts=True)
    repeated: Ids = values[counts > 1]
    return repeated


def _others(number: int) -> str:
    return f" (and {number - 1} others)" if number > 1 else ""


def _digest(batch: Batch) -> int:
    digest = xxhash.xxh3_64()
    for array in batch:
        if array is not None:
            host = array if isinstance(array, np.ndarray) else array.cpu().numpy()
            digest.update(_in_memory_order(host).data)
    return digest.intdigest()


def _in_memory_order(array: NDArray[Any]) -> NDArray[Any]:
    """The same bytes without a copy, where the array has no gaps."""
    return np.ascontiguousarray(array.transpose(np.argsort(array.strides)[::-1]))
