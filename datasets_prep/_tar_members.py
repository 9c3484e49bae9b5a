"""The members of one tar, read from its headers; whatever could lead out of it is refused."""

import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipebench.errors import BadInput

from ._found import check_text
from ._tree import HIDDEN, OTHER

LABEL_BYTES = 1_000_000
"""A label's member that is larger than this is no label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    name: str
    key: str
    extension: str
    """Lower case, from the basename's first dot on, without it."""
    offset: int
    size: int
    text: bytes
    """What it holds, where it may be a label."""


def members(path: Path, ignored: Counter[str]) -> Iterator[Member]:
    """All samples' files, in order; others are counted. `BadInput` where the tar is damaged or unsafe."""
    try:
        with tarfile.open(path, "r:") as tar:
            for info in tar:
                member = _member(path, tar, info, ignored)
                if member is not None:
                    yield member
            _check_end(path, tar.offset)
    except (tarfile.TarError, EOFError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is damaged or cut short ({error}); write it again") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from None


def _check_end(path: Path, offset: int) -> None:
    """After the last member there are zeros, a block at least, to the file's end; `tarfile` doesn't ask."""
    with path.open("rb") as file:
        file.seek(offset)
        if len(rest := file.read(tarfile.BLOCKSIZE)) < tarfile.BLOCKSIZE:
            raise BadInput(f"{path} is cut short: it ends without tar's end mark; write it again")
        while rest:
            if rest.strip(b"\0"):
                raise BadInput(f"{path} is damaged, or holds archives joined together; write it again")
            rest = file.read(tarfile.RECORDSIZE)


def _member(path: Path, tar: tarfile.TarFile, info: tarfile.TarInfo, ignored: Counter[str]) -> Member | None:
    """A regular file as a member; `BadInput` for what a set of samples has no business to hold."""
    _refuse_unsafe(path, info)
    folder, slash, base = info.name.rpartition("/")
    stem, _, extension = base.partition(".")
    if info.isdir() or not stem or not extension:
        ignored[HIDDEN if not stem else OTHER] += not info.isdir()
        return None
    extension = extension.lower()
    is_label = extension in ("cls", "json") and info.size <= LABEL_BYTES
    return Member(
        name=check_text(info.name),
        key=folder + slash + stem,
        extension=extension,
        offset=info.offset_data,
        size=info.size,
        text=_content(tar, info) if is_label else b"",
    )


def _refuse_unsafe(path: Path, info: tarfile.TarInfo) -> None:
    pure = PurePosixPath(info.name)
    if pure.is_absolute() or ".." in pure.parts:
        raise BadInput(f"{path} holds {info.name!r}, which leads out of its folder; write it again without")
    if not (info.isreg() or info.isdir()) or info.issparse():
        raise BadInput(f"{path} holds {info.name!r}, a link, a device or sparse; write it again without")


def _content(tar: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(info)
    return file.read() if file else b""
