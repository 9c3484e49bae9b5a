"""The suites in `bench/`: what they are made of; nothing is measured here."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipebench import registry
from pipebench.results import CEILING

ROOT = Path(__file__).parents[1]


def collected(*options: str) -> set[str]:
    """The names of the benchmarks that `pytest bench` would run."""
    command = [sys.executable, "-m", "pytest", "bench/", "--collect-only", "-q", "-q", "--no-header", "-vv"]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(re.findall(r"(?:test_\w+\.py::|<Function )(test_\w+(?:\[[^\]]*\])?)", done.stdout))


def test_every_registered_loader_has_its_benchmarks() -> None:
    names = collected()
    for loader in set(registry.names(registry.LOADERS)) - {CEILING}:
        for what in ("warm_throughput", "cold_throughput", "first_batch", "cold_first_batch"):
            assert f"test_{what}[{loader}]" in names
    assert "test_step_overhead" in names
    assert {"test_sharding[ours, wds]", "test_sharding[GNU tar]", "test_sharding[cp -r]"} <= names


def test_loaders_can_be_named_with_settings() -> None:
    names = collected("--loader", "dali:prefetch=4", "--loader", "arrow", "--data", "no/such")
    assert {name for name in names if "warm" in name} == {
        "test_warm_throughput[dali:prefetch=4]",
        "test_warm_throughput[arrow]",
    }


@pytest.fixture
def interleaved() -> Any:
    spec = importlib.util.spec_from_file_location("interleaved", ROOT / "bench/interleaved.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Interleaved


def test_each_round_holds_everybody_once_and_is_run_when_it_is_asked_for(interleaved: Any) -> None:
    calls: list[tuple[str, int]] = []

    def run(name: str, number: int) -> str:
        calls.append((name, number))
        return f"{name}{number}"

    turns = interleaved(["a", "b", "c"], run)
    assert turns.result("b", 0) == "b0"
    assert sorted(calls) == [("a", 0), ("b", 0), ("c", 0)]
    assert [turns.result(name, number) for name in "abc" for number in range(2)] == [
        f"{name}{number}" for name in "abc" for number in range(2)
    ]
    assert [name for name, _ in calls] == [name for order in turns.orders for name in order]
    assert sorted(calls) == sorted({*calls})
    assert len(calls) == 6


def test_orders_are_random(interleaved: Any) -> None:
    turns = interleaved(list("abcdef"), lambda name, number: None)
    turns.result("a", 19)
    assert len({tuple(order) for order in turns.orders}) > 10


def test_what_goes_wrong_with_one_is_told_to_that_one_alone(interleaved: Any) -> None:
    def run(name: str, number: int) -> int:
        if name == "a":
            raise OSError("disk full")
        return number

    turns = interleaved(["a", "b"], run)
    assert turns.result("b", 0) == 0
    with pytest.raises(OSError, match="disk full"):
        turns.result("a", 0)


def test_pytest_benchmarks_own_command_works_in_this_folder(tmp_path: Path) -> None:
    own = str(Path(sys.executable).with_name("pytest-benchmark"))
    command = [own, "--storage", f"file://{tmp_path}", "list"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
