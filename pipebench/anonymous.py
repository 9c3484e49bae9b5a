"""Takes host, user, bucket and path names out of results, so that they can be shared.

Works on a file's JSON before anything is made of it, so that nothing downstream can show a name. Each
path or URL becomes an alias such as `path-2`, the same one throughout, so that what was distinct stays
distinct. Names learnt from paths are then masked wherever else they stand.
"""

import getpass
import json
import platform
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from pipebench.redact import scrubbed
from pipebench.results import Record, from_raw, to_line

MASK = "***"
SHORTEST = 3
"""Characters of a part of a path that is masked in other texts too."""

_HOSTS = frozenset({"host", "node", "hostname"})
_PATHS = frozenset({"python", "data", "source"})
"""Keys of a trial's spec whose value is a path or a URL, however it looks."""
_NAMING = frozenset({"loader", "contestant"})
_DROPPED = frozenset({"commit_info"})
_KEPT = frozenset({"purpose", "status", "format", "step", "until", "device", "transport", "filesystem"})
"""Keys whose values pipebench itself has worded."""

_PLACES = """
bin build cache conda data dataset datasets demo dist env envs etc home lib lib64 local main mnt opt
packages private project python python3 root run share site-packages src srv test tests tmp train
usr users val var venv venvs volume volumes work workspace
"""
_GENERIC = frozenset(_PLACES.split())
"""Parts of paths that say nothing of whose they are."""

_QUOTED = r"""(?<=['"])(?:[/~]|\.{1,2}/|[A-Za-z][\w+.-]*://)[^'"]*(?=['"])"""
_URL = r"[A-Za-z][\w+.-]*://[^\s'\"<>|,;)\]]+"
_ROOTED = r"(?<![\w/.-])(?:~[\w.-]*|\.{1,2})?(?:/[^\s/'\"<>|:,;)\]]+)+/?"
_RELATIVE = r"(?<![\w/])\.?[\w-][\w.-]*(?:/[\w.-]+)*/[\w-]+\.\w+|(?<![\w/])\.?[\w-][\w.-]*(?:/[\w.-]+){2,}"
_WINDOWS = r"\b[A-Za-z]:\\[^\s'\"<>|,;)]+|\\\\[^\s'\"<>|,;)]+"
_PATH = re.compile(f"{_QUOTED}|{_URL}|{_WINDOWS}|{_ROOTED}|{_RELATIVE}")
_INTERPRETER = re.compile(r"(?<=@)[^:\s]+")
"""In a contestant's name."""
_ADDRESS = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # of mail
    r"|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"
    r"|\b(?:[\w-]+\.)+(?:com|net|org|io|dev|local|localdomain|internal|lan|corp|cloud|edu|gov)\b(?::\d+)?"
    r"|\b(?!emulate:)[A-Za-z][\w-]*(?:\.[\w-]+)*:\d{2,5}\b"  # a host and its port
)
_ALIAS = re.compile(r"(?:[A-Za-z][\w+.-]*://)?\bpath-(\d{1,9})\b")
_USER = re.compile(r"(?:^|/)(?:home|Users)/([^/]+)")


class Redactor:
    """Learns names from all files first, then takes them out of each."""

    def __init__(self) -> None:
        self._aliases: dict[str, str] = {}
        self._names: set[str] = set()
        self._needed: set[str] = set()
        self._last = 0
        """Number of the last alias, those of files that were redacted before included."""
        for name in (platform.node(), _user()):
            self._learn_name(name)

    def learn(self, raw: Mapping[str, Any]) -> None:
        """Takes up the names in a file's JSON object, and those that must stay: of loaders and libraries."""
        for key, text in _texts(raw):
            if key in _HOSTS:
                self._learn_name(text)
            elif key in _PATHS:
                self._learn_path(text)
            elif key in _NAMING:
                known = _INTERPRETER.sub("", _PATH.sub("", text))
                self._needed.update((text, *re.split(r"[^\w.-]+", known)))
            for user in _USER.findall(text):
                self._learn_name(user)
            for number in _ALIAS.findall(text):
                self._last = max(self._last, int(number))
        versions = raw.get("versions")
        self._needed.update(versions if isinstance(versions, dict) else ())

    def _learn_path(self, text: str) -> None:
        for part in re.split(r"[/\\]+", text.partition("://")[2] or text):
            self._learn_name(part)

    def _learn_name(self, name: str) -> None:
        telling = re.search(r"[^\W\d_]", name) and name.lower().lstrip(".") not in _GENERIC
        if len(name) >= SHORTEST and telling and not re.fullmatch(r"python[\d.]*", name):
            self._names.add(name)

    def record(self, raw: dict[str, Any]) -> dict[str, Any]:
        """A file's JSON object, or one line's, without names."""
        found: dict[str, Any] = self._value("", raw)
        return found

    def of(self, record: Record) -> Record:
        """A record without the names that it holds or that were learnt before."""
        raw = json.loads(to_line(record))
        self.learn(raw)
        return from_raw(self.record(raw))

    def _value(self, key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {
                self.text(name) if "/" in name else name: self._value(name, held)
                for name, held in value.items()
                if name not in _DROPPED
            }
        if isinstance(value, list):
            return value if value and type(value[0]) is int else [self._value(key, held) for held in value]
        if not isinstance(value, str) or key in _KEPT:
            return value
        if key in _HOSTS:
            return ""
        return self._alias(value) if key in _PATHS and value else self.text(value)

    def text(self, text: str) -> str:
        """Anybody's words without names."""
        text = _PATH.sub(lambda match: self._alias(match[0]), scrubbed(text))
        text = _INTERPRETER.sub(lambda match: self._alias(match[0]), text)
        text = _ADDRESS.sub(MASK, text)
        names = frozenset(self._names - self._needed)
        return _any_of(names).sub(MASK, text) if names else text

    def _alias(self, path: str) -> str:
        if _ALIAS.fullmatch(path):
            return path
        if path not in self._aliases:
            self._last += 1
            scheme, apart, _ = path.rpartition("://")
            self._aliases[path] = f"{scheme}{apart}path-{self._last}"
        return self._aliases[path]


@lru_cache(maxsize=16)
def _any_of(names: frozenset[str]) -> re.Pattern[str]:
    listed = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.compile(rf"(?<![\w-])(?:{listed})(?![\w-])", re.IGNORECASE)


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text in JSON, with the key that it stands under."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, held in value.items():
            yield from _texts(held, name)
    elif isinstance(value, list) and value and type(value[0]) is not int:
        for held in value:
            yield from _texts(held, key)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
