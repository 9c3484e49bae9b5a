"""What the commands that sweep the emulated step have in common: options, and running the sweep."""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipebench.commands._indexed import indexed
from pipebench.errors import BadInput
from pipebench.progress import add_quiet, is_quiet

if TYPE_CHECKING:
    from pipebench.anonymous import Redactor
    from pipebench.dataset import Dataset
    from pipebench.figures import Derive
    from pipebench.plan import Request
    from pipebench.results import Record
    from pipebench.schedule import Plan
    from pipebench.seen import Seen
    from pipebench.sweep import Shape
    from pipebench.targets import Target


def add_sweeping(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    add = parser.add_argument
    add("--data", required=True, metavar="D", help="a dataset, or a folder that 'data import' can index")
    about = "NAME[@PYTHON][:setting=value,...], NAME registered or module:Class (default: all)"
    add("--loader", action="append", default=[], metavar="L", help=about)
    add_quiet(parser)
    group = parser.add_argument_group("the workload")
    group.add_argument(
        "--batch-size", type=int, default=64, metavar="B", help="samples a batch (default: 64)"
    )
    about = "for images: recipe=train|check, size=224, dtype=uint8|float32, layout=contiguous|channels_last"
    group.add_argument("--preprocessing", default="", metavar="K=V,...", help=about)
    group.add_argument("--seed", type=int, default=0, metavar="S", help="of order and crops (default: 0)")
    group = parser.add_argument_group("measuring")
    group.add_argument("--cores", type=int, metavar="N", help="to pin each trial to (default: all usable)")
    group.add_argument("--trials", type=int, default=3, metavar="N", help="blocks of the sweep (default: 3)")
    group.add_argument(
        "--max-time", metavar="T", help="begin no block of the sweep that would end after T, such as 8m"
    )
    about = "of a trial at least; up to 10 where an epoch takes so long (default: 3)"
    group.add_argument("--seconds", type=float, default=3.0, metavar="S", help=about)
    group.add_argument("--trial-timeout", type=float, default=120.0, metavar="S", help="default: 120")
    about = "results file (default: a new one in .pipebench/)"
    group.add_argument("--out", type=Path, metavar="FILE", help=about)
    group.add_argument("--resume", action="store_true", help="run only what the results file misses")
    add("--redact", action="store_true", help="print no host, user, bucket and path names")


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """A sweep that has run."""

    seen: "list[Seen]"
    missing: dict[str, str]
    """Loaders that gave no curve, with the reason."""
    targets: "list[Target]"
    """All that have a rate; `fitting` are those whose data this is."""
    fitting: "list[Target]"
    kind: str
    size: int | None
    floor: float | None
    """Stalls below it are not told."""


Choose = Callable[["Seen", "list[Target]"], list[str]]
"""The steps to try predictions at."""
Beside = Callable[[float], list[str]]
"""The same, by the loader's own rate."""


def sweep(args: argparse.Namespace, choose: Choose | None = None, beside: Beside | None = None) -> Swept:
    """Runs it, and then the steps that `choose` names, if given. Raises `BadInput`.

    Those that `beside` gives run in the sweep's own blocks, and predictions don't see them.
    """
    from pipebench.accelerators import profiles
    from pipebench.anonymous import Redactor
    from pipebench.commands._measuring import out_file
    from pipebench.dataset import open_dataset
    from pipebench.figures import remembered
    from pipebench.forking import Nursery
    from pipebench.options import parse_pairs
    from pipebench.plan import make_plan
    from pipebench.results import read
    from pipebench.seen import floor
    from pipebench.sweep import Shape
    from pipebench.targets import misfit, picture_size, targets

    found = targets(profiles())  # a user's own file is looked at before anything is timed
    request, derive = _request(args, indexed(args.data, redact=args.redact)), remembered()
    plan, out = make_plan(request), out_file(args)
    dataset = open_dataset(request.data[0])
    size = picture_size(dataset.kind, parse_pairs(request.preprocessing, "preprocessing option"))
    fitting = [target for target in found if misfit(target, dataset.kind, size) is None]
    _warm_up(dataset)
    shape = Shape(blocks=args.trials, samples=dataset.samples, max_seconds=request.max_seconds)
    with Nursery() as nursery:
        running = _Running(
            plan=plan,
            out=out,
            execute=nursery.run_trial,
            derive=derive,
            samples=dataset.samples,
            redactor=Redactor() if args.redact else None,
        )
        seen, missing = running.all(shape, fitting, choose, beside)
    records = read(out)
    running.learn(records)
    if not is_quiet():
        print(f"results: {out.name if args.redact else out}", file=sys.stderr)
    return Swept(
        seen=[replace(one, contestant=running.told(one.contestant)) for one in seen],
        missing={running.told(name): running.told(why) for name, why in missing.items()},
        targets=found,
        fitting=fitting,
        kind=dataset.kind,
        size=size,
        floor=floor(records, derive),
    )


WARMING_SECONDS = 30.0
"""In which data is read into memory at most, before a sweep whose first trials lay out the others."""


def _warm_up(dataset: "Dataset") -> None:
    """Nothing is read from afar, which would not stay in memory."""
    from pipebench.diagnosis.warming import warm_up
    from pipebench.files import is_local
    from pipebench.measure import SystemClock

    if not is_local(dataset.root):
        return
    clock = SystemClock()
    end_ns = clock.now_ns() + WARMING_SECONDS * 1e9
    warm_up(dataset, lambda: clock.now_ns() < end_ns)


def _request(args: argparse.Namespace, data: str) -> "Request":
    from pipebench.options import parse_duration
    from pipebench.plan import Request

    return Request(
        data=(data,),
        loaders=tuple(args.loader),
        batch_size=args.batch_size,
        preprocessing=args.preprocessing,
        seed=args.seed,
        cores=args.cores,
        trials=args.trials,
        max_seconds=args.max_time and parse_duration(args.max_time, "--max-time"),
        seconds=args.seconds,
        trial_timeout=args.trial_timeout,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    plan: "Plan"
    out: Path
    execute: "Callable[..., Record]"
    derive: "Derive"
    samples: int
    """Of an epoch."""
    redactor: "Redactor | None"
    """Takes names out of what is printed, where that was asked for."""
    shown: set[tuple[str, int, str]] = field(default_factory=set)
    """Trials that have had their line: each part of a sweep finds those of the parts before."""

    def learn(self, records: "Iterable[Record]") -> None:
        """Takes up the names that are not to be printed, whether trials were shown or not."""
        if self.redactor is not None:
            for record in {record.contestant: record for record in records}.values():
                self.redactor.of(record)

    def told(self, text: str) -> str:
        """A name or a reason as it may be printed."""
        return self.redactor.text(text) if self.redactor else text

    def all(
        self, shape: "Shape", fitting: "list[Target]", choose: Choose | None, beside: Beside | None
    ) -> "tuple[list[Seen], dict[str, str]]":
        """The three parts, into one file: the loaders' own rates, the sweep, the steps predicted first."""
        from pipebench.results import read
        from pipebench.seen import own_rates
        from pipebench.sweep import beyond, first_plan, is_swept, sweep_plan, swept_blocks

        records = read(self.out) if self.out.exists() else []
        if not is_swept(records):
            records = self._run(first_plan(self.plan), "own rates")
        rates = own_rates((r for r in records if r.contestant in self._names()), self.derive)
        missing = {name: _reason(name, records) for name in self._names() if name not in rates}
        if not rates:
            return [], missing
        tried = beyond(records, sweep_plan(self.plan, rates, shape))
        if beside is not None:
            tried = {name: _merged(tried.get(name, ()), beside(rate)) for name, rate in rates.items()}
        records = self._run(sweep_plan(self.plan, rates, shape, tried), "sweep")
        seen = self._seen(records, tried)
        if choose is not None:
            steps = {
                one.contestant: _merged(tried.get(one.contestant, ()), choose(one, fitting)) for one in seen
            }
            # no more blocks than there was time for
            whole = replace(shape, blocks=swept_blocks(records), max_seconds=None)
            records = self._run(sweep_plan(self.plan, rates, whole, steps), "check")
            seen = self._seen(records, steps)
        measured = {one.contestant for one in seen}
        return seen, missing | {name: _reason(name, records) for name in rates if name not in measured}

    def _names(self) -> list[str]:
        return [contestant.label for contestant in self.plan.rivals]

    def _seen(self, records: "list[Record]", checks: Mapping[str, list[str]]) -> "list[Seen]":
        from pipebench.seen import seen

        found = (
            seen(
                c, records, self.derive, self.samples, checks.get(c.label, ()), self._marked(c.label, records)
            )
            for c in self.plan.rivals
        )
        return [one for one in found if one is not None]

    def _marked(self, name: str, records: "list[Record]") -> set[int]:
        """The blocks in which one of the loader's own trials was disturbed: nobody is compared here."""
        from pipebench.compare import marked_blocks

        return marked_blocks([record for record in records if record.contestant == name], self.derive)

    def _run(self, plan: "Plan", what: str) -> "list[Record]":
        """Those records of the file that the plan asks for, and what it lacked."""
        from pipebench.progress import track
        from pipebench.runner import expected, run

        total = expected(plan, self.out)
        records: list[Record] = []
        try:
            for record in track(run(plan, self.out, self.execute), total, what, self._line):
                records.append(record)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"{len(records)} trials are in {self.out}; the same command with --resume --out {self.out} "
                "runs the rest"
            ) from None
        return records

    def _line(self, record: "Record") -> str:
        from pipebench.report.terminal import trial_line

        trial = record.contestant, record.block, record.spec.step
        if trial in self.shown:
            return ""
        self.shown.add(trial)
        return trial_line(self.redactor.of(record) if self.redactor else record)


def _merged(*steps: Iterable[str]) -> list[str]:
    """Each once, in order."""
    return list(dict.fromkeys(step for some in steps for step in some))


def _reason(name: str, records: "Iterable[Record]") -> str:
    """Why a loader has no curve."""
    for record in records:
        if record.contestant == name and record.status != "ok":
            return f"{record.status}: {record.reason}"
    return "too few batches arrived; try a smaller --batch-size"


def check_none_measured(swept: Swept) -> None:
    """Raises `BadInput` where no loader at all could be measured, with the first reason."""
    if not swept.seen:
        name, why = next(iter(swept.missing.items()))
        raise BadInput(f"no loader could be measured; {name}: {why}")
