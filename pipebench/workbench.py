"""What the benchmarks of one pytest run share: which trial a test asks for, datasets, and proofs of work."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from pipebench import registry
from pipebench.dataset import open_dataset
from pipebench.errors import BadInput, unknown
from pipebench.isolation import run_command, run_trial
from pipebench.plan import LoaderChoice, Request, make_plan, parse_loader
from pipebench.results import CEILING, PROOF_BLOCK, Record, TrialSpec, to_line

FORMATS = ("folder", "wds", "parquet")
"""In which a synthetic dataset is made, the first that a loader reads."""
SHARD_SAMPLES = 64

ASKED = frozenset(
    ("step", "batch_size", "preprocessing", "shuffle", "drop_last", "seed", "cores", "device", "until")
)
"""Of a trial, where it is not the default."""
_ASK_FORMATS = "import sys, pipebench.registry as r; print(*sorted(r.loader(sys.argv[1]).formats))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A benchmark as the test asks for it."""

    loader: str
    settings: Mapping[str, Any]
    data: Sequence[str]
    measure: str
    cache: str
    seconds: float
    proof: bool
    timeout: float
    asked: Mapping[str, Any]
    """Of the workload and the placement, where it is not the default."""


@dataclass(slots=True)
class Workbench:
    """What the benchmarks of one pytest run share: datasets, and proofs of work."""

    folder: str
    """For datasets that are made here."""
    given: Sequence[str]
    """Datasets to use instead."""
    samples: int
    run: str = field(default_factory=lambda: uuid4().hex[:12])
    _proofs: dict[str, Record] = field(default_factory=dict)

    def spec(self, task: Task) -> tuple[str, TrialSpec]:
        """What to call the contestant, and its trial; raises `BadInput`."""
        if task.loader == CEILING:
            plan = make_plan(self._request(task, self._dataset(task, FORMATS)))
            return CEILING, next(c.specs[0] for c in plan.contestants if c.is_ceiling)
        choice = _with(parse_loader(task.loader), task.settings)
        url = self._dataset(task, formats_of(choice))
        return choice.text, make_plan(self._request(task, url), [choice]).rivals[0].specs[0]

    def _request(self, task: Task, url: str) -> Request:
        if strange := set(task.asked) - ASKED:
            raise unknown("argument of pipebench_loader", min(strange), ASKED)
        asked: dict[str, Any] = {"preprocessing": "", **task.asked}
        steps = (asked.pop("step", "null"),)
        if isinstance(asked["preprocessing"], Mapping):
            asked["preprocessing"] = ",".join(f"{k}={_text(v)}" for k, v in asked["preprocessing"].items())
        if task.cache not in ("warm", "cold"):
            raise unknown("cache", task.cache, ("warm", "cold"))
        return Request(data=(url,), steps=steps, cache=task.cache, seconds=task.seconds, **asked)  # type: ignore[arg-type] # checked above

    def _dataset(self, task: Task, formats: Sequence[str]) -> str:
        """The first of the datasets that the loader reads."""
        given = task.data or self.given
        if not given:
            return self._synthetic(formats)
        found = {open_dataset(url).format: url for url in reversed(given)}
        return next((url for form, url in found.items() if form in formats), given[0])

    def _synthetic(self, formats: Sequence[str]) -> str:
        wanted = next((form for form in FORMATS if form in formats), FORMATS[0])
        folder, url = Path(self.folder, FORMATS[0]), Path(self.folder, wanted)
        if not folder.exists():
            run_command("data", "synth", str(folder), "--samples", str(self.samples))
        if not url.exists():
            run_command(
                "data",
                "shard",
                str(folder),
                str(url),
                "--format",
                wanted,
                "--shard-samples",
                str(SHARD_SAMPLES),
            )
        return str(url)

    def proof(self, label: str, spec: TrialSpec, timeout: float) -> Record:
        """The record of the proof that this loader delivers the work; made once a run."""
        asked = replace(spec, purpose="same_work", step="null", until="batch", cache="warm", seconds=1.0)
        key = to_line(Record(run="", contestant=label, block=PROOF_BLOCK, spec=asked, status="ok"))
        if key not in self._proofs:
            self._proofs[key] = run_trial(asked, timeout, run=self.run, contestant=label, block=PROOF_BLOCK)
        return self._proofs[key]


def formats_of(choice: LoaderChoice) -> Sequence[str]:
    """The formats that a loader reads; raises `BadInput`.

    One that is not registered here is asked in a process of its own, as a trial would import it.
    """
    if choice.here:
        return sorted(registry.loader(choice.name).formats)
    command = [choice.python, "-P", "-c", _ASK_FORMATS, choice.name]
    try:
        done = subprocess.run(command, cwd=choice.source or None, capture_output=True, text=True, check=False)
    except OSError as error:
        raise BadInput(f"the interpreter {choice.python} cannot be started: {error.strerror}") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise BadInput(last.removeprefix("pipebench.errors.BadInput: "))
    return (done.stdout.strip().splitlines() or [""])[-1].split()


def _with(choice: LoaderChoice, settings: Mapping[str, Any]) -> LoaderChoice:
    """The loader with further settings, which its name shows."""
    if not settings:
        return choice
    if twice := settings.keys() & choice.options.keys():
        raise BadInput(f"setting {min(twice)!r} is given twice")
    more = {name: _text(value) for name, value in settings.items()}
    listed = ",".join(f"{name}={value}" for name, value in more.items())
    text = f"{choice.text}{',' if choice.options else ':'}{listed}"
    return replace(choice, text=text, options=choice.options | more)


def _text(value: Any) -> str:
    """A setting as the command line would have it."""
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)
