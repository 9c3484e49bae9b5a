"""`pipebench data verify` on the command line: its options, and how what was found is shown."""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, TextIO

from pipebench.files import shown
from pipebench.report.prose import complain

if TYPE_CHECKING:
    from ..verify import Verifier
    from .faults import Fault

LINES = 50
"""Faults that are shown; of more only the number."""
ENDS = """\
exit status: 0 whole, 1 faults were found, 2 there is nothing that could be verified

Without --full: description and index against their checksums and each other, the files that are there,
each shard's size and SHA-256. With --full also each payload's and further file's hash, each payload
decoded, and that shards hold nothing else."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All but the workers and `--json`."""
    parser.epilog = f"{parser.epilog}\n{ENDS}"
    parser.add_argument("dataset", metavar="D", help="the dataset's folder or URL")
    parser.add_argument("--full", action="store_true", help="read and decode every sample")
    parser.add_argument("--allow-large", action="store_true", help="decode images of any size")


def show(verifier: "Verifier", *, as_json: bool, full: bool) -> int:
    """Verifies, prints what is wrong, and returns the exit code."""
    # A progress line takes hold of `sys.stdout` while it is on, and writes to a terminal, whatever stdout is.
    out = sys.stdout
    with closing(verifier.faults()) as faults:  # whatever happens, the progress line ends
        count = (_show_json if as_json else _show_lines)(faults, out)
    for sentence in verifier.unproved:
        complain(f"note: {sentence}")
    if not as_json:
        print(_verdict(verifier, count, full=full))
    return 1 if count else 0


def _writer(out: TextIO) -> TextIO:
    """On a terminal the progress line's own, which keeps the two apart."""
    return sys.stdout if out.isatty() else out


def _show_json(faults: Iterator["Fault"], out: TextIO) -> int:
    count = 0
    for count, fault in enumerate(faults, start=1):
        start = "[" if count == 1 else ","
        print(f"{start}\n{json.dumps(fault._asdict(), ensure_ascii=False)}", end="", file=_writer(out))
    print("\n]" if count else "[]", file=out)
    return count


def _show_lines(faults: Iterator["Fault"], out: TextIO) -> int:
    count = 0
    for count, fault in enumerate(faults, start=1):
        if count <= LINES:
            print(fault.line(), file=_writer(out), flush=True)
    if count > LINES:
        print(f"and {count - LINES} more, all of which --json tells", file=out)
    return count


def _verdict(verifier: "Verifier", count: int, *, full: bool) -> str:
    dataset = verifier.dataset
    if count or dataset is None:
        hint = "" if full or dataset is None else "; --full tells which samples are hit"
        return f"{count} fault{'s' * (count != 1)}{hint}"
    shards = f" in {len(dataset.shards)} shards" if dataset.shards else ""
    size = dataset.payload_bytes / 1e6
    return f"{shown(dataset.url)} is whole: {dataset.samples} samples{shards}, {size:.1f} MB of payloads"
