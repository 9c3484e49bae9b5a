"""Evidence of pipelines that were reckoned and not run: what ideal phases would show."""

from dataclasses import dataclass, replace
from math import exp
from random import Random

from pipebench.contract import Stage
from pipebench.diagnosis.evidence import Evidence
from pipebench.diagnosis.seen import Seen
from pipebench.stats import Interval


def around(value: float, share: float = 0.05) -> Interval:
    """An interval of that half-width, on the log scale."""
    return Interval(value, value / (1 + share), value * (1 + share))


def seen(
    rate: float,
    *,
    width: float = 0.05,
    cpu_ms: float = 1.0,
    use: float = 0.95,
    stall: float | None = None,
) -> Seen:
    """One phase on two cores, told outright."""
    return Seen(
        rate=around(rate, width),
        cores=2,
        cpu_seconds=around(cpu_ms / 1000),
        use=Interval(use, use - 0.03, use + 0.03),
        consumer=0.05,
        waits={"runs": 0.9, "idle": 0.1},
        stall=stall,
    )


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """Costs in milliseconds a sample, but for those of the hand-over, which are a batch's."""

    cores: int = 2
    workers: int = 2
    read: float = 0.03
    decode: float = 0.5
    transform: float = 0.5
    batch: float = 0.08
    latency: float = 0.0
    """Each worker waits for each sample."""
    bucket: float = 0.0
    """All workers together wait for each sample."""
    locked: float = 0.0
    """Work under a lock, in decode."""
    lock_sleeps: float = 0.0
    """Whoever holds a lock while reading sleeps so long."""
    ship: float = 0.0
    """Each worker waits for each batch that is not cut, when it passes it on."""
    decode_waits: float = 0.0
    """Each worker waits for each sample, for something that decodes it elsewhere."""
    sleep: float = 0.0
    """Of the consumer, before it passes a batch on."""
    copy: float = 0.0
    """Work of the consumer for a batch that is not cut."""
    size: int = 64
    transfer: float = 0.0
    """Of a copy to the device; 0 where batches stay on the host."""
    step_rate: float = 4000.0
    step_cpu: float = 0.0
    """Work of the step for a sample, on the same cores."""

    def seen(self, until: Stage = Stage.BATCH, random: Random | None = None) -> Seen:
        """A phase with the null step, and with chance if `random` is given."""
        depth = until.depth
        stages = (self.read, self.decode, self.transform, self.batch)
        work = sum(stages[: depth + 1])
        locked = self.locked if depth >= 1 else 0.0
        copy = self.copy / self.size if depth == 3 else 0.0
        took = {
            "runs": (work + locked + copy) / self.cores,
            "worker": (work + locked + self._waiting(depth)) / self.workers,
            "bucket": self.bucket,
            "lock": locked or self.lock_sleeps,
            "consumer": self.sleep / self.size + copy,
            "transfer": self.transfer if depth == 3 else 0.0,
        }
        each = max(took.values())
        cpu = work + locked + copy
        waits = self._waits(took["lock"], each, work + locked, self._waiting(depth))
        return _with_chance(each, cpu, self.cores, (copy + 0.005) / each, waits, random)

    def _waiting(self, depth: int) -> float:
        """Of a worker, for each sample."""
        decoding = self.decode_waits if depth >= 1 else 0.0
        return self.latency + decoding + (self.ship / self.size if depth == 3 else 0.0)

    def _waits(self, lock: float, each: float, work: float, waiting: float) -> dict[str, float]:
        """Of the workers' time: at work, waiting for bytes, for the lock, or for the consumer."""
        runs = work / self.workers / each
        left = max(0.0, 1 - runs)
        sleeps = left if self.bucket == each else min(left, waiting / self.workers / each)
        if self.lock_sleeps == each:
            sleeps = min(left, 1 / self.workers)
        locked = left - sleeps if lock == each else 0.0
        return {"runs": runs, "sleeps": sleeps, "lock": locked, "idle": max(0.0, left - sleeps - locked)}

    def evidence(self, random: Random | None = None) -> Evidence:
        """All phases."""
        loader = self.seen(random=random)
        rates = 1000 / loader.rate.estimate
        cpu = (loader.cpu_seconds.estimate if loader.cpu_seconds else 0.0) * 1000
        shared = (cpu + self.step_cpu) / self.cores
        whole = 1000 / max(rates, 1000 / self.step_rate, shared)
        one = replace(self, cores=1, workers=1)
        step = seen(self.step_rate, width=0.01, cpu_ms=self.step_cpu or 0.001, use=0.02)
        return Evidence(
            cores=self.cores,
            loader=loader,
            step=step,
            transfer=self._transferred(random),
            end_to_end=replace(loader, rate=_moved(around(whole), random), stall=1 - whole / self.step_rate),
            one_core=one.seen(random=random),
            cuts={stage: self.seen(stage, random) for stage in list(Stage)[:3]},
            read_one_core=one.seen(Stage.READ, random),
            more_workers=replace(self, workers=2 * self.workers).seen(random=random),
            workers=self.workers,
            larger_batch=replace(self, size=2 * self.size).seen(random=random),
        )

    def _transferred(self, random: Random | None) -> Seen | None:
        if not self.transfer:
            return None
        return _with_chance(self.transfer, 0.01, self.cores, 0.01, {}, random)


def _with_chance(
    each: float, cpu: float, cores: int, consumer: float, waits: dict[str, float], random: Random | None
) -> Seen:
    rate, use = 1000 / each, cpu / each / cores
    moved = _moved(around(rate), random)
    return Seen(
        cores=cores,
        rate=moved,
        cpu_seconds=_moved(around(cpu / 1000), random),
        use=Interval(use * moved.estimate / rate, use * moved.low / rate, use * moved.high / rate),
        consumer=consumer,
        waits=waits,
    )


def _moved(interval: Interval, random: Random | None) -> Interval:
    """As a measurement with a spread of 3 % would have found it."""
    factor = exp(random.gauss(0, 0.03)) if random else 1.0
    return Interval(interval.estimate * factor, interval.low * factor, interval.high * factor)
