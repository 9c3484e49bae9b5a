"""Sentences below a table: folded at words on a terminal, whole lines where they are piped."""

import shutil
import sys
from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import TextIO


def width(stream: TextIO | None = None) -> int | None:
    """Columns of the terminal that the stream, or standard output, is on; None where there is none."""
    return shutil.get_terminal_size().columns if (stream or sys.stdout).isatty() else None


def complain(text: str) -> None:
    """Says on standard error what is wrong, or to be noted."""
    say(f"pipebench: {text}")


def say(text: str) -> None:
    """Says something on standard error, which is where all goes that is no result."""
    print("\n".join(folded([text], width(sys.stderr))), file=sys.stderr, flush=True)


def folded(lines: Iterable[str], columns: int | None, hang: int = 0) -> Iterator[str]:
    """The lines, none longer than that unless a word is; what a line is indented by stays.

    What is left of a line is indented by `hang` more.
    """
    for line in lines:
        indent = line[: len(line) - len(line.lstrip())] + hang * " "
        if columns is None or len(line) <= columns:
            yield line
        else:
            yield from wrap(
                line, columns, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
            )
