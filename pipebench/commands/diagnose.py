"""`pipebench diagnose`: which resource holds a pipeline back, how sure that is, and what to try next."""

import argparse
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipebench.errors import BadInput, one_line
from pipebench.progress import add_quiet, is_quiet, pulse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipebench.diagnosis.phases import Bench
    from pipebench.diagnosis.run import Diagnosis
    from pipebench.diagnosis.session import Execute, Session
    from pipebench.plan import Request
    from pipebench.results import Record, TrialSpec

EXAMPLE = """\
examples:
  pipebench diagnose demo/folder --step emulate:1400
  pipebench diagnose demo/wds --loader webdataset:preset=documented --step model:resnet18
  pipebench diagnose D --loader torch_dataloader --step emulate:900 --cache cold
  pipebench diagnose D --step emulate:1400 --quick --json
  pipebench diagnose --loader mymodule:make_loader --step mymodule:make_step
"""
MAX_BYTES, BATCH_SIZE = "2GB", 64
SECONDS, QUICK_SECONDS = 120.0, 30.0
"""That a diagnosis takes at most."""


class DiagnoseCommand:
    """The command `diagnose`, as the command line asks it."""

    help = "name the resource that holds a pipeline back, with the evidence"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.epilog = EXAMPLE
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        add = parser.add_argument
        about = (
            "a dataset, or a folder of images, tars or Parquet; none where the loader is your own function"
        )
        add("data", nargs="?", metavar="D", help=about)
        add(
            "--loader",
            metavar="L",
            help="NAME[@PYTHON][:setting=value,...] (default: the first that reads D)",
        )
        add(
            "--step",
            default="null",
            metavar="S",
            help="null, emulate:RATE[,host_cpu=SHARE], model:NAME or MODEL@ACCELERATOR (default: null)",
        )
        about = f"default: {BATCH_SIZE}; of a loader of your own, what a batch counts as"
        add("--batch-size", type=int, metavar="B", help=about)
        add("--preprocessing", default="", metavar="K=V,...", help="as for 'pipebench run'")
        add("--seed", type=int, default=0, metavar="S", help="of order and crops (default: 0)")
        add("--cores", type=int, metavar="N", help="to pin each trial to (default: all usable)")
        add("--device", default="cpu", metavar="D", help="for batches: cpu or cuda (default: cpu)")
        add("--cache", choices=["warm", "cold"], default="warm", help="cold: from storage (default: warm)")
        about = f"to look at of a D that is no dataset, such as 500MB (default: {MAX_BYTES})"
        add("--max-bytes", default=MAX_BYTES, metavar="B", help=about)
        add("--quick", action="store_true", help=f"at most {QUICK_SECONDS:g} s, and never confirmed")
        add("--max-time", metavar="T", help=f"such as 5m (default: {SECONDS:g}s)")
        add("--out", type=Path, metavar="FILE", help="results file (default: a new one in .pipebench/)")
        add("--json", action="store_true", help="print as JSON")
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        import tempfile

        from rich.console import Console

        from pipebench.measure import SystemClock
        from pipebench.profile_step import resolved_one, tiers_told, validity
        from pipebench.report.diagnosis import print_diagnosis
        from pipebench.report.diagnosis_json import diagnosis_facts
        from pipebench.report.plain_json import dumps

        args.began_ns = SystemClock().now_ns()
        args.step = resolved_one(args.step)
        with tempfile.TemporaryDirectory(prefix="pipebench-sampled-") as place:
            diagnosis = _diagnose_sampled(_with_data(args, Path(place)))
        if args.json:
            facts = {"sampled": args.sampled or None, "step_standing": validity(args.step)}
            print(dumps({**diagnosis_facts(diagnosis), **facts}))
        else:
            print_diagnosis(Console(), diagnosis)
            print("".join(f"{line}\n" for line in tiers_told([args.step])), end="")
            if args.sampled:
                print(one_line(f"Sampled: {args.sampled}; the rest was not looked at."))
        return 0


def _with_data(args: argparse.Namespace, place: Path) -> argparse.Namespace:
    """Of data that is no dataset a bounded part becomes one, whose index lies in `place`."""
    from pipebench.dataset import NotIndexed, open_dataset
    from pipebench.files import shown
    from pipebench.measure import SystemClock
    from pipebench.options import parse_bytes
    from pipebench.sampling.sample import sample

    args.sampled, args.given, clock = "", args.data, SystemClock()
    least, end_ns = args.batch_size or BATCH_SIZE, args.began_ns + SAMPLING_SHARE * _seconds(args) * 1e9

    def goes_on(samples: int) -> bool:
        return samples < least or clock.now_ns() < end_ns

    if args.data is None:
        return args
    try:
        open_dataset(args.data)
    except NotIndexed:
        with pulse(lambda: f"looking through {shown(args.data)}"):
            found = sample(args.data, place / "index", parse_bytes(args.max_bytes, "--max-bytes"), goes_on)
        args.sampled = f"{found.samples} samples, {found.payload_bytes / 1e6:.0f} MB of {shown(args.data)}"
        args.data = found.url
    return args


def _diagnose_sampled(args: argparse.Namespace) -> "Diagnosis":
    """As `_diagnose`; what is wrong with sampled data is said of the data, not of its index."""
    from pipebench.files import shown

    try:
        return _diagnose(args)
    except BadInput as problem:
        if not args.sampled:
            raise
        raise BadInput(str(problem).replace(args.data, shown(args.given))) from None


def _diagnose(args: argparse.Namespace) -> "Diagnosis":
    from pipebench import results
    from pipebench.commands._measuring import out_file
    from pipebench.diagnosis.run import diagnose
    from pipebench.diagnosis.session import Session
    from pipebench.forking import Nursery
    from pipebench.measure import SystemClock

    spec, label = _spec(args)
    args.resume = False
    out = out_file(args)
    with results.alone(out), Nursery() as nursery:
        session = Session(
            loader=label,
            out=out,
            execute=_pulsing(nursery.run_trial),
            clock=SystemClock(),
            max_seconds=_seconds(args),
            tell=_tell,
        )
        session.begin(args.began_ns)
        with pulse(lambda: "starting the processes that trials are forked from"):
            nursery.prepare(*_kinds_of_trials(spec))
            nursery.wait()
        try:
            with _bench(spec, session) as bench:
                diagnosis = diagnose(session, bench, quick=args.quick)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"{len(session.records)} trials are in {out}") from None
    if not is_quiet():
        print(f"results: {out}", file=sys.stderr)
    return diagnosis


def _pulsing(execute: "Execute") -> "Execute":
    """Says which phase runs while it does."""

    def shown(spec: "TrialSpec", timeout: float, **identity: Any) -> "Record":
        with pulse(lambda: f"{one_line(identity['contestant'])}: running"):
            return execute(spec, timeout, **identity)

    return shown


@contextmanager
def _bench(spec: "TrialSpec", session: "Session") -> "Iterator[Bench]":
    """The pipeline, with a folder in memory; remote data is copied there, if there is time and room."""
    import os
    import shutil
    import tempfile

    from pipebench.dataset import open_dataset
    from pipebench.diagnosis.phases import Bench
    from pipebench.diagnosis.staging import MEMORY, stage
    from pipebench.files import is_local

    folder = MEMORY if os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="pipebench-memory-", dir=folder) as place:
        if not spec.data or is_local(open_dataset(spec.data).root):
            yield Bench(spec=spec, scratch=place)
            return
        copy = Path(place, "copy")
        copy.mkdir()
        with pulse(lambda: "copying the data to memory"):
            memory = stage(open_dataset(spec.data), copy, lambda: session.allows(STAGING_SHARE))
        if memory is None:
            shutil.rmtree(copy)  # it would take memory from the trials
        yield Bench(spec=spec, is_remote=True, memory=memory or "", scratch=place)


SAMPLING_SHARE, STAGING_SHARE = 0.2, 0.4
"""Of the time: until then data that nobody has indexed is looked through, and remote data is copied."""


def _seconds(args: argparse.Namespace) -> float:
    from pipebench.options import parse_duration

    if args.max_time is not None:
        return parse_duration(args.max_time, "--max-time")
    return QUICK_SECONDS if args.quick else SECONDS


def _kinds_of_trials(spec: "TrialSpec") -> list["TrialSpec"]:
    """One for each process that trials are forked from."""
    one_core = replace(spec, cpus=spec.cpus[:1])
    return [spec] if len(spec.cpus) == 1 else [spec, one_core]


def _spec(args: argparse.Namespace) -> tuple["TrialSpec", str]:
    """The end-to-end trial, and what the loader is called; raises `BadInput`."""
    from pipebench.plan import make_plan, parse_loader

    if args.data is None:
        return _own_spec(args), args.loader
    name = args.loader or _first_loader(args.data)
    contestant = make_plan(_request(args), [parse_loader(name)]).rivals[0]
    return contestant.specs[0], contestant.label


def _own_spec(args: argparse.Namespace) -> "TrialSpec":
    """Of a loader that is any iterable of batches."""
    from pipebench import machine
    from pipebench.registry import is_path
    from pipebench.results import TrialSpec
    from pipebench.step import parse_step

    if args.loader is None or not is_path(args.loader):
        raise BadInput("name a dataset, or a loader of your own with --loader module:function")
    needs = {
        "--cache cold": args.cache == "cold",
        "--preprocessing": bool(args.preprocessing),
        "--device": args.device != "cpu",
    }
    if asked := [option for option, is_asked in needs.items() if is_asked]:
        told = "what a loader of your own reads, and where to, is its own affair"
        raise BadInput(f"{asked[0]} needs a dataset: {told}")
    if args.batch_size is not None and args.batch_size < 1:
        raise BadInput(f"--batch-size must be at least 1, not {args.batch_size}")
    if parse_step(args.step).kind == "model":
        raise BadInput(f"--step {args.step} needs a dataset; name a step of your own as module:function")
    return TrialSpec(
        purpose="measure",
        loader=args.loader,
        options={},
        python=sys.executable,
        data="",
        batch_size=args.batch_size or 0,
        preprocessing={},
        shuffle=False,
        drop_last=False,
        seed=args.seed,
        cpus=machine.usable_cpus(args.cores),
        device="cpu",
        step=args.step,
        until="batch",
        seconds=1.0,
        cache="warm",
    )


def _request(args: argparse.Namespace) -> "Request":
    from pipebench.plan import Request

    return Request(
        data=(args.data,),
        steps=(args.step,),
        batch_size=BATCH_SIZE if args.batch_size is None else args.batch_size,
        preprocessing=args.preprocessing,
        seed=args.seed,
        cores=args.cores,
        device=args.device,
        cache=args.cache,
    )


def _first_loader(data: str) -> str:
    """The usual loader of the format, or another that reads it, if its libraries are here."""
    from pipebench.dataset import open_dataset
    from pipebench.diagnosis.tries import loaders_of

    of_format = open_dataset(data).format
    found = loaders_of(of_format)
    if not found:
        hint = "'pipebench doctor' says what is missing"
        raise BadInput(f"no loader that reads {of_format} can run here; {hint}")
    usual = _USUAL.get(of_format, "torch_dataloader")
    return usual if usual in found else found[0]


_USUAL = {"wds": "webdataset", "parquet": "arrow"}
"""What is asked first for a format."""


def _tell(record: "Record") -> None:
    """One line a trial, on stderr."""
    from pipebench.figures import figures

    if is_quiet():
        return
    found = figures(record)
    rate = f"{found.samples_per_second:,.0f} samples/s" if found else f"{record.status}: {record.reason}"
    print(one_line(f"{record.contestant}: {rate}"), file=sys.stderr, flush=True)
