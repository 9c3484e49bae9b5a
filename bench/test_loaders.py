"""What each registered loader does with the same samples: warm, cold, and to its first batch."""

import pytest

from pipebench.benchmarking import LoaderBench
from pipebench.results import CEILING

pytestmark = pytest.mark.timeout(0)  # trials have a limit of their own

MOST_OVERHEAD_SECONDS = 1.5e-6
"""Of the harness itself, a step."""


@pytest.mark.benchmark(group="a sample, warm")
def test_warm_throughput(pipebench_loader: LoaderBench, loader: str) -> None:
    pipebench_loader(loader)


@pytest.mark.benchmark(group="a sample, cold")
def test_cold_throughput(pipebench_loader: LoaderBench, loader: str) -> None:
    pipebench_loader(loader, cache="cold")


@pytest.mark.benchmark(group="process start to first batch, warm")
def test_first_batch(pipebench_loader: LoaderBench, loader: str) -> None:
    pipebench_loader(loader, measure="first_batch")


@pytest.mark.benchmark(group="process start to first batch, cold")
def test_cold_first_batch(pipebench_loader: LoaderBench, loader: str) -> None:
    pipebench_loader(loader, measure="first_batch", cache="cold")


@pytest.mark.benchmark(group="the harness's own cost of a step")
def test_step_overhead(pipebench_loader: LoaderBench) -> None:
    measured = pipebench_loader(CEILING, measure="step")
    assert min(found.batch_seconds for found in measured.figures) < MOST_OVERHEAD_SECONDS
