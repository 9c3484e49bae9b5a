"""What keys and fields may look like. Whatever could lead out of a folder or be lost is refused."""

import re
from functools import lru_cache

from pipebench.errors import BadInput, one_line

from .contract import Sample

_CLIMBS = re.compile(r"/|\.\./|.*/\.\./", re.DOTALL)
"""A path that is absolute or has `..` among its folders."""


def field_of(key: str, member: str, format: str) -> str:  # noqa: A002 - the word of the house
    """The field of a payload that an index calls `member`."""
    base = member.rpartition("/")[2].lower()
    if format == "parquet":
        return base
    if format == "wds":
        return base.partition(".")[2]
    stem = key.rpartition("/")[2].lower()
    return base.removeprefix(f"{stem}.") if base.startswith(f"{stem}.") else base.rpartition(".")[2]


def named(key: str) -> str:
    """The sample's key, for messages."""
    return f"sample {one_line(key, 300)!r}"


def check_key(key: str) -> None:
    """`BadInput` where a key is empty or no UTF-8."""
    if not key:
        raise BadInput("a sample has an empty key; give every sample a name")
    if not key.isascii() and _undecodable(key):
        raise BadInput(f"the key {key!r} is not UTF-8; rename it")


def _undecodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def check_path(key: str) -> None:
    """`BadInput` where a key cannot be a file's path below a folder."""
    check_key(key)
    if "\0" in key:
        raise BadInput(f"{named(key)} has a zero byte in its key, which no file's name can have; rename it")
    if _CLIMBS.match(key):
        raise BadInput(f"{named(key)} has a key that leads out of its folder; rename it")
    if key.endswith("/"):
        raise BadInput(f"{named(key)} has a key that ends with a slash; rename it")


def check_fields(sample: Sample) -> None:
    """`BadInput` where the sample's files would be nameless, lead elsewhere or take each other's name."""
    fault = _fault(sample.field, *(extra.field for extra in sample.extras))
    if fault is not None:
        raise BadInput(f"{named(sample.key)} has {fault}; rename it")


@lru_cache(1000)
def _fault(*fields: str) -> str | None:
    """What is wrong with a sample's fields: few combinations occur, so each is looked at once."""
    for field in fields:
        if not is_ending(field):
            return f"a file with the ending {field!r}"
    if len({field.casefold() for field in fields}) < len(fields):
        return f"two files with the same ending, of {fields}"
    return None


def is_ending(field: str) -> bool:
    """Whether a file's name can end so, after a dot."""
    return bool(field) and "/" not in field and "\0" not in field and not _undecodable(field)
