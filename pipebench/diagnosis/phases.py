"""The phases of a diagnosis: ordinary trials, each with a purpose."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from pipebench.contract import Stage
from pipebench.results import CEILING, Record, TrialSpec


class Phase(StrEnum):
    """What a trial of a diagnosis is for; its contestant is called `LOADER [phase]`."""

    STEP_ONLY = "step_only"
    """The step on a batch that is there already: G."""
    TRANSFER_ONLY = "transfer_only"
    """Copies of that batch to the device: T."""
    WARM = "warm"
    """The whole loader into the null step: P."""
    END_TO_END = "end_to_end"
    """Loader and step: E."""
    READ = "cut_read"
    DECODE = "cut_decode"
    TRANSFORM = "cut_transform"
    ONE_CORE = "warm_one_core"
    FEWER_CORES = "warm_fewer_cores"
    """`warm` on the number of cores that its note tells."""
    COLD_READ = "cold_read"
    """Cut after reading, from storage and neither from the page cache nor from memory: F."""
    READ_ONE_CORE = "cut_read_one_core"
    MORE_WORKERS = "more_workers"
    """`warm` with twice the workers."""
    LARGER_BATCH = "larger_batch"
    """`warm` with batches of twice the size."""
    RELIEVED = "relieved"
    """`end_to_end` with what is named relieved."""
    RELIEVED_OTHER = "relieved_other"
    """`end_to_end` with the runner-up relieved."""
    RELIEVED_CUT = "relieved_cut"
    """Cut after decoding, of payloads that are nearly free to decode."""
    TRIED = "tried"
    """`end_to_end` with another setting."""


CUTS = {Phase.READ: Stage.READ, Phase.DECODE: Stage.DECODE, Phase.TRANSFORM: Stage.TRANSFORM}


def contestant(loader: str, phase: Phase, note: str = "") -> str:
    """The name of a phase's trials in a results file."""
    return f"{loader} [{phase}{': ' if note else ''}{note}]"


def phase_of(record: Record) -> tuple[str, Phase, str] | None:
    """The loader, the phase and the note that a record's contestant names; None for any other record."""
    head, bracket, tail = record.contestant.rpartition(" [")
    phase, _, note = tail.removesuffix("]").partition(": ")
    if not bracket or not tail.endswith("]") or phase not in list(Phase):
        return None
    return head, Phase(phase), note


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a diagnosis varies: the end-to-end trial."""

    spec: TrialSpec
    worker_knob: str = ""
    """The setting that says how many workers there are, if there is one."""
    workers: int = 0
    scratch: str = ""
    """A folder for what interventions need."""
    is_remote: bool = False
    """Whether the payloads lie on no filesystem of this host."""
    memory: str = ""
    """The same dataset with its payloads in memory, where its storage is not this host's."""
    fused: tuple[tuple[Stage, ...], ...] = ()
    """Stages that the loader's library does in one."""

    @property
    def has_step(self) -> bool:
        return self.spec.step != "null"

    @property
    def is_own(self) -> bool:
        """Whether the loader is the user's own, of which there are no cuts."""
        return not self.spec.data

    @property
    def has_device(self) -> bool:
        """Whether batches are brought to a device that is not this host."""
        return self.spec.device != "cpu"

    @property
    def is_cold(self) -> bool:
        return self.spec.cache == "cold"

    @property
    def whole(self) -> Phase:
        """The phase that is the pipeline as it is; for the warm loader on the null step no further one."""
        return Phase.END_TO_END if self.has_step or self.meets_storage else Phase.WARM

    @property
    def meets_storage(self) -> bool:
        """Whether the pipeline as it is reads from storage, while most phases read from memory."""
        return self.is_cold or bool(self.memory)

    def trial(self, phase: Phase) -> TrialSpec:
        """The trial of a phase; where that can be had, only `cold_read` and `end_to_end` meet storage."""
        changes: dict[str, Any] = {"cache": "warm", "step": "null"} | self._changes(phase)
        if self.memory and phase not in (Phase.COLD_READ, Phase.END_TO_END):
            changes["data"] = self.memory
        return replace(self.spec, **changes)

    def on_cores(self, count: int) -> TrialSpec:
        """The loader alone on so many cores."""
        return replace(self.trial(Phase.WARM), cpus=self.spec.cpus[:count])

    def _changes(self, phase: Phase) -> dict[str, Any]:
        one_core = {"cpus": self.spec.cpus[:1]}
        more = {**self.spec.options, self.worker_knob: str(2 * self.workers)}
        changes: dict[Phase, dict[str, Any]] = {
            Phase.STEP_ONLY: self._one_batch() | {"step": self.spec.step},
            Phase.TRANSFER_ONLY: {"loader": CEILING, "options": {"copied": "true"}, "source": ""},
            Phase.END_TO_END: {"step": self.spec.step, "cache": self.spec.cache},
            Phase.READ: {"until": str(Stage.READ)},
            Phase.DECODE: {"until": str(Stage.DECODE)},
            Phase.TRANSFORM: {"until": str(Stage.TRANSFORM)},
            Phase.ONE_CORE: one_core,
            Phase.COLD_READ: {"until": str(Stage.READ), "cache": self.spec.cache},
            Phase.READ_ONE_CORE: {"until": str(Stage.READ)} | one_core,
            Phase.MORE_WORKERS: {"options": more},
            Phase.LARGER_BATCH: {"batch_size": 2 * self.spec.batch_size},
        }
        return changes.get(phase, {})

    def _one_batch(self) -> dict[str, Any]:
        """What hands out a batch that is there already."""
        if self.is_own:
            return {"options": {"replay": "true"}}
        return {"loader": CEILING, "options": {}, "source": ""}

    def with_options(self, options: Mapping[str, str]) -> TrialSpec:
        """End to end, with these settings over the loader's own."""
        return replace(self.spec, options={**self.spec.options, **options})
