"""Samples in folders, in tars of WebDataset's layout, and in Parquet."""

import io
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import groupby
from typing import Any

from pipebench.errors import BadInput
from pipebench.files import BUFFER_BYTES, Listed, join, open_random, shown, why
from pipebench.kinds import Kind
from pipebench.sampling.contract import Found, ending

LABEL_BYTES = 1000
ROWS = 64
"""Of Parquet that are decoded at once."""


def in_folder(files: Iterable[Listed], kind: Kind) -> Iterator[Found]:
    """A file each; the topmost folder is the class."""
    for file in files:
        if ending(file.name) in kind.suffixes and file.size:
            label = file.name.partition("/")[0] if "/" in file.name else ""
            yield Found(file.name.rpartition(".")[0], file.name, label, file.size)


def in_tar(url: str, file: Listed, kind: Kind) -> Iterator[Found]:
    """Members up to the first dot of their base name are one sample; `.cls` is its class."""
    try:
        with closing(open_random(join(url, file.name))) as opened, _tar(opened) as tar:
            for key, members in groupby(filter(tarfile.TarInfo.isreg, tar), key=_key):
                yield from _sample(tar, file.name, key, list(members), kind)
    except (OSError, tarfile.TarError, EOFError) as error:
        raise BadInput(f"{shown(join(url, file.name))} cannot be read as a tar: {why(error)}") from None


def _tar(opened: io.BufferedIOBase) -> tarfile.TarFile:
    return tarfile.open(fileobj=opened, mode="r:")


def _key(member: tarfile.TarInfo) -> str:
    folder, slash, base = member.name.rpartition("/")
    return f"{folder}{slash}{base.partition('.')[0]}"


def _sample(
    tar: tarfile.TarFile, shard: str, key: str, members: list[tarfile.TarInfo], kind: Kind
) -> Iterator[Found]:
    payload = next((member for member in members if ending(member.name) in kind.suffixes), None)
    if payload is None or not payload.size:
        return
    told = next((member for member in members if member.name == f"{key}.cls"), None)
    label = key.rpartition("/")[0] if told is None else _text(tar, told)
    yield Found(key, payload.name, label, payload.size, shard, payload.offset_data)


def _text(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    content = tar.extractfile(member)
    return content.read(LABEL_BYTES).decode(errors="replace").strip() if content else ""


def in_parquet(url: str, file: Listed, kind: Kind) -> Iterator[Found]:
    """A row each, in the only column of payloads, which is found by what its first value begins with."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with closing(open_random(join(url, file.name))) as opened:
            parquet = pq.ParquetFile(opened, buffer_size=BUFFER_BYTES, pre_buffer=False)
            column, suffix = _payload_column(parquet, kind)
            label = next((n for n in ("label", "cls") if n in parquet.schema_arrow.names), None)
            yield from _rows(parquet, file.name, column, suffix, label)
    except (OSError, pa.ArrowException) as error:
        raise BadInput(f"{shown(join(url, file.name))} cannot be read as Parquet: {why(error)}") from None


def _payload_column(parquet: Any, kind: Kind) -> tuple[str, str]:
    """The path in the schema and the payloads' ending; raises `BadInput` where there is none."""
    columns = _binary_columns(parquet.schema_arrow)
    first = next(parquet.iter_batches(1, columns=columns), None) if columns else None
    for path in columns if first is not None else ():
        head = _value(first, path)
        suffix = kind.extension(head[:16]) if isinstance(head, bytes) else None
        if suffix is not None:
            return path, suffix
    raise BadInput(
        "no column of this Parquet holds payloads of a known kind; name a dataset that was imported"
    )


def _binary_columns(schema: Any) -> list[str]:
    import pyarrow.types as types

    def holds_bytes(field: Any) -> bool:
        return bool(types.is_binary(field.type) or types.is_large_binary(field.type))

    found = []
    for field in schema:
        if holds_bytes(field):
            found.append(field.name)
        elif types.is_struct(field.type):
            found += [f"{field.name}.{below.name}" for below in field.type if holds_bytes(below)]
    return found


def _value(batch: Any, path: str) -> Any:
    name, _, below = path.partition(".")
    value = batch.column(name)[0].as_py()
    return value.get(below) if below and isinstance(value, dict) else value


def _rows(parquet: Any, shard: str, column: str, suffix: str, label: str | None) -> Iterator[Found]:
    row = 0
    for batch in parquet.iter_batches(ROWS, columns=[column, *([label] if label else [])]):
        labels = batch.column(label).to_pylist() if label else []
        for at, size in enumerate(_sizes(batch, column)):
            if size:
                told = str(labels[at]) if labels else ""
                yield Found(f"{shard}/{row}", f"{column}/{suffix}", told, size, shard, -1, row)
            row += 1


def _sizes(batch: Any, column: str) -> list[int | None]:
    """Bytes of each payload; None where there is none."""
    import pyarrow.compute as pc

    name, _, below = column.partition(".")
    values = batch.column(name)
    found: list[int | None] = pc.binary_length(
        pc.struct_field(values, below) if below else values
    ).to_pylist()
    return found
