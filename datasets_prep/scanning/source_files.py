"""What a look through a source is told, and how it names what it finds."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pipebench.errors import BadInput, one_line

SHOWN = 20
"""Names that a message lists before it only counts."""
LONGEST_NAME = 300
"""Characters of a name that a message shows."""
MOST_EXTRAS = 1000
"""Further files of one sample, above which something is wrong with the names."""
LONGEST_LABEL = 1000
"""Characters."""
LABEL = "cls"
"""The field of a sample's label in WebDataset's layout."""
HIDDEN, LINK, OTHER, NO_CLASS = "hidden", "links out of it", "of other kinds", "outside class folders"
NO_PAYLOAD = "samples without a payload"
LABELS = "labels beside files in class folders"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How samples are told in a source that nobody has indexed."""

    payload: str | None = None
    """The field of the file that is the payload, where a sample has several that could be it."""
    column: str | None = None
    """Parquet's column of payloads, where there are several that could be it."""
    label: str | None = None
    """Parquet's column of labels, if it is not called `label` or `cls`."""
    allow_empty: bool = False
    """Whether payloads without a byte are passed on, for somebody else to refuse."""


def choose(name: str, fields: Collection[str], suffixes: frozenset[str], wanted: str | None) -> str | None:
    """The field that is the payload of the sample `name`, or None where none is; `BadInput` for several.

    It is the one that is asked for; else the only one of this kind; else the only one without a dot.
    """
    if wanted is not None:
        return wanted if wanted in fields else None
    found = [field for field in fields if f".{field.rpartition('.')[2]}" in suffixes]
    plain = found if len(found) < 2 else [field for field in found if "." not in field]
    if len(plain) == 1:
        return plain[0]
    if found:
        raise BadInput(
            f"sample {shown_name(name)} has several payloads: {listed(sorted(found))}; "
            "say which it is with --payload, or remove the others"
        )
    return None


def check_payload(name: str, size: int, reading: Reading) -> None:
    """`BadInput` where it has no bytes."""
    if size == 0 and not reading.allow_empty:
        raise BadInput(f"{shown_name(name)} is empty: 0 bytes; repair or remove it")


def shown_name(name: str) -> str:
    """A foreign name for a message: quoted, on one line, and not too long."""
    return repr(name if len(name) <= LONGEST_NAME else f"...{name[-LONGEST_NAME:]}")


def listed(names: Sequence[str]) -> str:
    """The names, or the first of them and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(one_line(name, LONGEST_NAME) for name in names[:SHOWN]) + more


def counted(ignored: Mapping[str, int]) -> str:
    """What was left aside, for a message; empty if nothing was."""
    aside = ", ".join(f"{count} {sort}" for sort, count in ignored.items() if count)
    return f" (files left aside: {aside})" if aside else ""


def check_text(name: str) -> str:
    """The name itself; `BadInput` where its bytes are not UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise BadInput(f"the name {shown_name(name)} is not UTF-8; rename it") from None
    return name
