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
    """The object that an installed package registered under `name`."""
    return entry(group, name).load()


def entry(group: str, name: str) -> EntryPoint:
    """The entry point itself, which names its module and distribution, unloaded."""
    found = entry_points(group=group, name=name)
    if not found:
        raise unknown(group.rsplit(".")[-1].removesuffix("s"), name, names(group))
    return next(iter(found))


def loader(name: str) -> "LoaderFactory":
    """The loader registered as `name`, or `module:Class` imported from the working folder."""
    if ":" not in name:
        return cast("LoaderFactory", load(LOADERS, name))
    module, _, attribute = name.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return cast("LoaderFactory", getattr(importlib.import_module(module), attribute))
    except ModuleNotFoundError as error:
        if error.name != module.split(".")[0] and error.name != module:
            raise
        raise BadInput(f"loader {name!r}: there is no module {module!r} in {here} or installed") from None
    except AttributeError:
        raise BadInput(f"loader {name!r}: module {module!r} has no {attribute!r}") from None
