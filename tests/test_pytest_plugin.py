"""The pytest plugin in projects of other people: what it measures there, and that nobody else notices it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipebench import cli
from pipebench.dataset import Dataset
from pipebench.figures import figures
from pipebench.pytest_plugin import Rounds, VirtualTimer
from pipebench.results import from_raw

pytest_plugins = ("pytester",)

LOADER = '''
from dataclasses import dataclass

import numpy as np

from pipebench.contract import Batch, Settings, Unsupported


@dataclass(frozen=True)
class TinySettings(Settings):
    workers: int = 1
    fail: str = ""


class Tiny:
    """Hands out ids, and needs no library; fails as its settings say."""

    formats = frozenset({"folder"})
    libraries = ("numpy",)
    fused = ()
    settings = TinySettings

    def __init__(self, workload, placement, *, until, settings):
        if settings.fail == "unsupported":
            raise Unsupported("not on this moon")
        self.workload, self.settings = workload, settings

    def epoch(self, number):
        if self.settings.fail == "raise":
            raise RuntimeError("broken on purpose")
        ids = np.arange(self.workload.dataset.samples)
        for begin in range(0, len(ids), self.workload.batch_size):
            yield Batch(None, None, ids[begin : begin + self.workload.batch_size])

    def close(self):
        pass
'''
CONFTEST = """
import pytest

@pytest.fixture(scope="session")
def pipebench_data():
    return {data!r}
"""
BRIEF = 'until="read", proof=False, seconds=0.1, rounds=3, batch_size=8'
SPEED = f"""
def test_speed(pipebench_loader):
    measured = pipebench_loader("tiny:Tiny", settings={{"workers": 2}}, {BRIEF})
    assert measured.samples_per_second > 0
    assert len(measured.records) == len(measured.figures) == measured.row.trials
"""
Run = Callable[..., pytest.RunResult]


@pytest.fixture
def project(pytester: pytest.Pytester, tiny_folder: Dataset) -> pytest.Pytester:
    """A project with a loader, and the dataset for it."""
    pytester.makepyfile(tiny=LOADER)
    pytester.makeconftest(CONFTEST.format(data=tiny_folder.url))
    return pytester


@pytest.fixture
def run(project: pytest.Pytester) -> Run:
    """Runs pytest on these tests, strictly and with warnings as errors."""

    def run(source: str, *options: str) -> pytest.RunResult:
        project.makepyfile(test_it=source)
        return project.runpytest_subprocess("-W", "error", "--strict-markers", "--strict-config", *options)

    return run


def bench_json(project: pytest.Pytester) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((project.path / "b.json").read_text())["benchmarks"]
    return found


FOREIGN = """
import sys

def test_nothing_is_imported():
    ours = {name for name in sys.modules if name.split(".")[0] == "pipebench"}
    assert ours == {"pipebench", "pipebench.pytest_plugin"}
    assert not {"numpy", "torch", "rich", "pyarrow", "pipebench.results"} & set(sys.modules)

def test_options_are_the_projects_own(request):
    assert request.config.getoption("--loader") == "mine"
    assert request.config.getoption("--data") is None
"""
OPTIONS = """
def pytest_addoption(parser):
    for name in ("--loader", "--data", "--rounds", "--step", "--cache"):
        parser.addoption(name, default=None)
"""


@pytest.mark.parametrize("options", [(), ("-p", "no:benchmark"), ("-p", "no:xdist"), ("-n", "2")])
def test_a_project_that_does_not_use_it_does_not_notice(
    pytester: pytest.Pytester, options: tuple[str, ...]
) -> None:
    pytester.makeconftest(OPTIONS)
    pytester.makepyfile(FOREIGN)
    result = pytester.runpytest_subprocess("-W", "error", "--strict-markers", "--loader", "mine", *options)
    result.assert_outcomes(passed=2)
    text = result.stdout.str() + result.stderr.str()
    assert "pipebench" not in text.replace("plugins: pipebench", "").replace(", pipebench-", "")


def test_rounds_are_trials_and_their_time_is_what_a_sample_took(run: Run, project: pytest.Pytester) -> None:
    result = run(SPEED, "--benchmark-json=b.json")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["test_speed*", "*= pipebench =*", "test_speed: tiny:Tiny:workers=2: * samples/s [[]*"]
    )
    steadiness = r"(not steady \(\d of 3\), )?"  # a loader that does nothing takes as long as the clock shows
    result.stdout.re_match_lines(
        [rf".*3 trials on \d+ cores?, .*same work: unchecked, {steadiness}short \(3 of 3\).*"]
    )
    [found] = bench_json(project)
    records = found["extra_info"]["records"]
    assert [record["block"] for record in records] == [0, 1, 2]
    assert {record["contestant"] for record in records} == {"tiny:Tiny:workers=2"}
    assert {record["settings"]["workers"] for record in records} == {2}
    assert cli.main(["audit", str(project.path / "b.json")]) == 0
    assert cli.main(["compare", str(project.path / "b.json")]) == 0
    rates = [figures(from_raw(record)).samples_per_second for record in records]  # type: ignore[union-attr]
    assert found["stats"]["data"] == pytest.approx([1 / rate for rate in rates])


def test_the_first_batch_is_timed_from_the_start_of_the_process(run: Run, project: pytest.Pytester) -> None:
    source = f"""
def test_first(pipebench_loader):
    found = pipebench_loader("tiny:Tiny", measure="first_batch", {BRIEF}).figures
    assert all(one.startup_seconds > 0.01 for one in found)
"""
    result = run(source, "--benchmark-json=b.json")
    result.assert_outcomes(passed=1)
    told = "test_first: tiny:Tiny: * s from process start to first batch (* to *), 3 trials on *: unchecked*"
    result.stdout.fnmatch_lines([told])
    assert "short" not in result.stdout.str()
    [found] = bench_json(project)
    assert min(found["stats"]["data"]) > 0.01


def test_the_harness_itself_can_be_timed(run: Run) -> None:
    source = """
def test_step(pipebench_loader):
    found = pipebench_loader("resident", measure="step", seconds=0.1, rounds=1)
    assert found.seconds == (found.figures[0].batch_seconds,)
"""
    result = run(source)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["test_step: resident: * us from batch to batch (* to *), 1 trial on *"])


def test_without_pytest_benchmark_it_measures_all_the_same(run: Run) -> None:
    result = run(SPEED, "-p", "no:benchmark")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["test_speed: tiny:Tiny:workers=2: * samples/s *3 trials on *"])


@pytest.mark.parametrize("options", [("--benchmark-disable",), ("-n", "1")])
def test_where_benchmarks_are_switched_off_one_trial_shows_that_it_works(
    run: Run, options: tuple[str, ...]
) -> None:
    result = run(SPEED, *options)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["test_speed: tiny:Tiny:workers=2: * samples/s, * 1 trial on *"])


@pytest.mark.parametrize(
    ("option", "outcomes"),
    [("--benchmark-only", {"passed": 1, "skipped": 1}), ("--benchmark-skip", {"passed": 1, "skipped": 1})],
)
def test_pytest_benchmarks_options_know_it(run: Run, option: str, outcomes: dict[str, int]) -> None:
    result = run(SPEED + "\ndef test_other(): pass\n", option)
    result.assert_outcomes(**outcomes)
    assert ("pipebench =" in result.stdout.str()) is (option == "--benchmark-only")


def test_a_tests_own_marker_and_the_fixture_itself_are_kept(run: Run, project: pytest.Pytester) -> None:
    source = f"""
import pytest

@pytest.mark.benchmark(group="mine", timer=None, min_rounds=9)
def test_speed(benchmark, pipebench_loader):
    pipebench_loader("tiny:Tiny", {BRIEF})
    benchmark.extra_info["mine"] = 1
"""
    run(source, "--benchmark-json=b.json").assert_outcomes(passed=1)
    [found] = bench_json(project)
    assert (found["group"], found["stats"]["rounds"], found["extra_info"]["mine"]) == ("mine", 3, 1)
    assert found["stats"]["max"] < 0.01


CALLS = [
    ('"tiny:Tiny:fail=raise"', "failed", "tiny:Tiny:fail=raise: failed: RuntimeError: broken on purpose*"),
    (
        '"tiny:Tiny:fail=unsupported"',
        "skipped",
        "*tiny:Tiny:fail=unsupported: unsupported: not on this moon*",
    ),
    ('"tiny:Nobody"', "failed", "loader 'tiny:Nobody': module 'tiny' has no 'Nobody'"),
    ('"nowhere:X"', "failed", "loader 'nowhere:X': there is no module 'nowhere' *"),
    ('"torch_dataloder"', "failed", "*did you mean 'torch_dataloader'*"),
    ('"tiny:Tiny", settings={"wrokers": 1}', "failed", "*there is no tiny:Tiny setting 'wrokers'*"),
    ('"tiny:Tiny:workers=1", settings={"workers": 1}', "failed", "setting 'workers' is given twice"),
    ('"tiny:Tiny", data="no/such"', "failed", "*no/such*"),
    ('"tiny:Tiny", measure="speed"', "failed", "there is no measure 'speed'*"),
    ('"tiny:Tiny", cache="hot"', "failed", "there is no cache 'hot'*"),
    ('"tiny:Tiny", batchsize=3', "failed", "*'batchsize'; did you mean 'batch_size'*"),
    ('"tiny:Tiny@no/python"', "failed", "the interpreter *no/python cannot be started: No such file*"),
]


def test_whatever_goes_wrong_is_one_sentence_and_no_figure(run: Run, project: pytest.Pytester) -> None:
    tests = [
        f"def test_{number}(pipebench_loader):\n    pipebench_loader({call}, **BRIEF)\n"
        for number, (call, _, _) in enumerate(CALLS)
    ]
    brief = 'BRIEF = {"until": "read", "proof": False, "seconds": 0.1, "rounds": 2}\n'
    result = run(brief + "\n".join(tests), "-rs", "--benchmark-json=b.json")
    failed = sum(outcome == "failed" for _, outcome, _ in CALLS)
    result.assert_outcomes(failed=failed, skipped=len(CALLS) - failed)
    for _, _, says in CALLS:
        result.stdout.fnmatch_lines_random([says])
    assert "Traceback" not in result.stdout.str()
    assert bench_json(project) == []
    assert "pipebench =" not in result.stdout.str()


def test_other_work_gets_no_figure(run: Run) -> None:
    result = run('def test_it(pipebench_loader):\n    pipebench_loader("tiny:Tiny")\n')
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["tiny:Tiny: failed: not the same work: *"])
    assert "samples/s" not in result.stdout.str()


def test_what_is_not_proved_cold_is_no_cold_benchmark(run: Run, project: pytest.Pytester) -> None:
    source = f"""
def test_cold(pipebench_loader):
    pipebench_loader("tiny:Tiny", cache="cold", {BRIEF})
"""
    result = run(
        source, "-rs", "--benchmark-json=b.json"
    )  # it reads no sample, so nothing comes from the device
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*a cold cache was asked for, and in 3 of 3 trials *unproved: *"])
    assert bench_json(project) == []


def test_it_must_be_named_as_an_argument(run: Run) -> None:
    source = "def test_it(request):\n    request.getfixturevalue('pipebench_loader')\n"
    result = run(source, "-W", "default")  # pytest-benchmark warns that its fixture was not used
    result.assert_outcomes(failed=1, warnings=1)
    result.stdout.fnmatch_lines(["*name pipebench's fixture as an argument of the test*"])


def test_seconds_that_somebody_else_measured_are_rounds(run: Run, project: pytest.Pytester) -> None:
    source = """
def test_it(pipebench_rounds):
    pipebench_rounds(lambda number: [3.0, 1.0][number], rounds=2)
    pipebench_rounds.keep("what", "planets")
"""
    run(source, "--benchmark-json=b.json").assert_outcomes(passed=1)
    [found] = bench_json(project)
    assert found["stats"]["data"] == [3.0, 1.0]
    assert found["extra_info"] == {"what": "planets"}


def test_a_synthetic_dataset_is_made_once_in_a_format_that_the_loader_reads(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(tiny=LOADER + "\n\nclass Tar(Tiny):\n    formats = frozenset({'wds', 'other'})\n")
    pytester.makepyfile(
        test_it=f"""
import pytest

@pytest.fixture(scope="session")
def pipebench_samples():
    return 40

@pytest.mark.parametrize(("name", "form"), [("Tiny", "folder"), ("Tar", "wds"), ("Tiny", "folder")])
def test_it(pipebench_loader, name, form):
    measured = pipebench_loader(f"tiny:{{name}}", {BRIEF})
    assert {{record.format for record in measured.records}} == {{form}}
    assert {{sum(record.trace.sizes[:5]) for record in measured.records}} == {{40}}
"""
    )
    result = pytester.runpytest_subprocess("-W", "error", "--basetemp=base")
    result.assert_outcomes(passed=3)
    assert not any((pytester.path / "base").glob("pipebench-*"))


def test_times_of_another_timer_are_refused() -> None:
    class Clocked:
        class stats:  # noqa: N801 - as pytest-benchmark has it
            class stats:  # noqa: N801
                total, data = 12.0, [1.0]

        has_error = False

        def pedantic(self, target: Callable[[], None], rounds: int, iterations: int) -> None:
            target()

    benchmark = Clocked()
    with pytest.raises(RuntimeError, match="another timer"):
        Rounds(VirtualTimer(), benchmark)(lambda _: 1.0, 1)
    assert benchmark.has_error


def test_a_profiler_runs_no_further_trial() -> None:
    class Profiled:
        stats = None

        def pedantic(self, target: Callable[[], None], rounds: int, iterations: int) -> None:
            for _ in range(rounds + 1):
                target()

    seen: list[int] = []

    def one_round(number: int) -> float:
        seen.append(number)
        return 1.0

    Rounds(VirtualTimer(), Profiled())(one_round, 2)
    assert seen == [0, 1]


def test_the_plugins_file_is_small_enough_to_be_imported_everywhere() -> None:
    from pipebench import pytest_plugin

    source = Path(str(pytest_plugin.__file__)).read_text()
    top = [line for line in source.splitlines() if line.startswith(("import", "from"))]
    assert not any("pipebench" in line for line in top)
