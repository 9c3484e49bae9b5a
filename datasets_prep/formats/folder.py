"""Class folders: each sample is a file `<class>/<key>.<field>`, with its extras beside it.

A key that begins with its class's name and a slash gets no second one.
"""

import posixpath
from collections.abc import Iterable, Iterator, Sequence

from pipebench.dataset import DESCRIPTION, INDEX
from pipebench.errors import BadInput

from .contract import Place, Placed, PlacedPart, Sample, Shared
from .names import check_fields, check_path, named

LONGEST_NAME = 255
"""Bytes of a file's name on the usual filesystems."""
BLOCK = 4096
"""Bytes in which the usual filesystems hand out space."""
TAKEN = (DESCRIPTION, INDEX)
"""Names that a dataset's folder has for itself."""


class Folder:
    """The format `folder`."""

    suffix = ""

    def sample_bytes(self, size: int) -> int:
        return size + -size % BLOCK

    def extra_bytes(self, size: int) -> int:
        return self.sample_bytes(size)

    def write(
        self,
        samples: Iterable[Sample],
        place: Place,
        name: str,  # noqa: ARG002 - there is no shard
        shared: Shared,
    ) -> Iterator[Placed]:
        taken: dict[str, str] = {}
        for sample in samples:
            paths = _paths(sample, shared.classes)
            _take(sample.key, paths, taken)
            contents = (sample.payload, *(extra.content for extra in sample.extras))
            for path, content in zip(paths, contents, strict=True):
                with place.file(path, digest=False) as sink:  # the index has its hash
                    sink.write(content)
            parts = [PlacedPart(path, 0, len(content)) for path, content in zip(paths, contents, strict=True)]
            yield Placed(parts[0], tuple(parts[1:]))


def _paths(sample: Sample, classes: Sequence[str]) -> list[str]:
    """Of the payload and the extras. `BadInput` where they can't be a file's path."""
    check_path(sample.key)
    check_fields(sample)
    folder, key = _class_folder(sample, classes), posixpath.normpath(sample.key)
    stem = key if key.startswith(f"{folder}/") else f"{folder}/{key}"
    paths = [f"{stem}.{field}" for field in (sample.field, *(extra.field for extra in sample.extras))]
    if any(len(name.encode()) > LONGEST_NAME for path in paths for name in path.split("/")):
        raise BadInput(f"{named(sample.key)} has a file name of more than {LONGEST_NAME} bytes; shorten it")
    return paths


def _class_folder(sample: Sample, classes: Sequence[str]) -> str:
    if not 0 <= sample.label < len(classes):
        raise BadInput(
            f"{named(sample.key)} has the label {sample.label} of {len(classes)} classes; correct it"
        )
    name = classes[sample.label]
    if (
        not name
        or name.startswith(".")
        or "/" in name
        or "\0" in name
        or name.lower() in (DESCRIPTION, INDEX)
    ):
        raise BadInput(
            f"{named(sample.key)} is of class {name!r}, which cannot be a folder's name; rename the class"
        )
    return name


def _take(key: str, paths: Sequence[str], taken: dict[str, str]) -> None:
    """`BadInput` where a filesystem that knows no case would find another sample there."""
    for path in paths:
        other = taken.setdefault(path.casefold(), key)
        if other != key:
            raise BadInput(
                f"{named(key)} would have the same file as {named(other)}: {path!r}; rename one of them"
            )
