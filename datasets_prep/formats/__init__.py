"""How samples are laid out in files: one format a module."""

from collections.abc import Mapping

from .contract import Format
from .folder import Folder
from .parquet import Parquet
from .wds import Wds

FORMATS: Mapping[str, Format] = {"folder": Folder(), "parquet": Parquet(), "wds": Wds()}
