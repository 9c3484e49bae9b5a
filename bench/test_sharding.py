"""How fast samples become shards, beside what else can copy or shard them: `sharding.py` as benchmarks.

Each round holds every contestant once, so `pipebench compare` pairs them. A round counts the work itself,
once everything is imported; `extra_info` holds the whole process's seconds too.
"""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from sharders import CONTESTANTS  # type: ignore[import-not-found] # it lies beside this file
from sharding import Seconds, make_source, run  # type: ignore[import-not-found] # as above

from pipebench.dataset import Dataset
from pipebench.pytest_plugin import Rounds

from .interleaved import Interleaved

ROUNDS = 5
SAMPLES = 500
MEAN_BYTES = 81_000


class Race(NamedTuple):
    turns: Interleaved[Seconds]
    source: Dataset


@pytest.fixture(scope="module")
def race(request: pytest.FixtureRequest) -> Iterator[Race]:
    """All contestants that this run asks for; what they write is kept to the end (see `sharding.py`)."""
    if request.config.getoption("--loader"):
        pytest.skip("--loader asks for benchmarks of loaders")
    asked = [item for item in request.session.items if item.path == request.path]
    names = [str(item.callspec.params["name"]) for item in asked if isinstance(item, pytest.Function)]
    with TemporaryDirectory(prefix="sharding-") as folder:
        source = Path(folder, "source")
        dataset = make_source(source, SAMPLES, MEAN_BYTES)
        run("cp -r", source, Path(folder, "warm-up"))

        def turn(name: str, number: int) -> Seconds:
            return run(name, source, Path(folder, f"{number} {name}"))

        able = [name for name in names if not CONTESTANTS[name].missing()]
        yield Race(Interleaved(able, turn), dataset)


@pytest.mark.timeout(0)  # the first of them runs all
@pytest.mark.benchmark(group="sharding 500 samples of 81 kB")
@pytest.mark.parametrize("name", CONTESTANTS)
def test_sharding(pipebench_rounds: Rounds, race: Race, name: str) -> None:
    if missing := CONTESTANTS[name].missing():
        pytest.skip(missing)
    found: list[Seconds] = []

    def one_round(number: int) -> float:
        found.append(race.turns.result(name, number))
        return float(found[-1].work)

    pipebench_rounds(one_round, ROUNDS)
    pipebench_rounds.keep("interleaved", True)
    pipebench_rounds.keep("samples", race.source.samples)
    pipebench_rounds.keep("payload_bytes", race.source.payload_bytes)
    pipebench_rounds.keep("whole_process_seconds", [seconds.whole for seconds in found])
    pipebench_rounds.keep("places", [order.index(name) for order in race.turns.orders])
