"""Whole diagnoses, of pipelines that are reckoned and take no time."""

import json
import random
import sys
from array import array
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pipebench.contract import Stage
from pipebench.dataset import Dataset
from pipebench.diagnosis.again import again
from pipebench.diagnosis.confirm import Confirmation, paired
from pipebench.diagnosis.evidence import Detail, Narrow
from pipebench.diagnosis.phases import Bench, Phase, contestant, phase_of
from pipebench.diagnosis.run import Diagnosis, diagnose
from pipebench.diagnosis.seen import Requests
from pipebench.diagnosis.session import Session, Trials
from pipebench.diagnosis.warming import warm_up, was_warm
from pipebench.errors import BadInput
from pipebench.measure import Look, Trace
from pipebench.page_cache import evict, resident_share
from pipebench.report.diagnosis import lines, print_diagnosis, verdict_sentence
from pipebench.report.diagnosis_json import diagnosis_facts
from pipebench.report.plain_json import dumps
from pipebench.resources import Resources
from pipebench.results import CEILING, Record, TrialSpec, read
from pipebench.stats import Interval
from pipebench.step import parse_step
from tests.diagnosing import Pipeline
from tests.simulated import SimulatedLoader

BATCHES = 60
TIMES = ("user_ns", "system_ns")
COUNTS = ("read_bytes", "memory_bytes", "shared_memory_bytes", "switches", "open_files", "processes")
CHANNELS = {"runs": "0", "sleeps": "hrtimer_nanosleep", "lock": "futex_do_wait", "idle": "do_poll"}


class Hours:
    """A clock that only trials move."""

    def __init__(self) -> None:
        self.at = 0

    def now_ns(self) -> int:
        return self.at

    def sleep_ns(self, duration_ns: int) -> None: ...

    burn_ns = sleep_ns


@dataclass
class Laboratory:
    """Runs trials of one pipeline, each in 2 s."""

    pipeline: Pipeline
    make: Callable[..., Record]
    clock: Hours
    uncuttable: bool = False
    broken: str = ""
    refuses: tuple[str, ...] = ()
    """Phases whose settings do not fit."""
    cold: int = 0
    """Trials that read the device, before the others find their bytes in memory."""

    def __call__(self, spec: TrialSpec, timeout: float, **identity: Any) -> Record:
        self.clock.at += 2_000_000_000
        blank = replace(
            self.make(**identity), spec=spec, trace=None, cache={}, settings={"workers": self.workers(spec)}
        )
        if self.broken:
            return replace(blank, status="failed", reason=self.broken)
        if any(f"[{phase}" in blank.contestant for phase in self.refuses):
            return replace(blank, status="bad_input", reason="setting workers is 99")
        if self.uncuttable and spec.until != "batch":
            return replace(blank, status="unsupported", reason="no cuts here")
        return self._measured(blank, spec)

    def workers(self, spec: TrialSpec) -> int:
        return int(spec.options.get("workers", self.pipeline.workers))

    def _measured(self, blank: Record, spec: TrialSpec) -> Record:
        rate, cpu_ms, waits, consumer = self._figures(spec)
        device = {"bytes_read": 900, "payload_bytes": 1000} if self.cold else {}
        if self.cold:
            rate, self.cold = rate / 10, self.cold - 1
        rate *= random.Random(f"{blank.contestant}{blank.block}").uniform(0.98, 1.02)
        gap = int(spec.batch_size * 1e9 / rate)
        got = [gap * (number + 1) for number in range(BATCHES)]
        cpu = [int(cpu_ms * 1e6 * spec.batch_size * number) for number in range(BATCHES)]
        looks = [Look(n + 1, got[n], cpu[n], cpu[n]) for n in range(0, BATCHES, 10)]
        sizes = array("q", [spec.batch_size] * BATCHES)
        trace = Trace(array("q", [0, *got[:-1]]), array("q", got), sizes, [0], looks)
        span = looks[-1].at_ns - looks[0].at_ns
        first = asdict(Resources(**dict.fromkeys((*TIMES, *COUNTS), 0)))
        last = first | {"consumer_ns": int(consumer * span)}
        resources = {"first": first, "last": last, "memory_bytes": [1], "worker_waits": waits}
        cache = {**self.make().cache, **device}
        return replace(blank, status="ok", trace=trace, resources=resources, cache=cache)

    def _figures(self, spec: TrialSpec) -> tuple[float, float, dict[str, int], float]:
        step = parse_step(spec.step)
        step_rate = step.rate if step.kind == "emulate" else float("inf")
        if spec.loader == CEILING or spec.options.get("replay") == "true":
            copied = spec.options.get("copied") == "true"
            return 1000 / self.pipeline.transfer if copied else step_rate, 0.001, {}, 0.0
        one = {"cores": 1, "workers": 1} if len(spec.cpus) == 1 else {"workers": self.workers(spec)}
        pipeline = replace(self.pipeline, size=spec.batch_size, **one)
        seen = pipeline.seen(Stage(spec.until))
        assert seen.cpu_seconds is not None
        waits = {CHANNELS[kind]: round(100 * share) for kind, share in (seen.waits or {}).items()}
        rate = min(seen.rate.estimate, step_rate)
        return rate, 1000 * seen.cpu_seconds.estimate, waits, seen.consumer or 0.0


Diagnose = Callable[..., Diagnosis]


@pytest.fixture
def run(
    make_record: Callable[..., Record], make_dataset: Callable[..., Dataset], spec: TrialSpec, tmp_path: Path
) -> Diagnose:
    data = make_dataset().url

    def do(
        pipeline: Pipeline,
        *,
        step: str = "emulate:4000",
        quick: bool = False,
        seconds: float = 400,
        options: dict[str, str] | None = None,
        changes: dict[str, Any] | None = None,
        **more: Any,
    ) -> Diagnosis:
        clock = Hours()
        session = Session(
            loader="mine",
            out=tmp_path / "r.jsonl",
            execute=Laboratory(pipeline, make_record, clock, **more),
            clock=clock,
            max_seconds=seconds,
        )
        session.begin()
        own = replace(
            spec,
            loader="torch_dataloader",
            data=data,
            cpus=[0, 1],
            batch_size=64,
            step=step,
            options=options or {},
        )
        own = replace(own, **(changes or {}))
        return diagnose(session, Bench(spec=own), quick=quick)

    return do


def test_too_few_workers_are_named_confirmed_and_priced(run: Diagnose, tmp_path: Path) -> None:
    found = run(Pipeline(workers=1))
    named = found.verdict.named
    assert (named.verdict, named.detail) == (Narrow.OVERHEAD, Detail.WORKERS)
    assert found.confirmation is not None
    assert found.confirmation.confirmed
    assert found.confirmation.what == "with workers=2"
    assert found.confirmation.gain is not None
    assert found.confirmation.gain.estimate == pytest.approx(2, rel=0.06)
    assert found.confirmation.other_gain is not None
    assert found.confirmation.other_gain.estimate == pytest.approx(1, rel=0.06)
    assert found.tries[0].options == "workers=2"
    assert found.tries[0].gain.estimate == pytest.approx(2, rel=0.06)
    assert len(read(tmp_path / "r.jsonl")) == len(found.records)
    sentence = verdict_sentence(found)
    assert sentence.startswith(
        "Too few workers hold this pipeline back: cores stand idle (confirmed). Severe:"
    )
    assert "a perfect loader would make it 4." in sentence


@pytest.mark.parametrize("pipeline", [Pipeline(workers=1), Pipeline()])
def test_a_results_file_tells_the_same_again(run: Diagnose, tmp_path: Path, pipeline: Pipeline) -> None:
    found = run(pipeline, quick=True)
    (other,) = again(read(tmp_path / "r.jsonl"))
    assert (other.evidence, other.verdict) == (found.evidence, found.verdict)


def test_a_results_file_imports_nothing(make_record: Callable[..., Record], spec: TrialSpec) -> None:
    foreign = replace(spec, loader="antigravity:Loader", source="/")
    (found,) = again([make_record(100.0, contestant("evil", Phase.WARM), spec=foreign)])
    assert found.evidence.fused == ()
    assert "antigravity" not in sys.modules
    assert list(again([make_record(100.0, "evil")])) == []


def test_better_presets_and_other_loaders_are_tried_too(run: Diagnose) -> None:
    found = run(Pipeline(workers=1), options={"preset": "documented"})
    tried = [one.options for one in found.tries]
    assert {"preset=tuned", "workers=2", "--batch-size 128"} <= set(tried)
    assert any(one.startswith("--loader ") for one in tried)
    assert all(one.blocks for one in found.tries)


def test_quick_is_never_confirmed_and_tries_nothing(run: Diagnose) -> None:
    found = run(Pipeline(workers=1), quick=True, seconds=30)
    assert found.verdict.named.detail is Detail.WORKERS
    assert found.confirmation is None
    assert found.tries == ()
    assert found.seconds <= 30
    facts = diagnosis_facts(found)
    assert facts["confirmed"] is False


@pytest.mark.parametrize("seconds", [2.0, 9.0, 30.0, 121.0])
def test_the_time_is_kept(run: Diagnose, seconds: float) -> None:
    found = run(Pipeline(decode=2), seconds=seconds)
    assert found.seconds <= seconds
    assert found.seconds > seconds - 40 or found.verdict.named.verdict is Narrow.DECODE


def test_a_faster_step_confirms_that_the_step_is_narrow(run: Diagnose) -> None:
    found = run(Pipeline(), step="emulate:600")
    assert found.verdict.named.verdict is Narrow.STEP
    assert found.verdict.severity == "fine"
    assert found.confirmation is not None
    assert found.confirmation.confirmed
    assert found.confirmation.what == "with a step of 1200 samples/s"


def test_a_loader_that_cannot_be_cut_is_diagnosed_as_far_as_it_goes(run: Diagnose) -> None:
    found = run(Pipeline(decode=2), uncuttable=True)
    assert found.verdict.named.verdict is Narrow.UNDECIDED
    assert found.evidence.cuts == {}
    assert sum(record.status != "ok" for record in found.records) == 3, "each cut is tried once"


def test_a_loader_that_fails_is_bad_input(run: Diagnose) -> None:
    with pytest.raises(BadInput, match="mine cannot be diagnosed here: it broke"):
        run(Pipeline(), broken="it broke")


def test_what_a_diagnosis_tries_may_not_fit(run: Diagnose) -> None:
    """A probe or a setting that is refused is none; of the pipeline as it is that would be the user's."""
    found = run(Pipeline(workers=1), refuses=("more_workers", "tried", "relieved"))
    assert found.verdict.named.verdict is Narrow.UNDECIDED
    assert found.tries == ()
    with pytest.raises(BadInput, match="setting workers is 99"):
        run(Pipeline(workers=1), refuses=("end_to_end",))


def test_what_is_tried_does_not_outlast_the_time_by_much(run: Diagnose) -> None:
    asked: list[tuple[str, float]] = []

    def noting(self: Laboratory, spec: TrialSpec, timeout: float, **identity: Any) -> Record:
        asked.append((identity["contestant"], timeout + self.clock.at / 1e9))
        return real(self, spec, timeout, **identity)

    real = Laboratory.__call__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Laboratory, "__call__", noting)
        run(Pipeline(workers=1), seconds=100)
    assert max(end for name, end in asked if "[tried" in name or "[relieved" in name) <= 100 + 6
    assert max(end for name, end in asked if "[warm]" in name) >= 60


@pytest.mark.parametrize(
    ("pipeline", "quick", "says"),
    [
        (Pipeline(transform=3), False, "Not confirmed: pipebench has nothing that relieves it."),
        (Pipeline(workers=1), True, "Not confirmed: nothing is relieved with --quick."),
        (Pipeline(decode=2), False, "Not confirmed: what relieves it could not be tried here, or would not"),
    ],
)
def test_why_nothing_was_relieved_is_told(run: Diagnose, pipeline: Pipeline, quick: bool, says: str) -> None:
    assert any(line.startswith(says) for line in lines(run(pipeline, quick=quick)))


def test_the_loader_is_measured_on_all_core_counts_between(run: Diagnose, tmp_path: Path) -> None:
    found = run(Pipeline(workers=1), changes={"cpus": list(range(8))}, quick=True)
    assert list(found.evidence.by_cores) == [2, 4]
    (two,) = [r for r in found.records if r.contestant == "mine [warm_fewer_cores: 2]"]
    assert two.spec.cpus == [0, 1]
    assert any(line.startswith("P(4) the loader on 4 cores") for line in lines(found))
    assert {"P(1)", "P(2)", "P(4)"} <= diagnosis_facts(found)["rates"].keys()
    (other,) = again(read(tmp_path / "r.jsonl"))
    assert other.evidence == found.evidence


def test_what_is_pasted_names_the_loaders_place(run: Diagnose) -> None:
    changes = {"python": "/my envs/x/bin/python"}
    told = "\n".join(lines(run(Pipeline(workers=1), changes=changes)))
    assert "--loader 'torch_dataloader@/my envs/x/bin/python:workers=2'" in told


def test_a_loader_without_cuts_says_what_is_not_told_apart(run: Diagnose) -> None:
    (why,) = run(Pipeline(workers=1), uncuttable=True).verdict.named.why
    assert "whether for storage, too few workers, the hand-over of batches, or a lock" in why


def test_waiting_is_told(run: Diagnose) -> None:
    assert not any(line.startswith("Data wait") for line in lines(run(Pipeline(workers=1))))
    found = run(Pipeline(workers=1), step="emulate:4000,depth=0")
    facts = diagnosis_facts(found)
    assert facts["data_wait"] == pytest.approx(1)
    assert "Data wait, loader and step together: 100.0% of the time." in list(lines(found))
    read = replace(
        found.evidence.loader, bytes_per_second=50e6, requests=Requests(per_second=12, seconds=0.034)
    )
    told = list(lines(replace(found, evidence=replace(found.evidence, storage=read))))
    assert "Reading alone, from storage: 50.0 MB/s in 12 requests/s of 34 ms." in told


def test_copies_to_a_device_are_measured_alone_and_named(run: Diagnose, tmp_path: Path) -> None:
    found = run(Pipeline(transfer=3), changes={"device": "cuda"})
    assert found.verdict.named.verdict is Narrow.TRANSFER
    assert found.unconfirmed == "pipebench has nothing that relieves it"
    assert any(line.startswith("T    the transfer alone ") for line in lines(found))
    assert diagnosis_facts(found)["rates"]["T"]["estimate"] == pytest.approx(1000 / 3, rel=0.05)
    copied = [r.spec for r in read(tmp_path / "r.jsonl") if "[transfer_only]" in r.contestant]
    assert {(s.loader, s.device, s.step, s.until) for s in copied} == {(CEILING, "cuda", "null", "batch")}
    [once_more] = again(read(tmp_path / "r.jsonl"))
    assert once_more.verdict.named == found.verdict.named


def test_where_copies_cannot_be_measured_nothing_is_named(run: Diagnose) -> None:
    found = run(Pipeline(transfer=3), changes={"device": "cuda"}, refuses=("transfer_only",))
    assert found.verdict.named.verdict is Narrow.UNDECIDED


def test_batches_that_stay_on_the_host_are_not_copied(run: Diagnose) -> None:
    found = run(Pipeline())
    assert found.evidence.transfer is None
    assert not any("[transfer_only]" in record.contestant for record in found.records)


def test_without_a_step_there_is_no_cost_and_one_phase_less(run: Diagnose) -> None:
    found = run(Pipeline(decode=2), step="null")
    assert found.verdict.named.verdict is Narrow.DECODE
    assert "No step was given" in verdict_sentence(found)
    assert {phase_of(record)[1] for record in found.records if phase_of(record)} >= {Phase.WARM, Phase.READ}  # type: ignore[index] # it is not None
    assert found.evidence.end_to_end is None


def test_json_holds_the_fields_that_are_promised(run: Diagnose) -> None:
    facts = json.loads(dumps(diagnosis_facts(run(Pipeline(sleep=100)))))
    promised = "verdict, detail, confirmed, stall, slowdown, severity, rates, core_use, stages, evidence"
    assert set(promised.split(", ")) <= facts.keys()
    assert (facts["verdict"], facts["detail"]) == ("overhead", "hand_over")
    assert set(facts["rates"]) == {"G", "P", "P(1)", "E", "step_beside", "cpu_shared"}
    assert list(facts["stages"]) == ["read", "decode", "transform", "batch"]
    assert facts["evidence"]["phases"]["larger_batch"]["samples_per_second"]["estimate"] > 1000


@pytest.mark.parametrize("width", [80, 200])
def test_it_is_printed_within_the_terminals_width(run: Diagnose, width: int) -> None:
    console = Console(width=width, file=StringIO(), record=True, force_terminal=True)
    print_diagnosis(console, run(Pipeline(workers=1)))
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= width
    for part in ("the step alone", "the loader on one core", "c/(a+b)", "read", "Confirmed: with workers=2"):
        assert part in text
    assert "--loader torch_dataloader:workers=2" in text


def test_trials_that_were_not_warm_are_told(run: Diagnose) -> None:
    found = run(Pipeline(workers=1))
    first = found.records[0]
    read = replace(first, cache={**first.cache, "bytes_read": 130, "payload_bytes": 1000})
    told = list(lines(replace(found, records=(read, *found.records[1:]))))
    assert any(
        line.endswith("to be warm: not warm: 13% of the payload came from the device.") for line in told
    )
    assert not any("Cache" in line for line in lines(found))


def test_a_cold_cache_at_first_is_warmed_and_has_no_vote(
    run: Diagnose, monkeypatch: pytest.MonkeyPatch
) -> None:
    warmed = []
    monkeypatch.setattr("pipebench.diagnosis.run.warm_up", lambda dataset, goes_on: warmed.append(goes_on()))
    found = run(Pipeline(decode=2), cold=1)
    assert warmed == [True]
    assert found.verdict.named.verdict is Narrow.DECODE
    assert found.evidence.loader.rate.low > 600


def test_a_loader_that_never_finds_its_bytes_in_memory_is_undecided(run: Diagnose) -> None:
    found = run(Pipeline(decode=2), cold=1000)
    assert found.verdict.named.verdict is Narrow.UNDECIDED
    assert "--cache cold" in found.verdict.named.why[0]


@pytest.mark.parametrize(("read", "warm"), [(5, True), (30, False)])
def test_few_bytes_from_a_device_may_hold_a_short_trial_up(
    make_record: Callable[..., Record], read: int, warm: bool
) -> None:
    record = make_record()
    told = {**record.cache, "bytes_read": read, "payload_bytes": 1000}
    assert was_warm(replace(record, cache=told)) is warm


def test_a_failed_trial_takes_no_cold_ones_place(make_record: Callable[..., Record]) -> None:
    name = contestant("mine", Phase.WARM)
    ok = make_record(contestant=name)
    cold = replace(ok, cache={**ok.cache, "bytes_read": 900, "payload_bytes": 1000})
    failed = replace(ok, status="failed", reason="x", trace=None, cache={})
    assert Trials(loader="mine", records=[cold, failed]).of(Phase.WARM) == [cold, failed]
    assert Trials(loader="mine", records=[cold, failed, ok]).of(Phase.WARM) == [failed, ok]


def test_a_slow_step_is_narrow_whatever_the_cache(run: Diagnose) -> None:
    assert run(Pipeline(step_rate=50), step="emulate:50", cold=1000).verdict.named.verdict is Narrow.STEP


def test_files_are_read_into_the_cache(make_dataset: Callable[..., Dataset]) -> None:
    dataset = make_dataset()
    evict(dataset.files())
    asked = count()
    warm_up(dataset, lambda: next(asked) >= 0)
    assert next(asked) == 2 * dataset.samples
    with next(iter(dataset.files())).open("rb") as file:
        assert resident_share(file.fileno()) in (1.0, None)


def test_a_payload_that_has_gone_is_bad_input(make_dataset: Callable[..., Dataset]) -> None:
    dataset = make_dataset()
    gone = next(iter(dataset.files()))
    gone.unlink()
    with pytest.raises(BadInput, match=f"{gone} cannot be read"):
        warm_up(dataset, lambda: True)


def test_a_stage_that_costs_less_than_nothing_is_explained(run: Diagnose) -> None:
    found = run(Pipeline(decode=2.0))
    told = "Less than 0"
    assert not any(told in line for line in lines(found))
    costly = replace(found.evidence.cuts[Stage.TRANSFORM], cpu_seconds=Interval(0.01, 0.009, 0.011))
    cuts = {**found.evidence.cuts, Stage.TRANSFORM: costly}
    assert any(told in line for line in lines(replace(found, evidence=replace(found.evidence, cuts=cuts))))


def test_names_of_phases_can_be_read_again(make_record: Callable[..., Record]) -> None:
    name = contestant("a [b]: c", Phase.TRIED, "x=1: y]")
    assert phase_of(make_record(contestant=name)) == ("a [b]: c", Phase.TRIED, "x=1: y]")
    for other in ("warm", "a [nothing]", "a [warm", "[warm]"):
        assert phase_of(make_record(contestant=other)) is None


def test_with_the_bytes_in_memory_only_reading_and_the_whole_meet_storage(spec: TrialSpec) -> None:
    bench = Bench(spec=replace(spec, data="s3://b/d"), memory="/dev/shm/x")
    assert {p for p in Phase if bench.trial(p).data == "s3://b/d"} == {Phase.COLD_READ, Phase.END_TO_END}
    assert bench.whole is Phase.END_TO_END
    assert bench.trial(Phase.COLD_READ).cache == "warm"


def test_only_what_is_cold_is_cold(spec: TrialSpec) -> None:
    bench = Bench(spec=replace(spec, cache="cold", step="emulate:100"), worker_knob="workers", workers=2)
    cold = {phase for phase in Phase if bench.trial(phase).cache == "cold"}
    assert cold == {Phase.COLD_READ, Phase.END_TO_END}
    assert bench.trial(Phase.STEP_ONLY).step == "emulate:100"
    assert bench.trial(Phase.MORE_WORKERS).options["workers"] == "4"
    assert bench.trial(Phase.READ_ONE_CORE).until == "read"


def confirmation(
    gain: float, predicted: float, other: float | None = None, width: float = 0.03
) -> Confirmation:
    around = Interval(gain, gain - width, gain + width)
    return Confirmation(
        what="so",
        predicted=predicted,
        gain=around,
        other_gain=None if other is None else Interval(other, other - width, other + width),
    )


@pytest.mark.parametrize(
    ("found", "confirmed"),
    [
        (confirmation(1.9, 2.0), True),
        (confirmation(1.42, 2.0), True),
        (confirmation(1.40, 2.0), False),
        (confirmation(1.02, 1.04), False),
        (confirmation(1.1, 1.2, width=0.11), False),
        (confirmation(1.5, 1.5, other=1.49), False),
        (confirmation(1.5, 1.5, other=1.1), True),
        (replace(confirmation(1.5, 1.5), gain=None), False),
    ],
)
def test_when_an_intervention_confirms(found: Confirmation, confirmed: bool) -> None:
    assert found.confirmed is confirmed


def test_gains_are_paired_by_block_and_need_three(make_record: Callable[..., Record]) -> None:
    ours = [make_record(rate=200 * (1 + block), block=block) for block in range(3)]
    theirs = [make_record(rate=100 * (1 + block), block=block) for block in range(4)]
    found = paired(ours, theirs, least=3)
    assert found is not None
    assert found.ratio.estimate == pytest.approx(2)
    assert found.blocks == 3
    assert paired(ours[:2], theirs, least=3) is None
    assert paired([], theirs, least=1) is None


def test_a_setting_that_only_fetches_more_at_an_epochs_begin_is_no_faster(
    make_record: Callable[..., Record],
) -> None:
    """Though between boundaries it seems twice as fast."""
    few = SimulatedLoader(gaps_ms=[10] * 50, boundary_ms=500).trace("null", 8, 1)
    more = SimulatedLoader(gaps_ms=[5] * 50, boundary_ms=750).trace("null", 8, 1)
    theirs, ours = ([replace(make_record(block=n), trace=trace) for n in range(3)] for trace in (few, more))
    told, steady = (paired(ours, theirs, least=1, boundaries=whole) for whole in (True, False))
    assert told is not None
    assert steady is not None
    assert told.ratio.estimate == pytest.approx(1, rel=0.05)
    assert steady.ratio.estimate == pytest.approx(2, rel=0.05)


def test_time_in_which_nothing_is_relieved_or_tried_goes_to_the_terms(run: Diagnose) -> None:
    """A loader of one's own cannot be cut, and its stall is as well known as the time allows."""
    found = run(Pipeline(decode=2), changes={"data": "", "loader": "mine:make"}, seconds=60)
    assert found.verdict.named.verdict is Narrow.UNDECIDED
    assert found.seconds > 50
    whole = found.evidence.end_to_end
    assert whole is not None
    assert whole.trials > 5
