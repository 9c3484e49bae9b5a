"""The planted bottlenecks, how much of each is nominal, and the verdict that each deserves."""

from typing import NamedTuple

from pipebench.diagnosis.evidence import Detail, Narrow

LEVELS = {"nominal": 1.0, "half": 0.5, "double": 2.0}


class Plant(NamedTuple):
    """One planted bottleneck."""

    name: str
    amount: float
    """Nominal, in the unit that the loader or step gives it."""
    verdict: Narrow
    detail: Detail | None = None
    loader: str = "Planted"
    options: str = "plant={name},amount={amount:g}"
    step: str = "emulate:4000"
    """`{rate}` in it is the rate of the loader without a plant, measured beforehand."""


HAND_OVER, WORKERS, LOCK = Detail.HAND_OVER, Detail.WORKERS, Detail.LOCK
PLANTS = (
    Plant("bandwidth", 1.5, Narrow.STORAGE),
    Plant("latency", 3.0, Narrow.STORAGE),
    Plant("decode", 1.5, Narrow.DECODE),
    Plant("transform", 1.5, Narrow.TRANSFORM),
    Plant("hand_over_sleep", 100.0, Narrow.OVERHEAD, HAND_OVER),
    Plant("hand_over_copy", 160.0, Narrow.OVERHEAD, HAND_OVER),
    Plant("bursts", 100.0, Narrow.OVERHEAD, HAND_OVER),
    Plant("one_worker", 1.0, Narrow.OVERHEAD, WORKERS, options="plant=decode,amount={amount:g},workers=1"),
    Plant("lock", 3.0, Narrow.OVERHEAD, LOCK),
    Plant("threads", 1.0, Narrow.OVERHEAD, LOCK, loader="Threaded", options="amount={amount:g}"),
    Plant("slow_step", 2.0, Narrow.STEP, options="", step="emulate:{slower:g}"),
    Plant("cpu_step", 0.5, Narrow.CPU_SHARED, options="", step="emulate:{rate:g},host_cpu={share:g}"),
    Plant("equal", 1.0, Narrow.BALANCED, options="", step="emulate:{rate:g}"),
)


def loader_text(plant: Plant, level: float, folder: str) -> str:
    """As `--loader` takes it."""
    options = plant.options.format(name=plant.name, amount=plant.amount * level)
    return f"planted:{plant.loader}@{folder}" + (f":{options}" if options else "")


def step_text(plant: Plant, level: float, rate: float) -> str:
    """As `--step` takes it; `rate` is what the loader without a plant reaches here."""
    slower = rate / (1 + (plant.amount - 1) * level * 2) if plant.name == "slow_step" else rate
    share = min(1.0, plant.amount * level)
    return plant.step.format(rate=rate, slower=slower, share=share)
