"""What a `run` was asked for -> the plan of its trials, checked before anything is timed."""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Literal

from pipebench import machine, registry
from pipebench.contract import Stage, Unsupported
from pipebench.dataset import Dataset, open_dataset
from pipebench.errors import BadInput, unknown
from pipebench.goal import Goal
from pipebench.options import parse_pairs
from pipebench.results import CEILING, TrialSpec
from pipebench.schedule import Contestant, Plan
from pipebench.step import parse_step
from pipebench.trial import prepare


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A run as asked for on the command line."""

    data: tuple[str, ...]
    loaders: tuple[str, ...] = ()
    """Empty: every registered loader."""
    steps: tuple[str, ...] = ("null",)
    batch_size: int = 64
    preprocessing: str = ""
    shuffle: bool = True
    drop_last: bool = False
    seed: int = 0
    cores: int | None = None
    device: str = "cpu"
    until: str = "batch"
    trials: int = 5
    precision: float | None = None
    max_seconds: float | None = None
    seconds: float = 3.0
    cache: Literal["warm", "cold"] = "warm"
    trial_timeout: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoaderChoice:
    """`NAME[@PYTHON][:k=v,...]`, where NAME is registered or `module:Class`."""

    text: str
    name: str
    python: str
    options: dict[str, str]

    @property
    def here(self) -> bool:
        """Whether this process can ask the loader's class about itself."""
        return ":" not in self.name and self.python == sys.executable


def parse_loader(text: str) -> LoaderChoice:
    """Raises `BadInput` where the text is not of the form."""
    head, colon, tail = text.rpartition(":")
    name, options = (head, parse_pairs(tail, "loader setting")) if colon and "=" in tail else (text, {})
    name, at, python = name.partition("@")
    if not name or (at and not python):
        raise BadInput(f"--loader {text!r} is not of the form NAME[@PYTHON][:key=value,...]")
    if name == CEILING:
        raise BadInput(f"--loader {text}: {CEILING} is the ceiling, which every run measures; name another")
    interpreter = str(Path(python).expanduser().absolute()) if at else sys.executable
    return LoaderChoice(text=text, name=name, python=interpreter, options=options)


def make_plan(request: Request) -> Plan:
    """The plan; raises `BadInput` for whatever can be known to be wrong without running a trial."""
    datasets = [open_dataset(url) for url in request.data]
    _check(request, datasets)
    choices = [parse_loader(text) for text in request.loaders or _registered()]
    contestants = [found for choice in choices for found in _contestants(request, choice, datasets)]
    _check_unique(contestants)
    ceiling = _contestant(request, _CEILING, datasets[0], several=False)
    return Plan(
        contestants=(ceiling, *contestants),
        goal=Goal(blocks=request.trials, precision=request.precision, max_seconds=request.max_seconds),
        seed=request.seed,
        trial_timeout=request.trial_timeout,
    )


_CEILING = LoaderChoice(text=CEILING, name=CEILING, python=sys.executable, options={})


def _registered() -> list[str]:
    return [name for name in registry.names(registry.LOADERS) if name != CEILING]


def _check(request: Request, datasets: Sequence[Dataset]) -> None:
    for name, least in (
        ("trials", 1),
        ("batch_size", 1),
        ("seconds", 0.1),
        ("trial_timeout", 1),
        ("seed", 0),
    ):
        if not least <= getattr(request, name) < inf:  # nor is "nan" at least anything
            option = name.replace("_", "-")
            raise BadInput(f"--{option} must be at least {least}, not {getattr(request, name)}")
    if request.until not in list(Stage):
        raise unknown("stage", request.until, list(Stage))
    if not re.fullmatch(r"cpu|cuda(:\d+)?", request.device):
        raise BadInput(f"--device must be cpu, cuda or cuda:N, not {request.device!r}")
    for step in request.steps:
        parse_step(step)
    for dataset in datasets:
        if request.batch_size > dataset.samples:
            raise BadInput(
                f"--batch-size {request.batch_size} is larger than {dataset.url}, "
                f"which holds {dataset.samples} samples"
            )
    if len({dataset.content_id for dataset in datasets}) > 1:
        places = " and ".join(dataset.url for dataset in datasets)
        raise BadInput(f"{places} hold different samples, so loaders cannot be compared over them")


def _readable(choice: LoaderChoice, datasets: Sequence[Dataset]) -> Sequence[Dataset]:
    """The datasets that the loader reads; if none, the first, so that its own words say why."""
    if not choice.here:
        return datasets
    formats = registry.loader(choice.name).formats
    return [dataset for dataset in datasets if dataset.format in formats] or datasets[:1]


def _contestants(request: Request, choice: LoaderChoice, datasets: Sequence[Dataset]) -> Iterator[Contestant]:
    """One for each dataset that the loader reads; raises `BadInput` for wrong settings."""
    readable = _readable(choice, datasets)
    for dataset in readable:
        contestant = _contestant(request, choice, dataset, several=len(readable) > 1)
        if choice.here:
            with suppress(Unsupported):  # the trial's record says so, and the others run
                prepare(contestant.specs[0])
        yield contestant


def _contestant(request: Request, choice: LoaderChoice, dataset: Dataset, *, several: bool) -> Contestant:
    first = TrialSpec(
        purpose="measure",
        loader=choice.name,
        options=choice.options,
        python=choice.python,
        data=dataset.url,
        batch_size=request.batch_size,
        preprocessing=parse_pairs(request.preprocessing, "preprocessing option"),
        shuffle=request.shuffle,
        drop_last=request.drop_last,
        seed=request.seed,
        cpus=machine.usable_cpus(request.cores),
        device=request.device,
        step="null",
        until=request.until,
        seconds=request.seconds,
        cache=request.cache,
    )
    label = f"{choice.text} {dataset.format}" if several else choice.text
    return Contestant(label=label, specs=tuple(replace(first, step=step) for step in request.steps))


def _check_unique(contestants: Sequence[Contestant]) -> None:
    labels = [contestant.label for contestant in contestants]
    for label in labels:
        if labels.count(label) > 1:
            raise BadInput(f"{label!r} is asked for twice; name each loader and dataset once")
