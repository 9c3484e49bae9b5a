"""The one exception that a user's mistake becomes."""

from collections.abc import Iterable
from difflib import get_close_matches

from pipebench.redact import scrubbed

LONGEST = 2000
"""Characters that `one_line` keeps at most; a loader may have written megabytes."""


class BadInput(Exception):
    """Bad usage or bad input: the message is one sentence that says what is wrong and what to do.

    The command line prints it and exits with status 2.
    """


def unknown(what: str, name: str, known: Iterable[str]) -> BadInput:
    """A `BadInput` for a name that is not one of `known`, with the nearest one suggested."""
    names = sorted(map(str, known))  # an enum's member would show as one
    nearest = get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]!r}?" if nearest else f"known: {', '.join(names) or 'none'}"
    return BadInput(f"there is no {what} {name!r}; {hint}")


def one_line(text: str, longest: int = LONGEST) -> str:
    """Foreign text for a record or a table: one printable line, no credentials, and of a long one the end."""
    shown = "".join(c if c.isprintable() else "?" for c in " | ".join(scrubbed(text).strip().splitlines()))
    return shown if len(shown) <= longest else f"...{shown[-longest:]}"
