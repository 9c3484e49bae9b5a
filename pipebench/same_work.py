"""The proof that a loader delivers the work that was asked, before anything is timed.

One epoch of the deterministic recipe (of a large dataset its beginning) shows that each sample comes
exactly once over all ranks, in the right shape, with its own pixels, and unspoilt. Two epochs over probes
of the data kind show what the random recipe does, and that each epoch has its own order.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipebench.contract import Batch, Loader, Placement, Workload
from pipebench.deliveries import (
    Ids,
    NotTheSame,
    check_batch,
    check_ids,
    check_reshuffled,
    check_shuffled,
    check_sizes,
    displacement,
    unspoilt,
)
from pipebench.kinds import kind
from pipebench.probe import write_probes

MAX_SAMPLES = 4096
"""Samples of the deterministic epoch that are delivered and checked, over all ranks."""
COMPARED = 64
"""Samples of those that are compared with the kind's reference, spread over them at random."""
PROBES = 256
PROBE_BATCH = 32
PROBE_SHARDS = 4
"""For each rank."""
HOLD_SECONDS = 0.05

Make = Callable[[Workload, Placement], Loader]


@dataclass(frozen=True, slots=True, kw_only=True)
class SameWork:
    """What was proved of one loader."""

    fault: str | None = None
    """One sentence that says what was wrong, or None where the work is the same."""
    samples: int = 0
    """Delivered and checked."""
    complete: bool = False
    """Whether those were all samples of the dataset; else a missing one would not be noticed."""
    compared: int = 0
    """Samples whose content was compared with the reference."""
    shuffle_displacement: float | None = None
    """Mean distance of a sample from its stored place, as a share of the epoch: 1/3 is a global shuffle's."""
    random: str = ""
    """`proved`, `none` for a recipe without randomness, or `unchecked` with the reason."""


def prove(
    make: Make,
    workload: Workload,
    placement: Placement,
    *,
    max_samples: int = MAX_SAMPLES,
    hold: Callable[[], None] = lambda: time.sleep(HOLD_SECONDS),
) -> SameWork:
    """Runs every rank's loader, built by `make`, one after the other in this process.

    What a loader raises passes through. `hold` waits while a batch is in use.
    """
    prover = _Prover(make, placement, hold)
    try:
        proof = prover.steady(workload, max_samples)
        return replace(proof, random=prover.random(workload))
    except NotTheSame as fault:
        return SameWork(fault=str(fault))


class _Prover:
    """Builds one loader at a time and watches its batches."""

    def __init__(self, make: Make, placement: Placement, hold: Callable[[], None]) -> None:
        self._make, self._hold = make, hold
        self._ranks = [replace(placement, rank=rank) for rank in range(placement.world_size)]

    def steady(self, workload: Workload, max_samples: int) -> SameWork:
        """The deterministic recipe; a dataset of more than `max_samples` is left when these have come."""
        asked = kind(workload.dataset.kind).deterministic(workload.preprocessing)
        workload = replace(workload, preprocessing=asked)
        total, world = workload.dataset.samples, len(self._ranks)
        complete = total <= max_samples
        share = -(-min(total, max_samples) // world)
        comparisons = [_Comparison(workload, share, -(-COMPARED // world), rank) for rank in range(world)]
        ranks = [
            self._steady_rank(workload, placement, comparison, None if complete else share)
            for placement, comparison in zip(self._ranks, comparisons, strict=True)
        ]
        check_ids(ranks, workload, complete=complete)
        if workload.shuffle:
            for ids in ranks:
                check_shuffled(ids)
        return SameWork(
            samples=sum(map(len, ranks)),
            complete=complete,
            compared=sum(comparison.compared for comparison in comparisons),
            shuffle_displacement=displacement(ranks, total) if workload.shuffle else None,
        )

    def _steady_rank(
        self, workload: Workload, placement: Placement, comparison: "_Comparison", limit: int | None
    ) -> Ids:
        came: list[Ids] = []
        with closing(self._make(workload, placement)) as loader:
            for batch in self._checked(loader, 0, workload, placement):
                comparison.see(batch)
                came.append(batch.ids.copy())
                if limit is not None and sum(map(len, came)) >= limit:
                    break
        return _joined(came, workload)

    def random(self, workload: Workload) -> str:
        """The recipe itself over probes; what could be said of it."""
        asking = kind(workload.dataset.kind)
        asked = workload.preprocessing
        is_random = asked != asking.deterministic(asked)
        if not is_random and not workload.shuffle:
            return "none"
        probe = asking.probe(asked)
        if probe is None:
            return "unchecked: this recipe leaves too little of a probe"
        with TemporaryDirectory(prefix="pipebench-probes-") as folder:
            probes = write_probes(
                Path(folder),
                probe,
                kind=workload.dataset.kind,
                format=workload.dataset.format,
                samples=PROBES,
                shards=PROBE_SHARDS * len(self._ranks),
            )
            if probes is None:
                return f"unchecked: there are no probes in format {workload.dataset.format}"
            size = min(workload.batch_size, PROBE_BATCH)
            marks = self._marks(replace(workload, dataset=probes, batch_size=size, drop_last=False))
        fault = asking.random_fault(marks, asked) if is_random else None
        if fault is not None:
            raise NotTheSame(fault)
        return "proved" if is_random else "none"

    def _marks(self, workload: Workload) -> NDArray[np.float64]:
        """(2, n, k): the kind's marks on each probe, by id, in two epochs."""
        marks: list[dict[int, Any]] = [{}, {}]
        ranks: list[list[Ids]] = [[], []]
        for placement in self._ranks:
            with closing(self._make(workload, placement)) as loader:
                for epoch in (0, 1):
                    ids = self._marked(loader, epoch, workload, placement, marks[epoch])
                    ranks[epoch].append(ids)
        for epoch in (0, 1):
            check_ids(ranks[epoch], workload, complete=True)
        if workload.shuffle:
            for first, second in zip(*ranks, strict=True):
                check_shuffled(first)
                check_reshuffled(first, second)
        return np.array([[found[sample] for sample in sorted(found)] for found in marks])

    def _marked(
        self, loader: Loader, epoch: int, workload: Workload, placement: Placement, marks: dict[int, Any]
    ) -> Ids:
        asking, came = kind(workload.dataset.kind), []
        for batch in self._checked(loader, epoch, workload, placement):
            came.append(batch.ids.copy())
            found = asking.probe_marks(batch.inputs, workload.preprocessing)
            marks.update(zip(batch.ids.tolist(), found, strict=True))
        return _joined(came, workload)

    def _checked(
        self, loader: Loader, epoch: int, workload: Workload, placement: Placement
    ) -> Iterator[Batch]:
        asking = kind(workload.dataset.kind)
        for number, batch in enumerate(loader.epoch(epoch)):
            check_batch(number, batch, workload, placement, asking)
            with unspoilt(number, batch, self._hold):
                yield batch


class _Comparison:
    """Compares some of a rank's samples with what the kind's reference makes of their payloads."""

    def __init__(self, workload: Workload, expected: int, wanted: int, seed: int) -> None:
        generator = np.random.default_rng(seed)
        self._chosen = generator.choice(expected, min(wanted, expected), replace=False)
        self._workload, self._kind = workload, kind(workload.dataset.kind)
        self._seen = 0
        self.compared = 0

    def see(self, batch: Batch) -> None:
        """Raises `NotTheSame` where a sample's content is not its own."""
        places = np.arange(self._seen, self._seen + len(batch.ids))
        self._seen += len(batch.ids)
        chosen = np.isin(places, self._chosen)
        # The end of a short batch, which loaders make in ways of its own, is always looked at.
        chosen[-1] |= len(places) < self._workload.batch_size
        for row in np.flatnonzero(chosen).tolist():
            self._compare(int(batch.ids[row]), batch.inputs[row].cpu().numpy())

    def _compare(self, sample: int, got: NDArray[Any]) -> None:
        dataset, asked = self._workload.dataset, self._workload.preprocessing
        expected = self._kind.reference(dataset.payload(sample), asked)
        fault = self._kind.mismatch(got, expected, asked)
        if fault is not None:
            raise NotTheSame(f"sample {sample} ({dataset.index.key[sample]}): {fault}")
        self.compared += 1


def _joined(came: list[Ids], workload: Workload) -> Ids:
    check_sizes([len(ids) for ids in came], workload.batch_size)
    return np.concatenate([*came, np.empty(0, np.int64)])
