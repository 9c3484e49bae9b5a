"""`pipebench limits`: what this host can do at best, without any loader."""

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pipebench.errors import BadInput
from pipebench.progress import add_quiet, waited_for

if TYPE_CHECKING:
    from pipebench.kinds import Kind
    from pipebench.limits import Limit

EXAMPLE = """\
examples:
  pipebench limits             of the working folder's storage, with pictures made for it
  pipebench limits D           of the storage that the dataset D lies on, decoding its own samples
  pipebench limits --json
"""


class LimitsCommand:
    """The command `limits`, as the command line asks it."""

    help = "measure what this host can do at best: decode, storage, memory, hand-over"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.epilog = EXAMPLE
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        about = "a dataset, or any folder; test files are written below it and removed (default: .)"
        parser.add_argument("path", nargs="?", type=Path, default=Path(), metavar="PATH", help=about)
        parser.add_argument("--json", action="store_true", help="print as JSON")
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        found = []
        for limit in waited_for(_measure(args.path), "measuring"):
            found.append(limit)
            if not args.json:
                print(_line(limit), flush=True)
        if args.json:
            print(json.dumps([asdict(limit) | {"median": limit.value} for limit in found], indent=1))
        return 0


def _measure(path: Path) -> "Iterator[Limit]":
    from pipebench import limits
    from pipebench.measure import SystemClock

    clock = SystemClock()
    try:
        with tempfile.TemporaryDirectory(prefix=".pipebench-limits-", dir=path) as folder:
            yield limits.decode(*_payloads(path, Path(folder)), clock)
            yield from limits.storage(Path(folder), clock)
    except OSError as error:
        raise BadInput(f"test files cannot be written below {path}: {error.strerror}") from None
    yield limits.memory_copy(clock)
    yield from limits.hand_over(clock)


def _payloads(path: Path, folder: Path) -> "tuple[list[bytes], Kind]":
    """Some payloads of the dataset at `path`, or synthetic ones made in `folder`, and their kind."""
    from pipebench.dataset import DESCRIPTION, open_dataset
    from pipebench.isolation import run_command
    from pipebench.kinds import kind
    from pipebench.limits import PAYLOADS

    if not (path / DESCRIPTION).exists():
        path = folder / "synthetic"
        run_command("data", "synth", str(path), "--samples", str(PAYLOADS))
    dataset = open_dataset(str(path))
    return dataset.payloads(PAYLOADS), kind(dataset.kind)


def _line(limit: "Limit") -> str:
    spread = f"({min(limit.values):,.4g} to {max(limit.values):,.4g})"
    return f"{limit.name:<26} {limit.value:>10,.4g} {limit.unit:<10} {spread} {limit.note}".rstrip()
