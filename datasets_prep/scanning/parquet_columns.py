"""Which of a Parquet file's columns hold payloads, keys and labels, and what the others are as files."""

import json
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple, Self

from pipebench.errors import BadInput, unknown
from pipebench.files import shown

from .arrow_types import is_bytes, is_label, is_name, is_struct, is_text
from .source_files import Reading, listed

LABELS = ("label", "cls")
KEYS = ("key", "__key__", "id")
BYTES, PATH = "bytes", "path"
"""The fields of a struct in which Hugging Face's `datasets` keeps an encoded file."""
EXTENSION = "extension"
"""The column of a payload's field in files that pipebench wrote."""
MADE = b"pipebench"
"""The schema's metadata that pipebench writes: JSON with `kind` and `classes`."""
HUGGING_FACE = b"huggingface"
"""The schema's metadata that `datasets` writes: JSON with `info.features`."""


class Further(NamedTuple):
    """A column that is no payload, key or label."""

    column: str
    """Its path: `image.path` for a field of structs."""
    field: str
    """As an extra."""
    is_bytes: bool
    """Whether the extra is the value itself, as bytes or UTF-8, and not JSON."""


class Columns(NamedTuple):
    """What is read of one file."""

    payload: str
    """Its path, such as `image` or `image.bytes`."""
    path: str | None
    """The path of the column of files' names, if there is one beside the payload."""
    path_is_key: bool
    """Whether keys are made from these names."""
    key: str | None
    label: str
    extension: str | None
    further: tuple[Further, ...]
    classes: tuple[str, ...]
    """The names of numbered labels, or none."""

    def names(self) -> list[str]:
        """Paths of all columns that are read."""
        told = (self.payload, self.path, self.key, self.label, self.extension)
        return [name for name in (*told, *(more.column for more in self.further)) if name is not None]

    def by_row(self) -> Self:
        """The same, with files' names as a further column and not as keys."""
        path = Further(str(self.path), f"{self.path}.txt".lower(), is_bytes=True)
        return self._replace(path_is_key=False, further=(*self.further, path))


def choose_columns(url: str, schema: Any, reading: Reading, kind: str) -> Columns:
    """The columns of a file with that pyarrow schema; `BadInput` where they can't be told."""
    names = list(schema.names)
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise BadInput(f"{shown(url)} has columns with the same name: {listed(repeated)}; rename them")
    metadata = schema.metadata or {}
    column = _payload(url, schema, reading, kind)
    key = next((name for name in KEYS if name in names and is_name(schema.field(name).type)), None)
    label = _label(url, schema, reading)
    extension = EXTENSION if MADE in metadata and EXTENSION in names else None
    beside = _beside(schema.field(column))
    path = next((more.column for more in beside if more.field == f"{column}.{PATH}.txt".lower()), None)
    taken = {column, key, label, extension}
    further = [_further(name, schema.field(name).type) for name in names if name not in taken]
    further += [more for more in beside if key is not None or more.column != path]
    _refuse_twins(url, further)
    return Columns(
        payload=f"{column}.{BYTES}" if is_struct(schema.field(column).type) else column,
        path=path,
        path_is_key=path is not None and key is None,
        key=key,
        label=label,
        extension=extension,
        further=tuple(further),
        classes=_classes(metadata, label),
    )


def _beside(field: Any) -> list[Further]:
    """What stands beside the bytes in a column of structs."""
    if not is_struct(field.type):
        return []
    return [_further(f"{field.name}.{part.name}", part.type) for part in field.type if part.name != BYTES]


def _payload(url: str, schema: Any, reading: Reading, kind: str) -> str:
    """The column that is asked for; else the only one of bytes; else the one named after the kind."""
    found = [name for name in schema.names if _is_payload(schema.field(name).type) and name[:1] != "."]
    if reading.column is not None:
        if reading.column not in schema.names:
            raise unknown(f"column of {shown(url)} named", reading.column, schema.names)
        if not _is_payload(schema.field(reading.column).type):
            sort = schema.field(reading.column).type
            raise BadInput(
                f"{shown(url)}: the column {reading.column!r} holds {sort}, not bytes; name another"
            )
        return str(reading.column)
    if len(found) != 1 and kind in found:
        return kind
    if not found:
        columns = listed([f"{field.name} ({field.type})" for field in schema])
        raise BadInput(
            f"{shown(url)} has no column of bytes or of structs with 'bytes', in which payloads could be, "
            f"but {columns}; write them so"
        )
    if len(found) > 1:
        raise BadInput(
            f"{shown(url)} has several columns of bytes: {listed(found)}; choose with --column NAME"
        )
    return str(found[0])


def _label(url: str, schema: Any, reading: Reading) -> str:
    if reading.label is not None:
        if reading.label not in schema.names:
            raise unknown(f"column of {shown(url)} named", reading.label, schema.names)
        found = reading.label
    else:
        named = [name for name in LABELS if name in schema.names]
        if not named:
            raise BadInput(
                f"{shown(url)} has no column 'label' or 'cls'; name the labels' column with --label NAME: "
                f"one of {listed(schema.names)}"
            )
        found = named[0]
    if not is_label(schema.field(found).type):
        sort = schema.field(found).type
        raise BadInput(
            f"{shown(url)}: the labels' column {found!r} holds {sort}, neither whole numbers nor text; "
            "name another with --label NAME"
        )
    return found


def _further(name: str, sort: Any) -> Further:
    """`.json`, as pipebench calls it, is the field itself; text, bytes and all else get an ending."""
    if name[:1] == "." and is_bytes(sort):
        return Further(name, name[1:], True)
    ending = "txt" if is_text(sort) else "bin" if is_bytes(sort) else "json"
    return Further(name, f"{name}.{ending}".lower(), ending != "json")


def _refuse_twins(url: str, further: Sequence[Further]) -> None:
    fields = [more.field for more in further]
    if twins := sorted(more.column for more in further if fields.count(more.field) > 1):
        raise BadInput(
            f"{shown(url)} has columns that differ in nothing but case: {listed(twins)}; rename them"
        )


def _classes(metadata: Any, label: str) -> tuple[str, ...]:
    """The classes' names from what pipebench or `datasets` wrote into the schema; of neither, none."""
    try:
        if MADE in metadata:
            names = json.loads(metadata[MADE])["classes"]
        else:
            feature = json.loads(metadata[HUGGING_FACE])["info"]["features"][label]
            names = feature["names"] if feature["_type"] == "ClassLabel" else []
        if type(names) is not list or not all(type(name) is str and name.isprintable() for name in names):
            return ()
    except (KeyError, ValueError, TypeError, RecursionError):
        return ()
    return tuple(f"{name} ({n})" if names.count(name) > 1 else name for n, name in enumerate(names))


def usable_path(path: str | None) -> PurePosixPath | None:
    """A file's name from which a key can be made: below a folder, with a stem."""
    if not path:
        return None
    pure = PurePosixPath(path)
    return None if pure.is_absolute() or ".." in pure.parts or not pure.stem else pure


def _is_payload(sort: Any) -> bool:
    if not is_struct(sort):
        return is_bytes(sort)
    return sort.get_field_index(BYTES) >= 0 and is_bytes(sort.field(BYTES).type)
