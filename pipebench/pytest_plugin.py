"""What pipebench adds to pytest: fixtures that measure loaders, and nothing at all until one is asked for.

`pipebench_loader` runs a loader's trials as the rounds of a benchmark, `pipebench_rounds` anything whose
seconds somebody else has measured. With pytest-benchmark they are rounds of its own, timed by a timer that
advances only by the time that was measured; without it they are run all the same. This module is imported
in every pytest run of an environment that holds pipebench, so it imports nothing itself.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import isclose
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pipebench.benchmarking import LoaderBench
    from pipebench.workbench import Workbench

TOLD = "pipebench"
"""A test's property that holds what is told of it at the end of the run."""
SAMPLES = 1000
"""Of the synthetic dataset."""


class VirtualTimer:
    """A timer for pytest-benchmark that advances only by the time that was measured."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


_TIMER = pytest.StashKey[VirtualTimer]()


class Rounds:
    """Runs the rounds of one test, and tells pytest-benchmark how long each took."""

    def __init__(self, timer: VirtualTimer, benchmark: Any = None) -> None:
        self._timer = timer
        self._benchmark = benchmark
        """pytest-benchmark's fixture, where there is one."""

    def __call__(self, one_round: Callable[[int], float], rounds: int) -> None:
        """`one_round` gets the round's number, from 0, and returns the seconds that the round took.

        Where pytest-benchmark is switched off (`--benchmark-disable`, xdist) there is one round.
        """
        if self._benchmark is None:
            for number in range(rounds):
                one_round(number)
            return
        numbers = iter(range(rounds))  # a profiler calls once more

        def advance() -> None:
            for number in numbers:
                self._timer.seconds += one_round(number)
                return

        with self.void_on_failure():
            self._benchmark.pedantic(advance, rounds=rounds, iterations=1)
            self._check()

    def _check(self) -> None:
        told = self._benchmark.stats
        if told is not None and not isclose(told.stats.total, self._timer.seconds, rel_tol=1e-6):
            raise RuntimeError("pytest-benchmark took its times from another timer than pipebench's")

    @contextmanager
    def void_on_failure(self) -> Iterator[None]:
        """Inside, whatever is raised keeps this benchmark out of pytest-benchmark's table and file."""
        try:
            yield
        except BaseException:  # skipping and failing are no `Exception`
            if self._benchmark is not None:
                self._benchmark.has_error = True  # what keeps it out of the file
                if self._benchmark.stats is not None:
                    self._benchmark.stats.stats.data.clear()  # and out of the table
            raise

    def keep(self, name: str, value: Any) -> None:
        """Puts a value that JSON can hold into the benchmark's `extra_info`."""
        if self._benchmark is not None:
            self._benchmark.extra_info[name] = value


class WithBenchmark:
    """The fixture where pytest-benchmark is there: its own fixture is named, as `--benchmark-only` asks."""

    @pytest.fixture
    def pipebench_rounds(self, request: pytest.FixtureRequest, benchmark: Any) -> Rounds:
        """Runs rounds whose seconds you have measured: `pipebench_rounds(one_round, rounds=5)`."""
        return Rounds(_timer(request), benchmark)


class WithoutBenchmark:
    """The fixture where it is not."""

    @pytest.fixture
    def pipebench_rounds(self, request: pytest.FixtureRequest) -> Rounds:
        """Runs rounds whose seconds you have measured: `pipebench_rounds(one_round, rounds=5)`."""
        return Rounds(_timer(request))


def _timer(request: pytest.FixtureRequest) -> VirtualTimer:
    """The test's own; it had to be made before pytest-benchmark's fixture was."""
    timer: VirtualTimer | None = request.node.stash.get(_TIMER, None)
    if timer is None:
        pytest.fail("name pipebench's fixture as an argument of the test", pytrace=False)
    return timer


def _has_benchmark(config: pytest.Config) -> bool:
    return config.pluginmanager.hasplugin("benchmark")


def pytest_configure(config: pytest.Config) -> None:
    made = WithBenchmark() if _has_benchmark(config) else WithoutBenchmark()
    config.pluginmanager.register(made, "pipebench-rounds")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Hands pytest-benchmark the timer, in front of the test's own marker, of which it takes the first."""
    if "pipebench_rounds" not in getattr(item, "fixturenames", ()):
        return
    timer = item.stash[_TIMER] = VirtualTimer()
    if _has_benchmark(item.config):
        given = item.get_closest_marker("benchmark")
        options = (dict(given.kwargs) if given else {}) | {"timer": timer, "warmup": False}
        item.add_marker(pytest.mark.benchmark(**options), append=False)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What pipebench measured, a line a benchmark; nothing where it was not asked."""
    reports = [report for status in ("passed", "failed") for report in terminalreporter.getreports(status)]
    lines = [text for report in reports for name, text in report.user_properties if name == TOLD]
    if lines:
        terminalreporter.section("pipebench")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def pipebench_data() -> str | Sequence[str]:
    """The datasets to measure on, one a format; none: a synthetic one. Override it with your own."""
    return ()


@pytest.fixture(scope="session")
def pipebench_samples() -> int:
    """How many samples a synthetic dataset has. Override it with your own number."""
    return SAMPLES


@pytest.fixture(scope="session")
def _pipebench_workbench(
    pipebench_data: str | Sequence[str], pipebench_samples: int, tmp_path_factory: pytest.TempPathFactory
) -> "Iterator[Workbench]":
    from pipebench.workbench import Workbench

    given = (pipebench_data,) if isinstance(pipebench_data, str) else tuple(pipebench_data)
    with TemporaryDirectory(prefix="pipebench-", dir=tmp_path_factory.getbasetemp()) as folder:
        yield Workbench(folder, given, pipebench_samples)


@pytest.fixture
def pipebench_loader(
    request: pytest.FixtureRequest, pipebench_rounds: Rounds, _pipebench_workbench: "Workbench"
) -> "LoaderBench":
    """Measures a loader: `pipebench_loader("module:Class", settings={"workers": 4})`; see docs/pytest.md."""
    from pipebench.benchmarking import LoaderBench

    def tell(text: str) -> None:
        request.node.user_properties.append((TOLD, f"{request.node.name}: {text}"))

    return LoaderBench(_pipebench_workbench, pipebench_rounds, tell)
