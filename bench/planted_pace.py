"""A loader with planted bursts and boundary gaps: another loader's batches, held up at times that are told.

--loader planted_pace:Planted@bench:of=torch_dataloader,every=20,burst_ms=400,boundary_ms=300
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from pipebench import registry
from pipebench.contract import Batch, Placement, Settings, Stage, Workload


@dataclass(frozen=True)
class PlantedSettings(Settings):
    """Whose batches, and when they are held up."""

    of: str = "torch_dataloader"
    gap_ms: float = 0.0
    """Before every batch; beside a long one the loader's own pace and the host's load hardly matter."""
    every: int = 0
    """Batches from one burst to the next; 0: none."""
    burst_ms: float = 0.0
    boundary_ms: float = 0.0
    """Before an epoch's first batch."""


class Planted:
    """Reads what the loader reads whose batches it passes on."""

    formats: ClassVar = frozenset({"folder", "wds", "parquet"})
    libraries: ClassVar[tuple[str, ...]] = ()
    fused: ClassVar[tuple[tuple[Stage, ...], ...]] = ()
    settings: ClassVar = PlantedSettings

    def __init__(
        self, workload: Workload, placement: Placement, *, until: Stage, settings: PlantedSettings
    ) -> None:
        factory = registry.loader(settings.of)
        tuned = factory.settings.tuned(placement)
        self._own = settings
        self._inner = factory(workload, placement, until=until, settings=tuned)

    def epoch(self, number: int) -> Iterator[Batch]:
        batches = self._inner.epoch(number)
        time.sleep(self._own.boundary_ms / 1e3)
        for count, batch in enumerate(batches, 1):
            burst = self._own.every and count % self._own.every == 0
            time.sleep((self._own.gap_ms + (self._own.burst_ms if burst else 0.0)) / 1e3)
            yield batch

    def close(self) -> None:
        self._inner.close()
