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
from pipebench.files import is_local, local_path
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
    """`NAME[@WHERE]...[:k=v,...]`, where NAME is registered or `module:Class`.

    WHERE is an interpreter, an environment's folder, or for `module:Class` the folder that holds the module.
    """

    text: str
    """Under which tables show it."""
    name: str
    python: str
    options: dict[str, str]
    source: str = ""
    """The folder that holds the module; empty: the working folder."""

    @property
    def here(self) -> bool:
        """Whether this process can ask the loader's class about itself."""
        return ":" not in self.name and self.python == sys.executable


LABEL = re.compile(r"[\w.+-]+")


def parse_labelled(text: str) -> LoaderChoice:
    """`LABEL=LOADER`; raises `BadInput` where the text is not of the form."""
    label, equals, loader = text.partition("=")
    if not equals or not loader or not LABEL.fullmatch(label):
        raise BadInput(f"{text!r} is not of the form LABEL=LOADER, such as main=dali or pr=dali:prefetch=4")
    return replace(parse_loader(loader), text=label)


def parse_loader(text: str) -> LoaderChoice:
    """Raises `BadInput` where the text is not of the form."""
    head, colon, tail = text.rpartition(":")
    told, options = (head, parse_pairs(tail, "loader setting")) if colon and "=" in tail else (text, {})
    name, at, rest = told.partition("@")
    places = [rest] if Path(rest).expanduser().exists() else rest.split("@")
    if not name or (at and not all(places)):
        raise BadInput(f"loader {text!r} is not of the form NAME[@PYTHON][:key=value,...]")
    if name == CEILING:
        raise BadInput(f"loader {text}: {CEILING} is the ceiling, which every run measures; name another")
    choice = LoaderChoice(text=text, name=name, python=sys.executable, options=options)
    for place in places if at else ():
        choice = _placed(choice, Path(place).expanduser().absolute())
    return choice


def _placed(choice: LoaderChoice, place: Path) -> LoaderChoice:
    """The loader under that interpreter, or imported from that folder."""
    if not place.is_dir():
        return replace(choice, python=str(place))
    if (python := place / "bin" / "python").exists():
        return replace(choice, python=str(python))
    if ":" in choice.name:
        return replace(choice, source=str(place))
    raise BadInput(
        f"loader {choice.text}: {place} holds no bin/python; to import a loader from a folder name it as "
        "module:Class"
    )


def make_plan(request: Request, choices: Sequence[LoaderChoice] = ()) -> Plan:
    """The plan, with these loaders or else the request's.

    Raises `BadInput` for whatever can be known to be wrong without running a trial.
    """
    datasets = [open_dataset(url) for url in request.data]
    _check(request, datasets)
    choices = choices or [parse_loader(text) for text in request.loaders or _registered()]
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
        source=choice.source,
        data=_from_anywhere(dataset.url) if choice.source else dataset.url,
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


def _from_anywhere(url: str) -> str:
    """The dataset's URL for a process that works in another folder."""
    return str(Path(local_path(url)).absolute()) if is_local(url) else url


def _check_unique(contestants: Sequence[Contestant]) -> None:
    labels = [contestant.label for contestant in contestants]
    for label in labels:
        if labels.count(label) > 1:
            raise BadInput(f"{label!r} is asked for twice; name each loader and dataset once")
