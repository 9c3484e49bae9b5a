"""How samples are laid out in files: one format a module."""

from collections.abc import Mapping

from .contract import Format
from .wds import Wds

FORMATS: Mapping[str, Format] = {"wds": Wds()}
