"""What a watched loop's waits say, and what they can't."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipebench.watching.device import uses_cuda
from pipebench.watching.waits import Waits

FINE, MODERATE = 0.05, 0.20
"""Data wait up to which a loop is fine, and moderately slow: the limits of stall in method.md."""
FULL = 0.85
"""Core use from which a loader's work may be the cause, and below which it is not."""
ROOMY = 0.5
"""Core use up to which a loader's work is taken to leave the step beside it its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Of one loader in one process. Times are in seconds."""

    label: str
    steps: int
    epochs: int
    data_wait: float | None
    """Share of the loop's time that it waited, the start-up left out; None of fewer than two steps."""
    p50: float
    p95: float
    p99: float
    first_batch: float
    """From asking for the loader's iterator to its first batch, in the first epoch."""
    later_first_batch: float | None
    """The same in the median later epoch."""
    steps_per_second: float | None
    busy_a_step: float | None
    """What is not waiting, a step."""
    core_use: float | None
    """Share of the allowed cores that the process tree kept busy; None where that cannot be read."""
    ahead: bool
    """Whether a CUDA device works ahead of the loop, whose waits then are not the device's idle time."""
    device_idle: float | None
    """Share of its time that the CUDA device had nothing to do while the loop waited, by its own clock."""

    @property
    def wait_a_step(self) -> float:
        """Mean seconds."""
        return (self.data_wait or 0) / self.steps_per_second if self.steps_per_second else 0.0


def facts(waits: Waits, cores: int) -> Facts | None:
    """What is known up to now; None before the first batch."""
    if not waits.steps:
        return None
    total = (waits.wait_ns + waits.busy_ns) / 1e9
    known = waits.steps > 1 and total > 0
    later = sorted(waits.firsts_ns[1:])
    ordered = sorted(waits.latest_ns)
    return Facts(
        label=waits.label,
        steps=waits.steps,
        epochs=len(waits.firsts_ns),
        data_wait=waits.wait_ns / 1e9 / total if known else None,
        p50=_percentile(ordered, 0.50),
        p95=_percentile(ordered, 0.95),
        p99=_percentile(ordered, 0.99),
        first_batch=waits.firsts_ns[0] / 1e9,
        later_first_batch=later[len(later) // 2] / 1e9 if later else None,
        steps_per_second=waits.steps / total if known else None,
        busy_a_step=waits.busy_ns / 1e9 / waits.steps if known else None,
        core_use=waits.cores / cores if waits.cores is not None else None,
        ahead=uses_cuda(),
        device_idle=waits.device.share if waits.device else None,
    )


def _percentile(ordered: Sequence[int], share: float) -> float:
    """Seconds; the smallest value that at least that share does not exceed."""
    if not ordered:
        return 0.0
    place = max(0, -int(-share * len(ordered) // 1) - 1)
    return ordered[min(place, len(ordered) - 1)] / 1e9


def verdict(found: Facts) -> str:
    """One sentence of what is known from inside."""
    if found.data_wait is None:
        return "Too few steps were made to tell anything."
    share = found.data_wait if found.device_idle is None else found.device_idle
    who = "loop waits" if found.device_idle is None else "CUDA device idles"
    gain = _gain(share, found.core_use)
    if share < FINE:
        return f"Fine: the {who} {share:.1%} of its time for data; a perfect loader makes it {gain}."
    if found.ahead and found.device_idle is None:
        return (
            f"The loop waits {share:.1%} of its time for data. How long the CUDA device idles is not known "
            f"from here, since it works ahead of the loop: a perfect loader makes it {gain}. "
            "'pipebench watch --headroom' measures by how much."
        )
    degree = "Moderate" if share <= MODERATE else "Severe"
    text = f"{degree}: the {who} {share:.1%} of its time for data; a perfect loader makes it {gain}"
    return f"{text}{_about_cores(found.core_use)}"


def _gain(share: float, core_use: float | None) -> str:
    """Of a perfect loader, which makes no loop wait and takes no time from the step."""
    if share >= 1:
        return "faster without limit"
    faster = f"{1 / (1 - share):.2f}x faster"
    if core_use is not None and core_use <= ROOMY:
        return f"at most {faster}"
    return f"{faster}, and more if this one's work slows the step"


def _about_cores(use: float | None) -> str:
    """What the cores' use says of the cause."""
    if use is None:
        return "."
    if use >= FULL:
        return (
            f". The cores are {min(use, 1):.0%} used: the loader's own work is what is waited for, unless "
            "the step needs these cores too. 'pipebench diagnose' tells them apart."
        )
    return (
        f". The cores are {use:.0%} used: workers that are too few, storage, or the hand-over of batches are "
        "what is waited for, not the loader's work. 'pipebench diagnose' tells them apart."
    )
