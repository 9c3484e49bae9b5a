"""`pipebench watch`: runs a training command as it is, and tells how long its loops waited for data."""

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pipebench.errors import BadInput

if TYPE_CHECKING:
    from pipebench.stats import Comparison
    from pipebench.watching.ranks import Seen

EXAMPLE = """\
examples:
  pipebench watch -- python train.py --epochs 2
  pipebench watch -- torchrun --nproc-per-node 2 train.py
  pipebench watch --headroom -- python train.py    what a perfect loader would gain

Watches every PyTorch DataLoader of the command and of the Python processes that
it starts, ranks included. The exit code is the command's own, or 3 where it ended
well and no DataLoader was iterated.
"""
SHOWN = 4
"""DataLoaders that the text tells of."""
NOTHING = (
    "no batch of a PyTorch DataLoader was seen, so nothing is known: does the command iterate over one, in a "
    "Python from 3.11 on that heeds PYTHONPATH (not -I or -E) and that ends by itself?"
)


class WatchCommand:
    """The command `watch`, as the command line asks it."""

    help = "run a training command as it is, and tell how long its loops waited for data"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.epilog = EXAMPLE
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        add = parser.add_argument
        about = "replay one batch in every other stretch, and tell the speed-up; spoils the training"
        add("--headroom", action="store_true", help=about)
        add("--json", action="store_true", help="tell it as JSON")
        add("--out", type=Path, metavar="FILE", help="write it there (default: stderr)")
        add("command", nargs="+", metavar="COMMAND", help="what to run, after --")

    def run(self, args: argparse.Namespace) -> int:
        from pipebench.report.prose import folded, width
        from pipebench.watching.ranks import errors, read

        with TemporaryDirectory(prefix="pipebench-watch-") as folder:
            code = _run(args.command, _environment(folder, headroom=args.headroom))
            groups, problems = read(Path(folder)), errors(Path(folder))
        for problem in problems:
            print(f"pipebench: watching ended in a process, and not the training: {problem}", file=sys.stderr)
        text = _as_json(groups, args.headroom) if args.json else _as_text(groups, args.headroom)
        if args.out:
            _write(args.out, text)
        else:
            print("\n".join(folded(text.splitlines(), width(sys.stderr))), file=sys.stderr)
        return code or (0 if groups else 3)


def _write(path: Path, text: str) -> None:
    """Where that fails the text is told, since the training that it is of has ended."""
    try:
        path.write_text(f"{text}\n")
    except OSError as error:
        print(text, file=sys.stderr)
        raise BadInput(
            f"{path} cannot be written: {error.strerror}; what it would hold stands above"
        ) from None


def _environment(folder: str, *, headroom: bool) -> dict[str, str]:
    from pipebench.watching import hook

    site = str(Path(hook.__file__).with_name("site"))
    paths = [site, *filter(None, [os.environ.get("PYTHONPATH")])]
    extra = {hook.FOLDER: folder, "PYTHONPATH": os.pathsep.join(paths)}
    return os.environ | extra | ({hook.HEADROOM: "1"} if headroom else {})


def _run(command: Sequence[str], environment: dict[str, str]) -> int:
    """The command's exit code, as a shell has it.

    At a terminal Ctrl-C and a hang-up reach the command by themselves. Elsewhere it gets a process group of
    its own, so that what is sent to this one's group reaches it once.
    """
    own_group = not sys.stdin.isatty()
    try:
        process = subprocess.Popen(command, env=environment, process_group=0 if own_group else None)
    except OSError as error:
        raise BadInput(f"{command[0]} cannot be run: {error.strerror}") from None
    signals = (*PASSED_ON, signal.SIGHUP, signal.SIGINT) if own_group else PASSED_ON
    with _passing_on(process, signals), process:
        while process.returncode is None:
            with suppress(KeyboardInterrupt):
                process.wait()
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


PASSED_ON = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
"""With which schedulers announce that a training's time is up: many a script then saves its state."""


@contextmanager
def _passing_on(process: "subprocess.Popen[bytes]", signals: Sequence[int]) -> Iterator[None]:
    """Meanwhile those signals go to the command, and this process waits for its end."""
    before = {number: signal.signal(number, lambda got, _: process.send_signal(got)) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _as_text(groups: Sequence[Sequence["Seen"]], headroom: bool) -> str:
    from pipebench.watching.ranks import headroom as compared
    from pipebench.watching.ranks import sentences
    from pipebench.watching.text import lines

    said: list[str] = []
    for group in groups[:SHOWN]:
        if headroom:
            said.append(f"{group[0].facts.label}: {_headroom_text(compared(group))}")
        else:
            said += [*lines([(seen.rank, seen.facts) for seen in group]), *sentences(group)]
    if len(groups) > SHOWN:
        said.append(f"{len(groups) - SHOWN} more DataLoaders took less time; --json tells of all.")
    if headroom and groups:
        said.append(_spoilt(groups))
    return "\n".join(said) or f"pipebench: {NOTHING}"


def _spoilt(groups: Sequence[Sequence["Seen"]]) -> str:
    """What became of the training."""
    if any(seen.replayed for group in groups for seen in group):
        return "Half of the batches were one batch, replayed: throw the result of this training away."
    return "No batch was replayed: the training ended before, and its result is as it would have been."


def _headroom_text(found: "Comparison | None") -> str:
    from pipebench.summary import interval_text
    from pipebench.watching.ranks import slowdown

    if found is None:
        return "too few steps for a stretch of either kind."
    faster = f"with batches that are there already {interval_text(found.ratio)} as fast"
    lost = f"slowdown {slowdown(found).estimate:.1%}"
    return f"{faster}, {lost} ({found.blocks} replayed stretches; {found.outcome})."


def _as_json(groups: Sequence[Sequence["Seen"]], headroom: bool) -> str:
    from pipebench.watching.ranks import headroom as compared
    from pipebench.watching.ranks import sentences

    told: list[dict[str, Any]] = []
    for group in groups:
        found = compared(group) if headroom else None
        label, ranks = group[0].facts.label, [{"rank": seen.rank, **asdict(seen.facts)} for seen in group]
        if headroom:  # half of the batches were replayed, so that their waits say nothing
            told.append({"label": label} | _headroom_facts(found))
        else:
            told.append({"label": label, "ranks": ranks, "sentences": sentences(group)})
    spoilt = {"training": _spoilt(groups)} if headroom and groups else {}
    return json.dumps({"loaders": told} | spoilt, indent=1)


def _headroom_facts(found: "Comparison | None") -> dict[str, Any]:
    from pipebench.watching.ranks import slowdown

    if found is None:
        return {"headroom": None, "slowdown": None, "stretches": 0, "outcome": "too few steps"}
    shares = {"headroom": asdict(found.ratio), "slowdown": asdict(slowdown(found))}
    return shares | {"stretches": found.blocks, "outcome": found.outcome}
