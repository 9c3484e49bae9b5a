"""What is to be done: the datasets with their shards, and a task for each shard."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipebench.files import join

from ._catalogue import Catalogue
from ._cuts import MOST_FILES, Amount, cut_by_bytes, cut_by_samples, cut_evenly, estimate
from ._journal import Journal
from ._order import Order, Values, pieces
from ._sharding import Sharding
from ._splits import Split, divide
from ._tasks import Task
from .formats.contract import Shared


class Planned(NamedTuple):
    """A dataset that is to be written, and how many samples each of its shards gets."""

    split: Split
    amount: Amount
    shards: Sequence[int]

    def url(self, target: str) -> str:
        """The dataset's folder."""
        return join(target, self.split.name) if self.split.name else target

    def part(self, number: int) -> str:
        """The name of a shard's part."""
        return f"{self.split.name or 'all'}-{number:06d}.parquet"

    def parts(self) -> list[str]:
        """The names of all parts, in order."""
        return [self.part(number) for number in range(len(self.shards))]


@dataclass(frozen=True, kw_only=True)
class Planner:
    """Cuts what a catalogue holds, and makes tasks of it."""

    catalogue: Catalogue
    sharding: Sharding

    def plan(self) -> list[Planned]:
        """The datasets, cut into shards. `BadInput` where one would be empty."""
        splits = divide(self.catalogue.samples, self.sharding.split)
        return [
            Planned(split, amount, self._cut(split, amount))
            for split, amount in zip(splits, self._amounts(splits), strict=True)
        ]

    def tasks(self, plan: Sequence[Planned], journal: Journal, shared: Shared) -> Iterator[Task]:
        """A task for each shard that is not there yet, made when it is asked for."""
        done = journal.done()
        for planned in plan:
            first = 0
            for number, ids in enumerate(pieces(self._order.ids(planned.split), planned.shards)):
                if planned.part(number) not in done:
                    yield Task(
                        url=planned.url(journal.target),
                        work=journal.work,
                        part=journal.part(planned.part(number)),
                        format=self.sharding.format,
                        name=f"shard-{number:06d}{self.sharding.form.suffix}",
                        number=number if self.sharding.form.suffix else -1,
                        first=first,
                        shared=shared,
                        rows=self.catalogue.rows(ids),
                    )
                first += len(ids)

    @property
    def _order(self) -> Order:
        sharding = self.sharding
        return Order(samples=self.catalogue.samples, shuffle=sharding.shuffle, seed=sharding.seed)

    def _amounts(self, splits: Sequence[Split]) -> list[Amount]:
        amounts, order, start = [Amount() for _ in splits], self._order, 0
        for sizes in self.catalogue.sizes():
            written = estimate(self.sharding.form, sizes)
            ids = np.arange(start, start + len(written))
            for amount, split in zip(amounts, splits, strict=True):
                mine = order.members(split, ids)
                amount.add(sizes.payload[mine], written[mine], self.sharding.shard_bytes)
            start += len(ids)
        return amounts

    def _cut(self, split: Split, amount: Amount) -> list[int]:
        if self.sharding.shard_samples:
            return cut_by_samples(amount, self.sharding.shard_samples)
        if self.sharding.shard_bytes:
            written = self._order.arranged(split, self._written())
            return cut_by_bytes(amount, written, self.sharding.shard_bytes)
        return cut_evenly(amount) if self.sharding.form.suffix else cut_evenly(amount, MOST_FILES)

    def _written(self) -> Iterator[Values]:
        return (estimate(self.sharding.form, sizes) for sizes in self.catalogue.sizes())
