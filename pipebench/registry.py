"""Entry point name -> object, for loaders, commands and data kinds: ours and a third party's alike."""

import importlib
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pipebench.errors import BadInput, unknown

if TYPE_CHECKING:
    from pipebench.contract import LoaderFactory

LOADERS = "pipebench.loaders"
COMMANDS = "pipebench.commands"
KINDS = "pipebench.kinds"


def names(group: str) -> list[str]:
    """The registered names of a group, sorted; nothing is imported."""
    return sorted({entry.name for entry in entry_points(group=group)})


def load(group: str, name: str) -> Any:
    """The object that an installed package registered under `name`; `BadInput` where its import fails."""
    found = entry(group, name)
    try:
        return found.load()
    except (ImportError, AttributeError) as error:
        raise BadInput(f"{_what(group)} {name!r} ({found.value}) cannot be imported: {error}") from error


def entry(group: str, name: str) -> EntryPoint:
    """The entry point itself, which names its module and distribution, unloaded."""
    found = entry_points(group=group, name=name)
    if not found:
        raise unknown(_what(group), name, names(group))
    return next(iter(found))


def _what(group: str) -> str:
    return group.rpartition(".")[2].removesuffix("s")


def loader(name: str) -> "LoaderFactory":
    """The loader registered as `name`, or `module:Class` imported from the working folder."""
    if ":" not in name:
        return cast("LoaderFactory", load(LOADERS, name))
    return cast("LoaderFactory", imported(name, "loader"))


def is_path(name: str) -> bool:
    """Whether it is of the form `module:name`."""
    module, colon, attribute = name.partition(":")
    return bool(colon) and all(part.isidentifier() for part in [*module.split("."), attribute])


def imported(name: str, what: str) -> Any:
    """The object `module:name`, imported from the working folder; raises `BadInput`."""
    if not is_path(name):
        raise BadInput(f"{what} {name!r} is not of the form module:Class")
    module, _, attribute = name.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):
            raise
        raise BadInput(f"{what} {name!r}: there is no module {error.name!r} in {here} or installed") from None
    if not hasattr(found, attribute):
        raise BadInput(f"{what} {name!r}: module {module!r} has no {attribute!r}")
    return getattr(found, attribute)
