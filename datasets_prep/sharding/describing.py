"""Ends a sharding: index and description of each dataset, made of the parts of its shards."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipebench.dataset import INDEX, Dataset, write_description
from pipebench.files import clear_partials, is_local, join, local_path
from pipebench.index import content_name, write_rows

from ..scanning.sources import Source
from .journal import Journal
from .options import Sharding
from .parts import summary, tables
from .planning import Planned
from .syncing import sync


def describe(
    journal: Journal, plan: Sequence[Planned], source: Source, sharding: Sharding
) -> Mapping[str, Dataset]:
    """Writes the datasets' indexes and then, all at the end, their descriptions; says them by split."""
    datasets = {planned.split.name: _index(journal, planned, source, sharding) for planned in plan}
    for dataset in datasets.values():
        write_description(dataset)
        _sync_names(dataset.url)
    _sync_names(journal.target)
    return datasets


def _sync_names(url: str) -> None:
    """Of a local folder's files, and its own."""
    if is_local(url):
        folder = Path(local_path(url)).absolute()
        sync([folder, folder.parent], folder)


def _index(journal: Journal, planned: Planned, source: Source, sharding: Sharding) -> Dataset:
    url = planned.url(journal.target)
    clear_partials(url)
    parts = [journal.part(name) for name in planned.parts()]
    sha256 = write_rows(join(url, INDEX), tables(parts))
    said = [summary(part) for part in parts]
    return Dataset(
        url=url,
        root=url,
        kind=source.kind,
        format=sharding.format,
        classes=source.classes,
        samples=sum(part.samples for part in said),
        payload_bytes=sum(part.payload_bytes for part in said),
        content_id=content_name(sum(part.content_sum for part in said)),
        shards=tuple(part.shard for part in said if part.shard),
        made=made(planned.split.name, source.made, sharding),
        index_sha256=sha256,
    )


def made(split: str, source: Mapping[str, Any], sharding: Sharding) -> dict[str, object]:
    """How a dataset was made, for its description."""
    options = sharding.options() | {"split": split or None, "splits": sharding.options()["split"]}
    del options["format"]
    return {"command": "shard"} | options | {"source": dict(source)}
