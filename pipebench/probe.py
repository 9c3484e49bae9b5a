"""A small throw-away dataset of probes, in the formats that the same-work proof can write itself."""

import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xxhash

from pipebench.dataset import Dataset, Shard, open_dataset, write_dataset
from pipebench.index import content_id, make_index
from pipebench.kinds import Probe

CLASSES = ("0", "1")
COLUMN = "payload"
"""What Parquet's calls it."""


class _Place(NamedTuple):
    """Where one payload went."""

    member: str
    shard: int
    offset: int
    row: int = -1


def write_probes(
    folder: Path,
    probe: Probe,
    *,
    kind: str,
    format: str,  # noqa: A002 - as in Dataset
    samples: int,
    shards: int,
) -> Dataset | None:
    """A dataset of `samples` copies of a probe; None where the format is not one of those known here."""
    if format not in _WRITERS:
        return None
    payload = probe.payload
    labels = np.arange(samples) % len(CLASSES)
    keys = [f"{CLASSES[label]}/{sample:06d}" for sample, label in enumerate(labels)]
    places, made = _WRITERS[format](folder, payload, [key + probe.suffix for key in keys], shards)
    index = make_index(
        key=keys,
        member=[place.member for place in places],
        shard=[place.shard for place in places],
        row=[place.row for place in places],
        offset=[place.offset for place in places],
        size=[len(payload)] * samples,
        label=labels,
        hash=[xxhash.xxh3_64_intdigest(payload)] * samples,
    )
    described = Dataset(
        url=str(folder),
        root=str(folder),
        kind=kind,
        format=format,
        classes=CLASSES,
        samples=samples,
        payload_bytes=samples * len(payload),
        content_id=content_id(index),
        shards=made,
    )
    write_dataset(described, index)
    return open_dataset(str(folder))


Written = tuple[list[_Place], tuple[Shard, ...]]


def _write_folder(folder: Path, payload: bytes, names: list[str], shards: int) -> Written:  # noqa: ARG001 - has none
    for name in CLASSES:
        (folder / name).mkdir()
    places = [_Place(name, -1, 0) for name in names]
    for place in places:
        (folder / place.member).write_bytes(payload)
    return places, ()


def _write_tars(folder: Path, payload: bytes, names: list[str], shards: int) -> Written:
    places: list[_Place] = []
    made = []
    for number, rows in enumerate(np.array_split(np.array(names), shards)):
        path = folder / f"{number:06d}.tar"
        places += _write_tar(path, payload, rows.tolist(), number)
        made.append(Shard(name=path.name, samples=len(rows), size=path.stat().st_size, sha256=None))
    return places, tuple(made)


def _write_tar(path: Path, payload: bytes, names: list[str], shard: int) -> Iterator[_Place]:
    with tarfile.open(path, "w") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(payload)
            place = _Place(member.name, shard, tar.offset + tarfile.BLOCKSIZE)
            tar.addfile(member, io.BytesIO(payload))
            yield place


def _write_parquets(folder: Path, payload: bytes, names: list[str], shards: int) -> Written:
    places: list[_Place] = []
    made = []
    for number, rows in enumerate(np.array_split(np.array(names), shards)):
        path = folder / f"{number:06d}.parquet"
        end = _write_parquet(path, payload, len(rows))
        offsets = [end - (len(rows) - row) * (4 + len(payload)) + 4 for row in range(len(rows))]
        ending = Path(names[0]).suffix[1:]
        places += [_Place(f"{COLUMN}/{ending}", number, offset, row) for row, offset in enumerate(offsets)]
        made.append(Shard(name=path.name, samples=len(rows), size=path.stat().st_size, sha256=None))
    return places, tuple(made)


def _write_parquet(path: Path, payload: bytes, count: int) -> int:
    """Where the values end: in PLAIN encoding each is its length in 4 bytes and the bytes, one by one."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([pa.field(COLUMN, pa.binary(), nullable=False)])
    table = pa.table([pa.array([payload] * count, pa.binary())], schema=schema)
    page = count * (4 + len(payload)) + 1  # never full, so that there is only one
    options = {"use_dictionary": False, "write_statistics": False, "data_page_size": page}
    pq.write_table(table, path, compression="none", **options)
    column = pq.read_metadata(path).row_group(0).column(0)
    return int(column.data_page_offset + column.total_compressed_size)


_WRITERS: dict[str, Callable[[Path, bytes, list[str], int], Written]] = {
    "folder": _write_folder,
    "wds": _write_tars,
    "parquet": _write_parquets,
}
