"""Diagnoses loaders in which a bottleneck was planted, and prints what was named against what was planted.

    python bench/planted.py DATASET --out planted.jsonl [--runs 5] [--seconds 60] [--max-time 10m]

DATASET is a folder dataset. What the file holds already is not run again, so it may be stopped at any time.
A diagnosis here ends with its phases: nothing is relieved, and no other setting is tried. `--keep FOLDER`
keeps its results, for `pipebench report` and `audit` to read. Where what is planted depends on the plain
loader's rate, that is measured before and after: if it has moved by more than 5 %, the host has planted
something else, and the run is counted as that.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from pipebench.diagnosis.phases import Bench, Phase
from pipebench.diagnosis.run import diagnose
from pipebench.diagnosis.session import Session
from pipebench.forking import Nursery
from pipebench.measure import SystemClock
from pipebench.options import parse_duration
from pipebench.plan import Request, make_plan, parse_loader
from pipebench.results import TrialSpec
from tests.planted.plants import LEVELS, PLANTS, Plant, loader_text, step_text

FOLDER = str(Path(__file__).parent.parent / "tests" / "planted")
MOVED = 0.05
"""By which the plain loader's rate may differ from before to after."""
PLANTS_BY_NAME = {plant.name: plant for plant in PLANTS}


class Case(NamedTuple):
    """One diagnosis."""

    plant: str
    level: str
    run: int


def main() -> None:
    args = _arguments()
    done = [json.loads(line) for line in args.out.open()] if args.out.exists() else []
    end = time.monotonic() + parse_duration(args.max_time, "--max-time")
    with Nursery() as nursery:
        spec = _spec(args.data, f"planted:Planted@{FOLDER}", "null", 0)
        nursery.prepare(spec, replace(spec, cpus=spec.cpus[:1]))
        nursery.wait()
        for case in _missing(args, done):
            if time.monotonic() + args.seconds > end:
                break
            outcome = _outcome(case, args, nursery)
            done.append(outcome)
            with args.out.open("a") as file:
                file.write(json.dumps(outcome) + "\n")
            print(_line(outcome), file=sys.stderr, flush=True)
    print_matrix(done)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0, help="of one diagnosis, at most")
    parser.add_argument("--max-time", default="10m")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep each diagnosis's results there")
    parser.add_argument("--plant", action="append", choices=PLANTS_BY_NAME, help="only these")
    parser.add_argument("--level", action="append", choices=LEVELS, help="only these")
    return parser.parse_args()


def _missing(args: argparse.Namespace, done: list[dict[str, Any]]) -> Iterator[Case]:
    """Run after run over all plants, so that a run that is cut short has seen each of them."""
    held = {(one["plant"], one["level"], one["run"]) for one in done}
    for run in range(args.runs):
        for level in args.level or LEVELS:
            for plant in args.plant or PLANTS_BY_NAME:
                if (plant, level, run) not in held:
                    yield Case(plant, level, run)


def _outcome(case: Case, args: argparse.Namespace, nursery: Nursery) -> dict[str, Any]:
    plant, level = PLANTS_BY_NAME[case.plant], LEVELS[case.level]
    depends = "rate" in plant.step or "slower" in plant.step
    rate = _plain_rate(args, nursery) if depends else 0.0
    spec = _spec(args.data, loader_text(plant, level, FOLDER), step_text(plant, level, rate), case.run)
    began, load = time.monotonic(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(args.keep or folder) / f"{case.plant}-{case.level}-{case.run}.jsonl"
        out.parent.mkdir(parents=True, exist_ok=True)
        out.unlink(missing_ok=True)
        session = _session(out, nursery, args.seconds)
        session.begin()
        found = diagnose(session, Bench(spec=spec), quick=True)
    named = found.verdict.named
    moved = abs(_plain_rate(args, nursery) / rate - 1) if depends else 0.0
    return case._asdict() | {
        "verdict": str(named.verdict),
        "detail": named.detail and str(named.detail),
        "why": named.why,
        "moved": moved,
        "right": (named.verdict, named.detail) == (plant.verdict, plant.detail),
        "withheld": str(named.verdict) in ("undecided", "balanced"),
        "loader_use": found.evidence.loader.use and found.evidence.loader.use.estimate,
        "disturbed": found.evidence.loader.disturbed,
        "trials": len(found.records),
        "seconds": time.monotonic() - began,
        "load": load,
        "step": spec.step,
    }


def _plain_rate(args: argparse.Namespace, nursery: Nursery) -> float:
    """What the loader without a plant reaches: the middle one of three short trials."""
    spec = _spec(args.data, f"planted:Planted@{FOLDER}", "null", 0)
    with tempfile.TemporaryDirectory() as folder:
        session = _session(Path(folder) / "r.jsonl", nursery, 60.0)
        session.begin()
        trial = replace(Bench(spec=spec).trial(Phase.WARM), seconds=1.0)
        for block in range(3):
            session.attempt(Phase.WARM, trial, block)
        seen = session.seen(Phase.WARM)
    assert seen is not None
    return seen.rate.estimate


def _session(out: Path, nursery: Nursery, seconds: float) -> Session:
    return Session(
        loader="planted",
        out=out,
        execute=nursery.run_trial,
        clock=SystemClock(),
        max_seconds=seconds,
    )


def _spec(data: str, loader: str, step: str, seed: int) -> TrialSpec:
    request = Request(data=(data,), steps=(step,), seed=seed)
    return make_plan(request, [parse_loader(loader)]).rivals[0].specs[0]


def _line(outcome: dict[str, Any]) -> str:
    if outcome["moved"] > MOVED:
        return f"{outcome['plant']:<16} {outcome['level']:<8} the plain rate moved by {outcome['moved']:.0%}"
    state = "right" if outcome["right"] else "withheld" if outcome["withheld"] else "WRONG"
    found = outcome["verdict"] + (f"/{outcome['detail']}" if outcome["detail"] else "")
    return (
        f"{outcome['plant']:<16} {outcome['level']:<8} {outcome['run']} {state:<9} {found:<20} "
        f"{outcome['seconds']:.0f} s, {outcome['trials']} trials, load {outcome['load']:.1f}: "
        f"{'; '.join(outcome['why'])}"
    )


def print_matrix(done: list[dict[str, Any]]) -> None:
    """One line a plant and level: what was named how often."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    moved = sum(one.get("moved", 0.0) > MOVED for one in done)
    done = [one for one in done if one.get("moved", 0.0) <= MOVED]
    for one in done:
        found = one["verdict"] + (f"/{one['detail']}" if one["detail"] else "")
        counts.setdefault((one["plant"], one["level"]), Counter())[found] += 1
    for (name, level), found_ in counts.items():
        told = ", ".join(f"{what} {count}" for what, count in found_.most_common())
        print(f"{name:<16} {level:<8} {_deserved(PLANTS_BY_NAME[name]):<20} {told}")
    right = sum(one["right"] for one in done)
    withheld = sum(one["withheld"] and not one["right"] for one in done)
    wrong = len(done) - right - withheld
    print(f"{len(done)} diagnoses: {right} right, {withheld} undecided or balanced, {wrong} wrong")
    if moved:
        print(f"and {moved} in which the host's speed moved meanwhile, so that something else was planted")


def _deserved(plant: Plant) -> str:
    return f"{plant.verdict}/{plant.detail}" if plant.detail else str(plant.verdict)


if __name__ == "__main__":
    main()
