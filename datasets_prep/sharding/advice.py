"""What the user should know before hours of work, and after."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from pipebench.dataset import Dataset
from pipebench.errors import BadInput
from pipebench.files import is_local, local_path
from pipebench.report.prose import complain

from .._sizes import spell_size
from .options import Sharding
from .planning import Planned

UNEVEN = 0.1
"""How much smaller than the largest shard the smallest may be."""
INDEX_BYTES = 200
"""Of a sample in the index and in its part, about, at most."""
SHOWN = 5
"""Names that a sentence gives."""


def refuse_for_space(target: str, plan: Sequence[Planned], done: float) -> None:
    """`BadInput` where a local disk has no room for what is still to be written.

    `done` is the share of it that is there already.
    """
    if not is_local(target):
        return
    samples = sum(planned.split.samples for planned in plan)
    total = sum(planned.amount.written_bytes for planned in plan) + INDEX_BYTES * samples
    needed, free = round(total * (1 - done)), shutil.disk_usage(Path(local_path(target))).free
    if needed > free:
        raise BadInput(
            f"{target} needs about {spell_size(needed)}, and its disk has {spell_size(free)} free; "
            "make room, or name a folder on another disk"
        )


def advise(plan: Sequence[Planned], sharding: Sharding, cores: int) -> Iterator[str]:
    """Sentences on what will be slow or odd about the shards."""
    if not sharding.form.suffix:
        return
    for planned in plan:
        name = f"{planned.split.name}: " if planned.split.name else ""
        if len(planned.shards) < cores:
            yield (
                f"{name}{len(planned.shards)} shards are fewer than workers x ranks, taken as one worker on "
                f"each of the {cores} cores here: some will have nothing to read; make smaller shards"
            )
        if planned.amount.oversized:
            yield (
                f"{name}{planned.amount.oversized} samples are larger than the shard size; the largest takes "
                f"{planned.amount.largest} bytes: make larger shards"
            )
        yield from _uneven(name, planned.shards, _samples)


def advise_on_bytes(datasets: Mapping[str, Dataset]) -> list[str]:
    """Sentences on shards that hold as many samples, and yet not as many bytes."""
    return [
        sentence
        for split, dataset in datasets.items()
        if dataset.shards and not list(_uneven("", [shard.samples for shard in dataset.shards], _samples))
        for sentence in _uneven(
            f"{split}: " if split else "", [shard.size for shard in dataset.shards], spell_size
        )
    ]


def _uneven(name: str, sizes: Sequence[int], spell: Callable[[int], str]) -> Iterator[str]:
    """A sentence where the smallest is smaller than the largest by more than `UNEVEN`."""
    least, most = min(sizes), max(sizes)
    if most - least > max(most * UNEVEN, 1):  # a single sample can't be helped
        yield (
            f"{name}shards differ by more than {UNEVEN * 100:.0f} %: the smallest holds {spell(least)}, the "
            f"largest {spell(most)}; workers with small ones will wait for the others"
        )


def _samples(count: int) -> str:
    return f"{count} samples"


def advise_on_case(twins: Sequence[tuple[str, str]]) -> Iterator[str]:
    """A sentence on keys that differ only in case."""
    if twins:
        pairs = ", ".join(f"{one!r} and {other!r}" for one, other in twins[:SHOWN])
        more = " and more" if len(twins) > SHOWN else ""
        yield (
            f"keys differ only in case ({pairs}{more}): a filesystem that knows no case takes them for one"
        )


def tell(advice: Sequence[str]) -> Sequence[str]:
    """Passes advice on, and shows it at once."""
    for sentence in advice:
        complain(f"note: {sentence}")
    return advice
