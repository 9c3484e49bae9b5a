"""Byte sizes as people write them: `256MB`, `1.5 GiB`, `110000`."""

import re

from pipebench.errors import BadInput

UNITS = {"": 1, "B": 1} | {
    f"{prefix}{unit}": base**power
    for unit, base in (("", 1000), ("B", 1000), ("IB", 1024))
    for power, prefix in enumerate("KMGT", start=1)
}
"""Upper-case unit -> bytes."""


def parse_size(text: str, what: str) -> int:
    """The bytes that `text` names, at least 1; `what` names it in the `BadInput` raised otherwise."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.strip(), re.IGNORECASE)
    unit = UNITS.get(match[2].upper()) if match else None
    size = int(float(match[1]) * unit) if match and unit else 0
    if size < 1:
        raise BadInput(f"{what} {text!r} is not a size such as 110000, 256MB or 1GiB")
    return size


def spell_size(size: int) -> str:
    """A number of bytes for a message, in three digits or so."""
    number, unit = float(size), "bytes"
    for larger in ("kB", "MB", "GB", "TB", "PB"):
        if number < 1000:
            break
        number, unit = number / 1000, larger
    return f"{number:.0f} {unit}" if number >= 100 or unit == "bytes" else f"{number:.3g} {unit}"
