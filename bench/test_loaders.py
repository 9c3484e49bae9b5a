"""What each registered loader does with the same samples: warm, cold, and to its first batch."""

from dataclasses import replace

import pytest

from pipebench.dataset import open_dataset
from pipebench.results import TrialSpec

from .conftest import Bench


@pytest.mark.benchmark(group="one epoch, warm")
def test_warm_epoch(bench: Bench, spec: TrialSpec) -> None:
    samples = open_dataset(spec.data).samples
    bench.rounds(spec, lambda found: samples / found.samples_per_second)


@pytest.mark.benchmark(group="one epoch, cold")
def test_cold_epoch(bench: Bench, spec: TrialSpec) -> None:
    samples = open_dataset(spec.data).samples
    found = bench.rounds(replace(spec, cache="cold"), lambda found: samples / found.samples_per_second)
    assert {figures.cache for figures in found} == {"guest-cold"}


@pytest.mark.benchmark(group="process start to first batch")
def test_first_batch(bench: Bench, spec: TrialSpec) -> None:
    brief = replace(spec, seconds=0.1)
    bench.rounds(brief, lambda found: found.startup_seconds + found.first_batch_seconds)


@pytest.mark.benchmark(group="the harness's own cost of a step")
def test_step_overhead(bench: Bench, ceiling: TrialSpec) -> None:
    found = bench.rounds(ceiling, lambda figures: figures.batch_seconds)
    assert min(figures.batch_seconds for figures in found) < 1.5e-6
