"""JSON that every reader takes: no NaN, no infinity, nothing but ASCII."""

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any


def dumps(value: Any, indent: int | None = 1) -> str:
    """As JSON; numbers that JSON lacks stand there as texts."""
    return json.dumps(_told(value), indent=indent, allow_nan=False, default=str)


def _told(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _told(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_told(held) for held in value]
    return str(value) if isinstance(value, float) and not isfinite(value) else value
