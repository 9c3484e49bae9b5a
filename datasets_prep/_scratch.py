"""Lists that are kept in the temporary folder, which may be full."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from pipebench.errors import BadInput
from pipebench.files import why


@contextmanager
def scratch() -> Iterator[None]:
    """Turns a full disk into `BadInput`; what SQLite sorts takes room too."""
    try:
        yield
    except (sqlite3.OperationalError, OSError) as error:
        raise BadInput(
            f"the list of samples cannot be written to the temporary folder ({why(error)}); "
            "make room there, or name another one in TMPDIR"
        ) from None
