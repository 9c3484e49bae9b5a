"""Takes the tour: runs its commands in an empty folder and writes `tour.md` with what they printed.

    python docs/tour.py [--within "COMMAND ..."]

What comes on standard error (progress, notes) is left out, as in a pipe. `--within` puts a command in front
of each that measures, such as one that waits until nobody else does.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

PAGE = Path(__file__).with_name("tour.md")
BIN = Path(sys.prefix) / "bin"
WIDTH = 80
MEASURING = ("ab", "diagnose", "run")

HEAD = """\
# A tour in ten minutes

<!-- taken by docs/tour.py, which ran every command here; change the words there, and take it again -->

Everything below was printed by the command above it, in the order shown, in one empty folder. Yours will
have other figures: take the tour on your own machine.
{host}

`pip install 'pipebench[all]'`, or `make setup` in a checkout. [Completion](shell.md#completion) is one line
more.
"""

PARTS: Sequence[str] = (
    """\
## What is this host?

Each line that begins with a minus names what is missing, with the command that brings it. Without
`--no-loaders` every loader is tried too, with a proof of its work over a few pictures.
""",
    "$ pipebench doctor --no-loaders",
    """\
## Something to measure

Pictures like photographs: the same seed gives the same bytes. Then the same samples as shards, payloads
verbatim, and the proof that nothing was lost on the way. With data of your own skip this: `run` takes a
folder of class folders, tars or Parquet as it is, and makes its index beside the results.
""",
    "$ pipebench data synth demo/folder --samples 2000",
    "$ pipebench data shard demo/folder demo/wds --format wds --shard-samples 128",
    "$ pipebench data verify demo/wds --full",
    """\
The `content_id` is the same in both: these are the same samples, so loaders may be compared over them.

## Which loader is fastest here?

Without `--loader` all that can read the data compete. Each first proves that it delivers the work: every
sample once, the right pixels, crops that are really random. Then come blocks of trials, each a fresh process
on the same cores, every loader once a block, in random order. Short and few
trials are for this tour alone: `pipebench run --data D` takes five of three seconds.
""",
    "$ pipebench run --data demo/wds --trials 3 --seconds 1 --out first.jsonl",
    """\
Read the last line first: with so few blocks nothing is decided, and it says so.
[Reading the verdict](verdicts.md) has every word and label.

## Would an accelerator wait?

`emulate:RATE` is an accelerator that takes so many samples/s: it sleeps where a real one computes, so no GPU
is needed.
""",
    "$ pipebench run --data demo/wds --loader webdataset --step emulate:500 --step emulate:2800 --trials 2",
    """\
The stall is the share of time in which it would stand idle for want of a batch. [Is my training
data-bound?](data-bound.md) goes on from here.

## Why?

`diagnose` names the resource that holds the pipeline back, with its evidence. `--quick` looks once and never
says *confirmed*; without it what is named is relieved, and it must get faster.
""",
    "$ pipebench diagnose demo/wds --loader webdataset --step emulate:2800 --quick",
    """\
## Is this change slower?

Two versions of anything, in turns, in one run. What a library's own tutorial shows, against the same library
at its best:
""",
    "$ pipebench ab tuned=torch_dataloader documented=torch_dataloader:preset=documented --data demo/folder"
    " --trials 3",
    """\
Three blocks again. Without `--trials` it goes on until the ratio is known to 2 %, or as long as
`--max-time 8m` allows, and exits with 1 only on a slow-down that is proved: it can stand [in CI](ab.md) as it
is.

## From storage

`--cache cold` empties the page cache of the dataset before each trial, without root, and proves for each
trial that the bytes came from the device. Where that can't be proved it says so.
""",
    "$ pipebench run --data demo/wds --loader webdataset --cache cold --trials 2",
    """\
## Can I believe it?

Every trial's raw times lie in `.pipebench/`. `audit` derives each figure a second time, by other code, and
says what is wrong and what to mind:
""",
    "$ pipebench audit",
    """\
## Show it to others

Within one result all are compared with the fastest; with two, each with itself in the first.
""",
    "$ pipebench compare first.jsonl",
    "One page that opens without a network, and a copy of a result without any names in it:\n",
    "$ pipebench report --redact --out report.html",
    "$ pipebench export --redact --out shared.jsonl",
    """\
## From here

- [Is my training data-bound?](data-bound.md)
- [Comparing results](compare.md), [two versions in CI](ab.md), [in your own tests](pytest.md)
- [Shards](sharding.md), [the loaders](loaders.md), [adding one](adding-a-loader.md)
- [The method](method.md), which says what a figure here means and how often the verdicts are wrong
- [Every command](commands.md)
""",
)


def commands() -> list[str]:
    """The tour's commands, in order."""
    return [part.removeprefix("$ ") for part in PARTS if part.startswith("$ ")]


def take(within: Sequence[str]) -> str:
    """The page, with what the commands print now."""
    with tempfile.TemporaryDirectory(prefix="pipebench-tour-") as folder:
        parts = [HEAD.format(host=_host()), *(_part(part, Path(folder), within) for part in PARTS)]
    return "\n".join(parts)


def _part(part: str, folder: Path, within: Sequence[str]) -> str:
    if not part.startswith("$ "):
        return part
    command = part.removeprefix("$ ")
    print(part, file=sys.stderr, flush=True)
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "COLUMNS": str(WIDTH)}
    measures = command.split()[1] in MEASURING
    done = subprocess.run(
        [*(within if measures else ()), *shlex.split(command)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    lines = [*broken(part), *_cleaned(done.stdout, folder).splitlines()]
    if done.returncode:
        lines += ["$ echo $?", str(done.returncode)]
    return "\n".join(["```", *lines, "```", ""])


def broken(command: str) -> Iterator[str]:
    """A long command as a shell takes it over several lines, each option with its value."""
    line = ""
    for part in re.split(r" (?=--)", command):
        if line and len(f"{line} {part} \\") > WIDTH:
            yield f"{line} \\"
            line = f"    {part}"
        else:
            line = f"{line} {part}" if line else part
    yield line


def _cleaned(text: str, folder: Path) -> str:
    """Without the places of this host."""
    for place, shown in ((str(folder), "~/tour"), (sys.prefix, "~/.venv")):
        text = text.replace(place, shown)
    return re.sub(r"[ \t]+$", "", text.rstrip("\n"), flags=re.MULTILINE)


def _host() -> str:
    from pipebench import machine

    facts = machine.describe()
    return (
        f"This was taken on {facts.usable_cores} cores of a shared {facts.cpu} host. Where others worked "
        "there\nmeanwhile, it says `disturbed`."
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--within", default="", help="a command to put in front of each that measures")
    PAGE.write_text(take(shlex.split(parser.parse_args().within)))
