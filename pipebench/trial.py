"""One trial, in a process of its own: spec in, record out."""

import traceback
from collections import Counter
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

from pipebench import machine, page_cache, registry
from pipebench.contract import Loader, LoaderFactory, Placement, Stage, Unsupported, Workload
from pipebench.dataset import Dataset, open_dataset
from pipebench.energy import Meter
from pipebench.errors import BadInput, one_line, unknown
from pipebench.files import end_helper
from pipebench.kinds import kind
from pipebench.measure import (
    LONGEST_SECONDS,
    LOOKS_AT_MEMORY,
    MIN_BATCHES,
    SHORT_BATCHES,
    SHORT_SECONDS,
    Budget,
    Clock,
    SystemClock,
    measure,
)
from pipebench.options import override
from pipebench.own import OwnLoader, own_workload
from pipebench.remote import tally
from pipebench.resources import (
    Resources,
    host_busy_ns,
    tree_cpu_ns,
    tree_memory,
    tree_read_bytes,
    tree_resources,
    worker_waits,
)
from pipebench.results import Record, Status, TrialSpec
from pipebench.step import make_step

ALWAYS = ("pipebench", "numpy", "torch")
"""Distributions whose versions every record holds."""

PRESETS = ("tuned", "documented")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A loader's factory with all that it is to be built from."""

    factory: LoaderFactory
    workload: Workload
    placement: Placement
    until: Stage
    settings: Any

    def build(self) -> Loader:
        """A new loader; raises what the factory raises."""
        return self.factory(self.workload, self.placement, until=self.until, settings=self.settings)


def run(blank: Record, spawned_ns: int, clock: Clock | None = None) -> Record:
    """The filled-in record of one trial; whatever the loader raises becomes its status and reason."""
    record = blank
    try:
        contender = prepare(blank.spec)
        record = _described(blank, contender)
        if blank.spec.purpose == "limits":
            return _limit(record, contender.workload.dataset, clock or SystemClock())
        if blank.spec.purpose == "same_work":
            return _prove(record, contender)
        return _measure(record, contender, spawned_ns, clock or SystemClock())
    except Exception as error:
        status, reason = outcome(error)
        return replace(record, status=status, reason=reason)


def outcome(error: Exception) -> tuple[Status, str]:
    """An exception as the status and the reason of its trial, in one line."""
    if isinstance(error, Unsupported):
        return "unsupported", one_line(str(error))
    if isinstance(error, BadInput):
        return "bad_input", one_line(str(error))
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    lines = str(error).strip().splitlines() or ["no message"]
    return "failed", one_line(f"{type(error).__name__}: {lines[-1]}{place}")


def prepare(spec: TrialSpec) -> Contender:
    """Resolves names, dataset and settings; raises `BadInput` or `Unsupported`, and builds no loader."""
    factory = registry.loader(spec.loader) if spec.data else cast("LoaderFactory", OwnLoader(spec.loader))
    placement = Placement(cores=len(spec.cpus), device=spec.device)
    workload = _workload(spec) if spec.data else own_workload(spec.batch_size)
    settings = _settings(factory, spec, placement)
    return Contender(
        factory=factory, workload=workload, placement=placement, until=Stage(spec.until), settings=settings
    )


def _workload(spec: TrialSpec) -> Workload:
    dataset = open_dataset(spec.data)
    return Workload(
        dataset=dataset,
        batch_size=spec.batch_size,
        preprocessing=kind(dataset.kind).preprocessing(spec.preprocessing),
        shuffle=spec.shuffle,
        drop_last=spec.drop_last,
        seed=spec.seed,
    )


def _settings(factory: LoaderFactory, spec: TrialSpec, placement: Placement) -> Any:
    options = dict(spec.options)
    preset = options.pop("preset", PRESETS[0])
    if preset not in PRESETS:
        raise unknown(f"preset of {spec.loader}", preset, PRESETS)
    base = getattr(factory.settings, preset)(placement)
    return override(base, options, f"{spec.loader} setting")


def _described(blank: Record, contender: Contender) -> Record:
    dataset = contender.workload.dataset
    return replace(
        blank,
        content_id=dataset.content_id,
        format=dataset.format,
        kind=dataset.kind,
        settings=asdict(contender.settings),
        versions=machine.versions([*ALWAYS, *contender.factory.libraries]),
        machine=asdict(machine.describe()),
    )


def _measure(record: Record, contender: Contender, spawned_ns: int, clock: Clock) -> Record:
    times = {"spawned": spawned_ns, "imported": clock.now_ns()}
    spec = record.spec
    step = make_step(spec.step, contender.workload, spec.device, clock.burn_ns)
    times["step_ready"] = clock.now_ns()
    first = contender.build()
    times["loader_ready"] = clock.now_ns()
    loader, cache = _with_cache(contender, first, spec)
    with closing(loader):
        observer = _Observer()
        trace = measure(loader, step, _budget(spec), clock, observer)
        energy = observer.energy()
        used, counts = tree_resources(), _counts(cache["transport"])
    dataset = contender.workload.dataset
    return replace(
        record,
        status="ok",
        times_ns=times,
        trace=trace,
        device_ns=tuple(step.device_ns()),
        resources=observer.resources(used) | energy,
        cache=cache
        | {name: count - cache[name] for name, count in counts.items()}
        | {"payload_bytes": sum(trace.sizes) * dataset.payload_bytes // dataset.samples},
    )


def _with_cache(contender: Contender, first: Loader, spec: TrialSpec) -> tuple[Loader, dict[str, Any]]:
    """The loader to measure, with the cache in the state that was asked for, and what is known of it.

    For a cold trial `first` was the rehearsal: what its build imported must not count. The facts
    hold the tree's counts so far.
    """
    dataset = contender.workload.dataset
    kind, name = page_cache.transport(dataset) if spec.data else ("other", "a loader of one's own")
    facts: dict[str, Any] = {"asked": spec.cache, "transport": kind, "filesystem": name, "resident": None}
    if spec.cache == "warm" or kind == "object":
        end_helper()  # it has read the index, and is none of the loader's
        return first, facts | _counts(kind)
    first.close()
    facts["resident"] = page_cache.evict(dataset.files()).resident
    counts = _counts(kind)
    return contender.build(), facts | counts


def _counts(transport: str) -> dict[str, int]:
    """What this process and its descendants have read so far, from devices and from object stores."""
    counts = {"bytes_read": tree_read_bytes()}
    fetched = tally.total() if transport == "object" else None
    if fetched is None:
        return counts
    told = {"fetched_bytes": fetched.bytes, "requests": fetched.requests, "requests_ns": fetched.ns}
    return counts | told


def _budget(spec: TrialSpec) -> Budget:
    longest = max(spec.seconds, LONGEST_SECONDS)
    least = SHORT_BATCHES if spec.seconds < SHORT_SECONDS else MIN_BATCHES
    epochs = 1 if spec.cache == "cold" else None
    return Budget(seconds=spec.seconds, min_batches=least, max_seconds=longest, epochs=epochs)


class _Observer:
    """Looks at CPU time; at everything the first time, and at memory beforehand and now and then.

    To look at memory takes so long that a short trial must not wait for it.
    """

    def __init__(self) -> None:
        self._before = tree_memory()
        self._looks = 0
        self._first: Resources | None = None
        self._memory: list[int] = []
        self._waits: Counter[str] = Counter()
        self._meter = Meter()

    def __call__(self) -> tuple[int, int]:
        now = tree_cpu_ns(), host_busy_ns()  # first, since all else takes so long that more would be used
        if self._first is None:
            self._first = tree_resources(self._before)
            self._meter.begin()
        elif self._looks % LOOKS_AT_MEMORY == 0:
            self._memory.append(tree_memory().total)
        self._looks += 1
        self._waits.update(worker_waits())
        return now

    def energy(self) -> dict[str, Any]:
        """For the record: the host's counters at the first look and now, where it has any."""
        return self._meter.used()

    def resources(self, last: Resources) -> dict[str, Any]:
        """For the record: totals at the first look and at the end; memory in between, and workers' waits."""
        first = self._first or last
        memory = [first.memory_bytes, *self._memory, last.memory_bytes]
        used = {"first": asdict(first), "last": asdict(last), "memory_bytes": memory}
        return used | {"worker_waits": dict(self._waits)}


def _prove(record: Record, contender: Contender) -> Record:
    from pipebench.same_work import prove

    def make(workload: Workload, placement: Placement) -> Loader:
        return contender.factory(workload, placement, until=Stage.BATCH, settings=contender.settings)

    proof = prove(make, contender.workload, contender.placement)
    record = replace(record, status="ok", same_work=asdict(proof))
    if proof.fault is not None:
        return replace(record, status="failed", reason=f"not the same work: {proof.fault}")
    return record


def _limit(record: Record, dataset: Dataset, clock: Clock) -> Record:
    from pipebench import limits

    found = limits.decode(dataset.payloads(limits.PAYLOADS), kind(dataset.kind), clock)
    return replace(record, status="ok", limits={"decode_samples_per_second": found.value})
