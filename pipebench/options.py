"""`key=value,key=value` texts from the command line, turned into frozen dataclasses."""

import types
from collections.abc import Mapping
from dataclasses import fields, replace
from math import isfinite
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from pipebench.errors import BadInput, unknown

T = TypeVar("T")

_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def parse_pairs(text: str, what: str) -> dict[str, str]:
    """`"a=1,b=x"` as `{"a": "1", "b": "x"}`; `what` names the text in the error."""
    pairs: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        key, equals, value = part.partition("=")
        if not equals or not key:
            raise BadInput(f"{what} {part!r} is not of the form key=value")
        if key in pairs:
            raise BadInput(f"{what} {key!r} is given twice")
        pairs[key] = value
    return pairs


def override(base: T, pairs: Mapping[str, str], what: str) -> T:
    """`base`, a dataclass instance, with the named fields replaced by the parsed texts."""
    hints = get_type_hints(type(base))
    names = [field.name for field in fields(base)]  # type: ignore[arg-type] # T is a dataclass instance
    for key in pairs:
        if key not in names:
            raise unknown(what, key, names)
    values = {key: _convert(text, hints[key], f"{what} {key}") for key, text in pairs.items()}
    return replace(base, **values)  # type: ignore[type-var] # as above


def _convert(text: str, kind: Any, what: str) -> Any:
    if get_origin(kind) is Literal:
        choices = {str(choice): choice for choice in get_args(kind)}
        if text not in choices:
            raise unknown(what, text, choices)
        return choices[text]
    if get_origin(kind) in (Union, types.UnionType):
        given = next(choice for choice in get_args(kind) if choice is not types.NoneType)
        return None if text == "none" else _convert(text, given, what)
    if kind is bool:
        if text.lower() not in _TRUTH:
            raise BadInput(f"{what} must be true or false, not {text!r}")
        return _TRUTH[text.lower()]
    try:
        return kind(text)
    except ValueError:
        raise BadInput(f"{what} must be {_NAMES.get(kind, kind.__name__)}, not {text!r}") from None


_NAMES = {int: "a whole number", float: "a number"}


def parse_share(text: str, what: str) -> float:
    """`2%` or `0.02` as 0.02; raises `BadInput` unless it lies between 0 and 1."""
    number = _number(text.removesuffix("%"), what, "a share such as 2%")
    share = number / 100 if text.endswith("%") else number
    if not 0 < share < 1:
        raise BadInput(f"{what} must lie between 0 and 1 (0 % and 100 %), not {text!r}")
    return share


def parse_duration(text: str, what: str) -> float:
    """`90`, `90s`, `8m` or `1h` as seconds; raises `BadInput` unless it is above 0."""
    unit = text[-1:] if text[-1:] in _SECONDS else ""
    seconds = _number(text.removesuffix(unit), what, "a time such as 90s, 8m or 1h") * _SECONDS[unit]
    if seconds <= 0:
        raise BadInput(f"{what} must be above 0, not {text!r}")
    return seconds


def parse_bytes(text: str, what: str) -> int:
    """`1000`, `500kB`, `20MB` or `2GB` as bytes; raises `BadInput` unless it is at least 1."""
    unit = next((unit for unit in _BYTES if unit and text.lower().endswith(unit)), "")
    number = _number(text[: len(text) - len(unit)], what, "a size such as 500MB or 2GB")
    if number * _BYTES[unit] < 1:
        raise BadInput(f"{what} must be at least 1, not {text!r}")
    return int(number * _BYTES[unit])


_BYTES = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "b": 1, "": 1}
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}


def _number(text: str, what: str, form: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise BadInput(f"{what} must be {form}, not {text!r}") from None
    if not isfinite(number):
        raise BadInput(f"{what} must be {form}, not {text!r}")
    return number
