"""Puts the index of a dataset into a catalogue, a column at a time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipebench.dataset import INDEX, Dataset
from pipebench.errors import BadInput
from pipebench.files import join, shown
from pipebench.index import stream_index

from ..catalogue.catalogue import Catalogue
from ..catalogue.columns import numbers
from ..catalogue.rows import File, packed_schema
from ..catalogue.store import CHUNK
from ..formats.names import field_of


def catalogue_index(dataset: Dataset, catalogue: Catalogue) -> None:
    """Adds all samples; their labels are the class numbers as digits. Raises `BadInput`."""
    urls = [File(join(dataset.root, shard.name), False) for shard in dataset.shards]
    files = [catalogue.file_number(file) for file in (*urls, File(join(dataset.root, ""), True))]
    for batch in stream_index(join(dataset.url, INDEX)):
        for first in range(0, len(batch), CHUNK):
            some = batch[first : first + CHUNK]
            catalogue.add_packed(_packed(some, dataset, catalogue, np.array(files, np.int32)))
    if catalogue.samples != dataset.samples:
        raise BadInput(
            f"the index of {shown(dataset.url)} holds {catalogue.samples} samples where the description says "
            f"{dataset.samples}; make the dataset again"
        )


def _packed(batch: Any, dataset: Dataset, catalogue: Catalogue, files: NDArray[np.int32]) -> Any:
    """Rows of an index as packed rows. The last of the files is the folder, which is the shard -1."""
    import pyarrow as pa

    shards = batch["shard"].to_numpy()
    if (shards < -1).any() or (shards >= len(dataset.shards)).any():
        raise BadInput(f"the index of {shown(dataset.url)} names shards that are not there; make it again")
    keys, members = batch["key"].to_pylist(), batch["member"].to_pylist()
    file = numbers(files[shards])
    columns = {
        "key": pa.array(keys, pa.string()),
        "label": _labels(batch["label"].to_numpy(), catalogue),
        "field": pa.array(_fields(keys, members, dataset.format), pa.string()),
        "member": pa.array(members, pa.string()),
        "file": file,
        **{name: batch[name] for name in ("offset", "size", "hash", "row")},
        "extras": _extras(batch["extras"], file, batch["row"]),
    }
    return pa.record_batch([columns[name] for name in packed_schema().names], schema=packed_schema())


def _labels(labels: NDArray[np.int64], catalogue: Catalogue) -> Any:
    found, which = np.unique(labels, return_inverse=True)
    known = [catalogue.label_number(str(label)) for label in found.tolist()]
    return numbers(np.array(known, np.int32)[which])


def _fields(keys: Sequence[str], members: Sequence[str], format_: str) -> list[str]:
    return [field_of(key, member, format_) for key, member in zip(keys, members, strict=True)]


def _extras(extras: Any, file: Any, row: Any) -> Any:
    """Further files lie where the payload does."""
    import pyarrow as pa
    import pyarrow.compute as pc

    target = packed_schema().field("extras").type
    if extras.null_count == len(extras):
        return pa.nulls(len(extras), target)
    owners = pc.list_parent_indices(extras)
    field, member, offset, size, digest = extras.flatten().flatten()
    children = [field, member, file.take(owners), offset, size, digest, row.take(owners)]
    structs = pa.StructArray.from_arrays(children, fields=list(target.value_type))
    lengths = pc.fill_null(extras.value_lengths(), 0).to_numpy()
    offsets = numbers(np.concatenate(([0], np.cumsum(lengths))).astype(np.int32))
    return pa.ListArray.from_arrays(offsets, structs, target)
