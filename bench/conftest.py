"""Options and fixtures of the benchmark suites.

    pytest bench [--loader L]... [--data D]... [--benchmark-json FILE]

Times are of pipebench's measured window, handed to pytest-benchmark through a timer of its own, so
that process start and warm-up are not in them. Each result carries its records in `extra_info`.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipebench import registry
from pipebench.figures import Figures, figures
from pipebench.isolation import run_command, run_trial
from pipebench.plan import Request, make_plan
from pipebench.results import CEILING, Record, TrialSpec, to_line

ROUNDS = 5
SAMPLES = 1000


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--loader", action="append", default=[], help="loaders to measure (default: all)")
    parser.addoption("--data", action="append", default=[], help="datasets (default: synthetic ones)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrises `loader` over the registry: a new loader appears by itself."""
    if "loader" in metafunc.fixturenames:
        registered = [name for name in registry.names(registry.LOADERS) if name != CEILING]
        metafunc.parametrize("loader", metafunc.config.getoption("--loader") or registered)


@pytest.fixture(scope="session")
def data(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Datasets of the same samples, one a format."""
    given: list[str] = request.config.getoption("--data")
    if given:
        return tuple(given)
    folder = tmp_path_factory.mktemp("data")
    tree, *shards = (str(folder / name) for name in ("folder", "wds", "parquet"))
    run_command("data", "synth", tree, "--samples", str(SAMPLES))
    for path in shards:
        run_command("data", "shard", tree, path, "--format", Path(path).name, "--shard-samples", "64")
    return tree, *shards


class VirtualTimer:
    """A timer for pytest-benchmark that advances only by the time that pipebench measured."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@dataclass(frozen=True, slots=True)
class Bench:
    """Runs trials of one spec as the rounds of one benchmark."""

    benchmark: Any
    timer: VirtualTimer

    def rounds(self, spec: TrialSpec, seconds: Callable[[Figures], float]) -> list[Figures]:
        """Each round is one trial, and takes what `seconds` reads from its figures."""
        records: list[Record] = []

        def one_trial() -> None:
            number = len(records)
            record = run_trial(spec, 120, run="bench", contestant=spec.loader, block=number)
            if record.status == "unsupported":
                pytest.skip(record.reason)
            if (found := figures(record)) is None:
                pytest.fail(record.reason)
            records.append(record)
            self.timer.seconds += seconds(found)

        self.benchmark.pedantic(one_trial, rounds=ROUNDS, iterations=1)
        assert self.benchmark.stats.stats.total == pytest.approx(self.timer.seconds)
        self.benchmark.extra_info["records"] = [json.loads(to_line(record)) for record in records]
        return [found for record in records if (found := figures(record))]


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """The `benchmark` fixture behind pipebench's own time."""
    timer = VirtualTimer()
    given = request.node.get_closest_marker("benchmark")
    options = dict(given.kwargs) if given else {}
    # In front of the test's own marker, since pytest-benchmark takes the first.
    request.node.add_marker(pytest.mark.benchmark(**options, timer=timer, warmup=False), append=False)
    yield Bench(request.getfixturevalue("benchmark"), timer)


@pytest.fixture
def spec(loader: str, data: tuple[str, ...]) -> TrialSpec:
    """The default trial of a loader over the first of the datasets that it reads."""
    return make_plan(Request(data=data, loaders=(loader,))).rivals[0].specs[0]


@pytest.fixture
def ceiling(data: tuple[str, ...]) -> TrialSpec:
    """The default trial of the resident loader."""
    return next(c.specs[0] for c in make_plan(Request(data=data)).contestants if c.is_ceiling)
