"""Options of the benchmark suites, which measure through pipebench's own pytest plugin.

    pytest bench [--loader L]... [--data D]... [--benchmark-json FILE]

Without `--data` they make 3000 synthetic samples, in each format that a loader asks for.
"""

import sys
from pathlib import Path

import pytest

from pipebench import registry
from pipebench.results import CEILING

SAMPLES = 3000
"""A cold trial reads them once; at up to 1500 samples/s that takes 2 s, below which it is `short`."""

sys.path.append(str(Path(__file__).parent))  # the scripts beside this file import each other by name


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--loader", action="append", default=[], help="loaders to measure (default: all)")
    parser.addoption("--data", action="append", default=[], help="datasets (default: synthetic ones)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrises `loader` over the registry: a new loader appears by itself."""
    if "loader" in metafunc.fixturenames:
        registered = [name for name in registry.names(registry.LOADERS) if name != CEILING]
        metafunc.parametrize("loader", metafunc.config.getoption("--loader") or registered)


@pytest.fixture(scope="session")
def pipebench_data(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The datasets that were named, of which each loader gets the first that it reads."""
    return tuple(request.config.getoption("--data"))


@pytest.fixture(scope="session")
def pipebench_samples() -> int:
    return SAMPLES
