"""Decodes payloads in full to find the damaged ones, in a few processes."""

import warnings
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import xxhash

from pipebench.kinds import kind

from ._found import Found
from ._processes import run_tasks

TASK = 64
"""Payloads to a task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    kind: str
    found: Sequence[Found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A sample that was decoded."""

    found: Found
    size: int
    hash: int
    fault: str | None


def check_payloads(kind_name: str, found: Sequence[Found], workers: int) -> Generator[Checked, None, None]:
    """Reads and decodes every sample, in order."""
    tasks = [_Task(kind=kind_name, found=found[start : start + TASK]) for start in range(0, len(found), TASK)]
    for checked in run_tasks(_check_task, tasks, min(workers, len(tasks))):
        yield from checked


def _check_task(task: _Task) -> list[Checked]:
    """Runs in a worker. Warnings of a decoder about odd but usable files are not this user's concern."""
    fault = kind(task.kind).fault
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [_check_payload(sample, fault) for sample in task.found]


def _check_payload(sample: Found, fault: Callable[[bytes], str | None]) -> Checked:
    try:
        payload = _payload(sample)
    except OSError as error:
        return Checked(found=sample, size=0, hash=0, fault=error.strerror or str(error))
    return Checked(
        found=sample, size=len(payload), hash=xxhash.xxh3_64_intdigest(payload), fault=fault(payload)
    )


def _payload(sample: Found) -> bytes:
    with sample.path.open("rb") as file:
        file.seek(sample.offset)
        return file.read(-1 if sample.size is None else sample.size)
