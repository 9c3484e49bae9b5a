"""`pipebench map`: where the chokepoint lies as accelerators and models grow."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pipebench.commands._sweeping import add_sweeping, check_none_measured, sweep
from pipebench.errors import BadInput

if TYPE_CHECKING:
    from pipebench.chokepoint_map import Panel

EXAMPLE = """\
examples:
  pipebench map --data D --loader webdataset --loader dali --html map.html --png map.png
  pipebench map --data D --loader dali --cores-per-accelerator 2
  pipebench map --data D --loader dali --out r.jsonl --resume    of a sweep that has run, or of 'crossover'

exit codes: 0 all loaders were measured, 2 bad input, 3 some loader was not
"""


class MapCommand:
    """The command `map`, as the command line asks it."""

    help = "show for each accelerator and model how much a loader lets it be used"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.epilog = EXAMPLE
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        add_sweeping(parser)
        add = parser.add_argument
        about = "cores that feed one accelerator (default: those measured)"
        add("--cores-per-accelerator", type=int, metavar="N", help=about)
        add("--html", type=Path, metavar="FILE", help="write an interactive page, which needs nothing else")
        add("--png", type=Path, metavar="FILE", help="write a picture (needs the extra 'report')")
        add("--json", action="store_true", help="print as JSON")

    def run(self, args: argparse.Namespace) -> int:
        from pipebench.chokepoint_map import panel
        from pipebench.report.map_html import as_json
        from pipebench.report.map_text import render
        from pipebench.report.plain_json import dumps
        from pipebench.report.prose import complain, width

        _check(args)
        cores = _cores(args)
        swept = sweep(args)
        check_none_measured(swept)
        panels = [panel(seen, swept.targets, swept.kind, swept.size, cores) for seen in swept.seen]
        if args.json:
            print(dumps([as_json(one) for one in panels]))
        else:
            print("\n".join(render(one, width()) for one in panels), end="")
        _write(args, panels)
        for name, why in swept.missing.items():
            complain(f"{name} could not be measured: {why}")
        return 3 if swept.missing else 0


def _check(args: argparse.Namespace) -> None:
    """Raises `BadInput` for what would fail after everything has been measured."""
    if args.cores_per_accelerator is not None and args.cores_per_accelerator < 1:
        raise BadInput(f"--cores-per-accelerator must be at least 1, not {args.cores_per_accelerator}")
    for option, path in (("--html", args.html), ("--png", args.png)):
        if path is not None and not path.absolute().parent.is_dir():
            raise BadInput(f"{option} {path}: there is no folder {path.parent}")
        if path is not None and path.is_dir():
            raise BadInput(f"{option} {path} is a folder; name a file")
    if args.png is not None:
        from importlib.util import find_spec

        if find_spec("matplotlib") is None:
            raise BadInput("--png needs matplotlib: pip install 'pipebench[report]'")


def _cores(args: argparse.Namespace) -> int | None:
    """Those that feed one accelerator; the trials are pinned to as many of them as there are."""
    from pipebench.machine import usable_cpus

    wanted: int | None = args.cores_per_accelerator
    if wanted is not None and args.cores is None:
        args.cores = min(wanted, len(usable_cpus()))
    return wanted


def _write(args: argparse.Namespace, panels: "list[Panel]") -> None:
    from pipebench.report.map_html import render

    if args.html is not None:
        _written(args.html, render(panels).encode())
    if args.png is not None:
        from pipebench.report.map_png import draw

        _written(args.png, draw(panels))


def _written(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}") from None
    print(f"written: {path}", file=sys.stderr)
