"""What is to be sharded: a dataset, or samples that nobody has indexed yet."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipebench.dataset import INDEX, Dataset, open_dataset
from pipebench.errors import BadInput
from pipebench.files import join, shown
from pipebench.index import stream_index

from ._catalogue import Catalogue, Entry
from .formats.contract import Part
from .formats.names import field_of


@dataclass(frozen=True, kw_only=True)
class Source:
    """Samples that were found and catalogued, undecoded."""

    url: str
    root: str
    """The folder that holds the payloads; differs from `url` for a tree indexed in place."""
    kind: str
    format: str
    classes: tuple[str, ...]
    samples: int
    fingerprint: Mapping[str, str]
    """What must be the same where a sharding is resumed, under names fit for a message."""
    made: Mapping[str, Any]
    """How it was made, where it is a dataset."""


def open_source(url: str, kind: str, catalogue: Catalogue) -> Source:  # noqa: ARG001 - for samples not indexed
    """Puts the samples at that URL into the catalogue, and says what they are. Raises `BadInput`."""
    dataset = open_dataset(url)
    catalogue.add(_indexed(dataset))
    if catalogue.samples != dataset.samples:
        raise BadInput(
            f"the index of {shown(url)} holds {catalogue.samples} samples where the description says "
            f"{dataset.samples}; make the dataset again"
        )
    catalogue.number_labels({label: int(label) for label in catalogue.labels()})
    return Source(
        url=dataset.url,
        root=dataset.root,
        kind=dataset.kind,
        format=dataset.format,
        classes=dataset.classes,
        samples=dataset.samples,
        fingerprint={"content": dataset.content_id, "index": catalogue.fingerprint()},
        made=dataset.made,
    )


def _indexed(dataset: Dataset) -> Iterator[Entry]:
    """The rows of a dataset's index; their labels are numbers."""
    for batch in stream_index(join(dataset.url, INDEX)):
        for row in zip(*(column.to_pylist() for column in batch.drop_columns(["id"]).columns), strict=True):
            yield _entry(dataset, *row)


def _entry(
    dataset: Dataset,
    key: str,
    member: str,
    shard: int,
    row: int,
    offset: int,
    size: int,
    label: int,
    hash_: int,
    extras: list[dict[str, Any]] | None,
) -> Entry:
    in_shard = dataset.shards[shard].name if shard >= 0 else None
    payload = Part(
        field=field_of(key, member, dataset.format),
        member=member,
        url=join(dataset.root, in_shard or member),
        offset=offset,
        size=size,
        hash=hash_,
        row=row,
    )
    further = tuple(
        Part(
            field=extra["field"],
            member=extra["member"],
            url=join(dataset.root, in_shard or extra["member"]),
            offset=extra["offset"],
            size=extra["size"],
            hash=extra["hash"],
            row=row,
        )
        for extra in extras or ()
    )
    return Entry(key, str(label), payload, further)
