"""`pipebench data shard`: the samples of a source as shards, with their payloads verbatim.

The source is catalogued on disk; a plan cuts the samples into shards; each shard is a task that knows
all it needs, run by a few processes; index and description are written when all are done. What is done
is kept in a work folder, so that a sharding that was cut short can be resumed.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from pipebench.dataset import DESCRIPTION, WORK, Dataset, open_dataset
from pipebench.errors import BadInput
from pipebench.files import exists, is_local, join, names, shown, why

from ._processes import default_workers
from ._pulse import Speed, pulse
from .catalogue.catalogue import Catalogue
from .formats.contract import Shared
from .scanning.source_files import Reading
from .scanning.sources import Source, open_source
from .sharding.advice import SHOWN, advise, advise_on_bytes, advise_on_case, refuse_for_space, tell
from .sharding.crew import Crew, crew
from .sharding.describing import describe, made
from .sharding.journal import Journal, Plan, opened, sweep
from .sharding.options import Sharding
from .sharding.overlap import refuse_overlap
from .sharding.planning import Planned, make_plan, make_tasks
from .sharding.tasks import write_shard

LAYOUT = 1
"""Changes where the same source and options give other bytes than before, which forbids to resume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharded:
    """What was written."""

    datasets: Mapping[str, Dataset]
    """By split; without splits there is one, under an empty name."""
    advice: tuple[str, ...] = ()

    @property
    def dataset(self) -> Dataset:
        """The only one, where there are no splits."""
        (dataset,) = self.datasets.values()
        return dataset


@contextmanager
def _told() -> Iterator[None]:
    """What storage raises becomes `BadInput`."""
    try:
        yield
    except (OSError, ImportError) as error:
        place = getattr(error, "filename", None) or "the storage"
        raise BadInput(f"{place} cannot be used: {why(error)}") from None


@_told()
def shard_dataset(
    source: str,
    target: str,
    sharding: Sharding,
    workers: int = 1,
    *,
    resume: bool = False,
    kind: str = "image",
    reading: Reading | None = None,
    allow_large: bool = False,
) -> Sharded:
    """Writes the shards into `target`, which must not exist or be empty, or be unfinished to be resumed.

    Raises `BadInput`. What was finished stays then; where nothing was begun, nothing is left.
    `kind` and `reading` are for a source that is no dataset, and `allow_large` lets payloads of it pass
    whose decoding could exhaust the memory.
    """
    refuse_overlap(source, target)
    if resume and (datasets := _complete(target, sharding)):
        advice = [f"{shown(target)} was complete already; nothing was read or written"]
        return Sharded(datasets=datasets, advice=tuple(tell(advice)))
    may_fork = is_local(source) and is_local(target)
    with (
        crew(workers, may_fork=may_fork) as processes,
        opened(target, resume=resume) as journal,
        Catalogue() as catalogue,
    ):
        with pulse(lambda: f"Planning: {catalogue.samples} samples"):
            found = open_source(source, kind, catalogue, reading, workers)
            refuse_overlap(found.root, target)
            plan, advice = _planned(catalogue, sharding, journal)
        journal.agree(_agreement(sharding, found))
        is_screened = found.is_dataset or allow_large
        shared = Shared(found.kind, found.classes, catalogue.fields(), is_screened)
        with _kept():
            _write(processes, plan, sharding, journal, shared)
        found.refuse_changes()
        with _kept(), pulse(lambda: "Writing the index"):
            journal.check()
            datasets = describe(journal, plan, found, sharding)
            journal.remove()
    return Sharded(datasets=datasets, advice=(*advice, *tell(advise_on_bytes(datasets))))


def _agreement(sharding: Sharding, source: Source) -> Plan:
    """What must be the same where this is resumed."""
    return {
        "options": sharding.options() | {"layout": LAYOUT},
        "source": {**source.fingerprint, "kind": source.kind, "samples": source.samples},
    }


def _complete(target: str, sharding: Sharding) -> Mapping[str, Dataset] | None:
    """The datasets, where all was done already; `BadInput` where it was done with other options."""
    sweep(target)
    urls = {share.name: join(target, share.name) for share in sharding.split} or {"": target}
    if WORK in names(target) or not all(exists(join(url, DESCRIPTION)) for url in urls.values()):
        return None
    datasets = {name: open_dataset(url) for name, url in urls.items()}
    for name, dataset in datasets.items():
        if dict(dataset.made) | {"source": {}} != made(name, {}, sharding):
            raise BadInput(f"{shown(target)} is complete, and was made otherwise; name another folder")
    return datasets


def _planned(catalogue: Catalogue, sharding: Sharding, journal: Journal) -> tuple[list[Planned], list[str]]:
    """The plan, and advice on it. `BadInput` where it cannot be carried out."""
    if repeats := catalogue.duplicates(SHOWN):
        raise BadInput(f"several samples have the same key, such as {repeats[0]!r}; rename all but one")
    plan = make_plan(catalogue, sharding)
    done = len(journal.done()) / sum(len(planned.shards) for planned in plan)
    refuse_for_space(journal.target, plan, done)
    twins = catalogue.case_twins(SHOWN + 1)
    return plan, list(tell([*advise(plan, sharding, default_workers()), *advise_on_case(twins)]))


@contextmanager
def _kept() -> Iterator[None]:
    """Says of whatever ends the block early that it can be resumed."""
    hint = "what is finished is kept, and --resume goes on from there"
    try:
        yield
    except BadInput as error:
        raise BadInput(f"{error}; {hint}") from None
    except OSError as error:
        raise BadInput(f"the target cannot be written: {why(error)}; {hint}") from None
    except KeyboardInterrupt:
        raise KeyboardInterrupt(hint) from None


def _write(
    processes: Crew, plan: Sequence[Planned], sharding: Sharding, journal: Journal, shared: Shared
) -> None:
    """Runs the tasks that are missing."""
    shards, finished = sum(len(planned.shards) for planned in plan), len(journal.done())
    if finished == shards:
        return
    tasks = make_tasks(plan, sharding, journal, shared)
    payload_bytes = sum(planned.amount.payload_bytes for planned in plan)
    speed = Speed(processes.tally, payload_bytes * (shards - finished) // shards)
    with (
        pulse(lambda: f"Writing: {finished} of {shards} shards, {speed}"),
        closing(processes.run(write_shard, tasks)) as results,
    ):
        for _ in results:
            finished += 1
            journal.check()
