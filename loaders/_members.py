"""What names of tar members tell, by WebDataset's rule: the key ends at the basename's first dot."""

import re
from typing import Any

_ENDING = re.compile(r"((?:.*/|)[^.]+)[.]([^/]*)")


def key_and_field(member: str) -> tuple[str, str]:
    """`a/x.seg.PNG` is the key `a/x` and its field `seg.png`."""
    match = _ENDING.fullmatch(member)
    return (match[1], match[2].lower()) if match else (member, "")


def fields(members: Any) -> set[str]:
    """The fields of a pyarrow array of members, such as `jpg`."""
    import pyarrow.compute as pc

    endings = pc.replace_substring_regex(members, r"^(.*/)?[^/.]+\.", "")
    return {ending.lower() for ending in pc.unique(endings).to_pylist()}
