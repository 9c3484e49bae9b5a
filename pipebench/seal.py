"""JSON text that carries its own SHA-256, so that a single changed bit in it is found."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

CHECKSUM = "checksum"
_LAST = re.compile(rb'(.*,\n) "checksum": "([0-9a-f]{64})"\n\}\n', re.DOTALL)


def sealed(raw: Mapping[str, Any]) -> bytes:
    """The mapping, which is not empty, as JSON; its last entry is the SHA-256 of all bytes before it."""
    body = json.dumps(raw, indent=1, ensure_ascii=False).removesuffix("\n}").encode() + b",\n"
    return body + f' "{CHECKSUM}": "{hashlib.sha256(body).hexdigest()}"\n}}\n'.encode()


def seal_fault(content: bytes) -> str | None:
    """Why these are not the bytes that `sealed` made, or None if they are."""
    match = _LAST.fullmatch(content)
    if match is None:
        return f"it does not end with its {CHECKSUM}: it is damaged, or was edited by hand"
    if hashlib.sha256(match[1]).hexdigest().encode() != match[2]:
        return f"its {CHECKSUM} is another: it is damaged, or was edited by hand"
    return None
