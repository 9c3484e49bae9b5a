"""Trials as the rounds of a benchmark: what `pytest_plugin` does once its fixture is used."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import pytest

from pipebench.errors import BadInput, unknown
from pipebench.figures import Figures, figures
from pipebench.isolation import run_trial
from pipebench.measured import Measured
from pipebench.results import CEILING, Record, TrialSpec, to_line
from pipebench.summary import summarise
from pipebench.workbench import Task, Workbench

TIMES: Mapping[str, Callable[[Figures], float]] = {
    "throughput": lambda found: 1 / found.samples_per_second,
    "first_batch": lambda found: found.startup_seconds + found.first_batch_seconds,
    "step": lambda found: found.batch_seconds,
}
"""What a round may time, in seconds: a sample (so that pytest-benchmark's OPS are samples/s), from the
process's start to its first batch, or from one batch to the next."""
FIRST_BATCH_SECONDS = 0.1
"""That a trial goes on where only its first batch is asked for."""
PROVED_COLD = ("guest-cold", "fetched")


class Rounds(Protocol):
    """`pytest_plugin.Rounds`."""

    def __call__(self, one_round: Callable[[int], float], rounds: int) -> None: ...

    def keep(self, name: str, value: Any) -> None: ...

    def void_on_failure(self) -> Any: ...


class LoaderBench:
    """The fixture `pipebench_loader`: call it once in a test."""

    def __init__(self, bench: Workbench, rounds: Rounds, tell: Callable[[str], None]) -> None:
        self._bench, self._rounds, self._tell = bench, rounds, tell

    def __call__(
        self,
        loader: str,
        *,
        settings: Mapping[str, Any] | None = None,
        data: str | Sequence[str] = (),
        measure: str = "throughput",
        cache: str = "warm",
        rounds: int = 5,
        seconds: float = 3.0,
        proof: bool = True,
        timeout: float = 120.0,
        **asked: Any,
    ) -> Measured:
        """Runs `rounds` trials of the loader, each in a fresh process, and returns what they found.

        `loader` and `asked` are as on the command line of `pipebench run`: `batch_size`, `preprocessing`
        (a mapping, too), `shuffle`, `drop_last`, `seed`, `cores`, `device`, `until`, `step`. `measure` is
        `throughput`, `first_batch` or `step`. The test fails where a trial does or the work is not the
        same, and is skipped where the loader cannot do this here.
        """
        task = Task(
            loader=loader,
            settings=settings or {},
            data=(data,) if isinstance(data, str) else data,
            measure=measure,
            cache=cache,
            seconds=FIRST_BATCH_SECONDS if measure == "first_batch" else seconds,
            proof=proof and loader != CEILING,
            timeout=timeout,
            asked=asked,
        )
        trials = _Trials(self._bench, task)
        self._rounds(trials, rounds)
        self._rounds.keep("records", [json.loads(to_line(record)) for record in trials.records])
        if trials.proof:
            self._rounds.keep("proof", json.loads(to_line(trials.proof)))
        with self._rounds.void_on_failure():
            measured = trials.measured()
        self._tell(str(measured))
        return measured


class _Trials:
    """The trials of one benchmark. The first round finds out what they are, and has the work proved."""

    def __init__(self, bench: Workbench, task: Task) -> None:
        self._bench, self._task = bench, task
        self._named: tuple[str, TrialSpec] | None = None
        self.proof: Record | None = None
        self.records: list[Record] = []
        self.figures: list[Figures] = []
        self._seconds: list[float] = []

    def __call__(self, number: int) -> float:
        """One trial; its time as the benchmark counts it. Skips or fails the test."""
        try:
            return self._round(number)
        except BadInput as problem:
            reason = str(problem)
        pytest.fail(reason, pytrace=False)

    def _round(self, number: int) -> float:
        if self._task.measure not in TIMES:
            raise unknown("measure", self._task.measure, TIMES)
        label, spec = self._named = self._named or self._begin()
        run = self._bench.run
        record = run_trial(spec, self._task.timeout, run=run, contestant=label, block=number)
        _settle(record)
        if (found := figures(record)) is None:
            raise BadInput(f"{label}: fewer than three batches arrived; try a smaller batch_size")
        self.records.append(record)
        self.figures.append(found)
        self._seconds.append(TIMES[self._task.measure](found))
        return self._seconds[-1]

    def _begin(self) -> tuple[str, TrialSpec]:
        label, spec = self._bench.spec(self._task)
        if self._task.proof:
            self.proof = self._bench.proof(label, spec, self._task.timeout)
            _settle(self.proof)
        return label, spec

    def measured(self) -> Measured:
        """All rounds together; skips the test where most that had to be cold are not proved to be."""
        shown = [found.cache for found in self.figures]
        unproved = [text for text in shown if not text.startswith(PROVED_COLD)]
        if self._task.cache == "cold" and 2 * len(unproved) > len(shown):
            pytest.skip(
                f"a cold cache was asked for, and in {len(unproved)} of {len(shown)} trials it is "
                f"{unproved[0]}"
            )
        records = [*self.records, *([self.proof] if self.proof else [])]
        # A summary leaves the ceiling out, which here is what was asked for.
        named = [replace(record, spec=replace(record.spec, loader="the ceiling")) for record in records]
        row = summarise(named if self._task.loader == CEILING else records)[0]
        return Measured(
            measure=self._task.measure,
            seconds=tuple(self._seconds),
            row=row,
            figures=tuple(self.figures),
            records=tuple(self.records),
        )


def _settle(record: Record) -> None:
    """Skips the test where the loader cannot do this, and fails it where it did it wrongly or not at all."""
    told = f"{record.contestant}: {record.status}: {record.reason}"
    if record.status == "unsupported":
        pytest.skip(told)
    if record.status != "ok":
        pytest.fail(told, pytrace=False)
