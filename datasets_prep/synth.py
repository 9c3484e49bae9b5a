"""`pipebench data synth`: a `folder` dataset of synthetic photographs.

Every picture is a pure function of (seed, number, samples, mean bytes), so that the dataset is the
same with any number of workers.
"""

from collections.abc import Generator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import xxhash

from pipebench.dataset import Dataset, write_dataset
from pipebench.errors import BadInput
from pipebench.index import content_id, make_index
from pipebench.progress import track

from ._processes import run_tasks
from ._target import new_folder
from .synthetic.pictures import picture
from .synthetic.plans import Series

BYTES_LIMITS = (2_000, 20_000_000)
"""Below, a JPEG is mostly header; above, one picture takes gigabytes to render."""
TASK = 32
"""Pictures to a task: some 0.15 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Synthesis:
    """The options of a synthetic dataset."""

    samples: int
    seed: int
    classes: int = 10
    mean_bytes: int = 110_000

    def __post_init__(self) -> None:
        for name, low in (("samples", 1), ("seed", 0), ("classes", 1)):
            if getattr(self, name) < low:
                raise BadInput(f"{name} must be at least {low}, not {getattr(self, name)}")
        low, high = BYTES_LIMITS
        if not low <= self.mean_bytes <= high:
            raise BadInput(f"mean bytes must be {low} to {high}, not {self.mean_bytes}")

    def key(self, number: int) -> str:
        """The picture's path below the dataset's folder, without its ending."""
        return f"{self.class_name(number % self.classes)}/{number:08d}"

    def class_name(self, label: int) -> str:
        return f"class_{label:0{len(str(self.classes - 1))}d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    folder: Path
    synthesis: Synthesis
    numbers: range


_Row = tuple[int, int]
"""Size and xxh3_64 of a payload."""


def synthesise(folder: Path, synthesis: Synthesis, workers: int = 1) -> Dataset:
    """Writes the dataset into `folder`, which must not exist or be empty; `dataset.json` comes last."""
    with new_folder(folder):
        for label in range(min(synthesis.classes, synthesis.samples)):
            (folder / synthesis.class_name(label)).mkdir()
        with closing(_rows(folder, synthesis, workers)) as made:
            rows = list(track(made, synthesis.samples, "Synthesising"))
        return _describe(folder, synthesis, rows)


def _rows(folder: Path, synthesis: Synthesis, workers: int) -> Generator[_Row, None, None]:
    starts = range(0, synthesis.samples, TASK)
    tasks = [
        _Task(folder=folder, synthesis=synthesis, numbers=range(start, min(start + TASK, synthesis.samples)))
        for start in starts
    ]
    for rows in run_tasks(_write_pictures, tasks, min(workers, len(tasks))):
        yield from rows


def _write_pictures(task: _Task) -> list[_Row]:
    """Runs in a worker: renders and writes pictures, and returns a row for each."""
    options = task.synthesis
    series = Series(seed=options.seed, samples=options.samples, mean_bytes=options.mean_bytes)
    rows = []
    for number in task.numbers:
        payload = picture(series, number)
        (task.folder / f"{options.key(number)}.jpg").write_bytes(payload)
        rows.append((len(payload), xxhash.xxh3_64_intdigest(payload)))
    return rows


def _describe(folder: Path, synthesis: Synthesis, rows: list[_Row]) -> Dataset:
    numbers = range(synthesis.samples)
    keys = [synthesis.key(number) for number in numbers]
    sizes, hashes = zip(*rows, strict=True)
    index = make_index(
        key=keys,
        member=[f"{key}.jpg" for key in keys],
        shard=[-1] * len(rows),
        offset=[0] * len(rows),
        size=sizes,
        label=[number % synthesis.classes for number in numbers],
        hash=hashes,
    )
    dataset = Dataset(
        url=str(folder),
        root=str(folder),
        kind="image",
        format="folder",
        classes=tuple(synthesis.class_name(label) for label in range(synthesis.classes)),
        samples=len(rows),
        payload_bytes=sum(sizes),
        content_id=content_id(index),
        made={"command": "synth"} | asdict(synthesis),
    )
    write_dataset(dataset, index)
    return dataset
