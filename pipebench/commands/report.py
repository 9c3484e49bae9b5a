"""`pipebench report`: one page of everything that results show, to open, to send and to print."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipebench.commands._output import newest
from pipebench.errors import BadInput
from pipebench.progress import add_quiet, pulse

if TYPE_CHECKING:
    from pipebench.report.gathered import Gathered

EXAMPLE = """\
examples:
  pipebench report                       the newest two under .pipebench
  pipebench report r.jsonl --out page.html
  pipebench report before.jsonl after.jsonl --redact --out shared.html
  pipebench report r.jsonl --format png --out figures    one file a figure

exit codes: 0 fine, 2 bad input, 3 some trial did not end ok (and yet it is
written)
"""


class ReportCommand:
    """The command `report`, as the command line asks it."""

    help = "write one page, to be opened without a network, of everything that results show"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.epilog = EXAMPLE
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        add = parser.add_argument
        about = "pipebench's results or pytest-benchmark's JSON (default: the newest two under .pipebench)"
        add("results", nargs="*", type=Path, metavar="RESULT", help=about)
        out = "the page to write, or for png the folder; only reports are replaced (default: report[.html])"
        add("--out", type=Path, metavar="FILE", help=out)
        add("--format", choices=["html", "png"], default="html", help="default: html")
        add("--redact", action="store_true", help="leave out host, user, bucket and path names")
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        paths = args.results or newest(2)
        with pulse(lambda: "making the report"):
            gathered = _gathered(paths, redact=args.redact)
            draw = _page if args.format == "html" else _pictures
            written = draw(gathered, args.out)
        for path, size in written:
            print(f"{path}: {size / 1000:,.0f} kB")
        return 3 if gathered.failed else 0


def _gathered(paths: Sequence[Path], *, redact: bool) -> "Gathered":
    from pipebench.figures import remembered
    from pipebench.report.gather import gather
    from pipebench.result_files import open_sources, without_collections

    with without_collections():
        sources = open_sources(paths, redact=redact)
        return gather(sources, [None if redact else path for path in paths], remembered())


def _page(gathered: "Gathered", out: Path | None) -> Sequence[tuple[Path, int]]:
    from datetime import UTC, datetime
    from importlib.metadata import version

    from pipebench.report.html.page import Made, render
    from pipebench.report.written import MARK, replace_file

    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    path = out or Path("report.html")
    page = render(gathered, Made(when=when, version=version("pipebench"), mark=MARK)).encode()
    replace_file(path, page)
    return [(path, len(page))]


def _pictures(gathered: "Gathered", out: Path | None) -> Sequence[tuple[Path, int]]:
    from pipebench.report.pictures.png import draw
    from pipebench.report.written import make_folder, replace_file

    folder = make_folder(out or Path("report"))
    written = []
    for name, picture in draw(gathered):
        path = folder / f"{name}.png"
        replace_file(path, picture)
        written.append((path, len(picture)))
    if not written:
        raise BadInput("these results hold no figure to draw; 'pipebench audit' says why")
    return written
