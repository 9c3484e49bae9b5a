"""What is to be done: the datasets with their shards, and a task for each shard."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipebench.files import join

from ..catalogue.catalogue import Catalogue
from ..catalogue.columns import Sizes, Values
from ..catalogue.order import Order
from ..catalogue.samples import Samples
from ..catalogue.splits import Split, divide
from ..formats.contract import Shared
from .cuts import MOST_FILES, Amount, cut_by_bytes, cut_by_samples, cut_evenly, estimate
from .journal import Journal
from .options import Sharding
from .tasks import Task


class Planned(NamedTuple):
    """A dataset that is to be written, and how many samples each of its shards gets."""

    split: Split
    samples: Samples
    """In the order in which they are written."""
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


def make_plan(catalogue: Catalogue, sharding: Sharding) -> list[Planned]:
    """Cuts what a catalogue holds. `BadInput` where a split would be empty."""
    splits = divide(catalogue.samples, sharding.split)
    arranged = catalogue.arranged(Order(shuffle=sharding.shuffle, seed=sharding.seed), splits)
    return [_planned(split, samples, sharding) for split, samples in zip(splits, arranged, strict=True)]


def make_tasks(
    plan: Sequence[Planned], sharding: Sharding, journal: Journal, shared: Shared
) -> Iterator[Task]:
    """A task for each shard that is not there yet, made when it is asked for."""
    done = journal.done()
    for planned in plan:
        first = 0
        for number, samples in enumerate(planned.shards):
            if planned.part(number) not in done:
                yield Task(
                    url=planned.url(journal.target),
                    work=journal.work,
                    part=journal.part(planned.part(number)),
                    format=sharding.format,
                    name=f"shard-{number:06d}{sharding.form.suffix}",
                    number=number if sharding.form.suffix else -1,
                    first=first,
                    shared=shared,
                    rows=planned.samples.rows(first, first + samples),
                )
            first += samples


def _planned(split: Split, samples: Samples, sharding: Sharding) -> Planned:
    amount = Amount()
    for sizes, written in _written(samples, sharding):
        amount.add(sizes.payload, written, sharding.shard_bytes)
    return Planned(split, samples, amount, _cut(samples, amount, sharding))


def _written(samples: Samples, sharding: Sharding) -> Iterator[tuple[Sizes, Values]]:
    """What samples have, and what they take when they are written, in parts."""
    return ((sizes, estimate(sharding.form, sizes)) for sizes in samples.sizes())


def _cut(samples: Samples, amount: Amount, sharding: Sharding) -> list[int]:
    if sharding.shard_samples:
        return cut_by_samples(amount, sharding.shard_samples)
    if sharding.shard_bytes:
        written = (written for _, written in _written(samples, sharding))
        return cut_by_bytes(amount, written, sharding.shard_bytes)
    return cut_evenly(amount) if sharding.form.suffix else cut_evenly(amount, MOST_FILES)
