"""The training step: the one consumer that every loader feeds.

`null` takes the batch and drops it. `emulate:RATE` is a launch queue, as a real device has; it
sleeps, never spins. `model:NAME` runs forward, backward and optimiser of a real model.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from pipebench.errors import BadInput, unknown
from pipebench.options import override, parse_pairs
from pipebench.registry import is_path

if TYPE_CHECKING:  # whoever only reads results needs neither
    from pipebench.contract import Batch, Workload

HELP = {
    "null": "takes the batch and drops it: what the loader alone can do",
    "emulate:RATE[,depth=N,host_cpu=SHARE]": "an accelerator that takes RATE samples/s, emulated",
    "model:NAME": "forward, backward and optimiser step of a real model ('pipebench list models')",
    "MODULE:FUNCTION": "one of your own: the function makes what is called with each batch",
    "MODEL@ACCELERATOR": "emulated at each rate that is known of it ('pipebench list accelerators')",
}


class Step(Protocol):
    """What consumes a batch."""

    def __call__(self, batch: "Batch", arrived_ns: int) -> int:
        """Takes the batch that arrived at that time; returns for how many ns the host must now wait."""
        ...

    def device_ns(self) -> list[tuple[int, int]]:
        """For an accelerator: each step's (begin, end) on the device's own clock; otherwise empty."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSpec:
    """A step as named on the command line."""

    kind: str
    """`null`, `emulate`, `model` or `own`."""
    name: str = ""
    """The model's name; of an emulated step the profile that its rate comes from, if any."""
    rate: float = 0.0
    """Samples per second of the emulated accelerator."""
    depth: int = 2
    """Batches that may be in flight before the host blocks."""
    host_cpu: float = 0.0
    """Share of one core that launching the step's work uses."""


_KINDS = ("null", "emulate", "model")
_OPTIONS = ("depth", "host_cpu", "name")
"""Of an emulated step."""


@lru_cache(maxsize=1024)
def parse_step(text: str) -> StepSpec:
    """`null`, `emulate:RATE[,depth=N,host_cpu=SHARE]`, `model:NAME` or `module:function`; or `BadInput`."""
    name, _, rest = text.partition(":")
    if name == "null" and not rest:
        return StepSpec(kind="null")
    if name == "model" and rest:
        return StepSpec(kind="model", name=rest)
    if name == "emulate":
        return _parse_emulated(rest)
    if is_path(text) and name not in _KINDS:
        return StepSpec(kind="own", name=text)
    raise unknown("step", text, HELP)


def _parse_emulated(text: str) -> StepSpec:
    rate, _, options = text.partition(",")
    pairs = parse_pairs(options, "step option")
    for key in pairs:
        if key not in _OPTIONS:
            raise unknown("step option", key, _OPTIONS)
    spec = override(StepSpec(kind="emulate"), {"rate": rate} | pairs, "step option")
    if not 0 < spec.rate < float("inf"):
        raise BadInput(f"step emulate:{text} needs a rate above 0, in samples per second")
    if spec.depth < 0 or not 0 <= spec.host_cpu <= 1:
        raise BadInput(f"step emulate:{text} needs a depth of at least 0 and a host_cpu from 0 to 1")
    return spec


def make_step(text: str, workload: "Workload", device: str, burn_ns: Callable[[int], None]) -> Step:
    """The step for one trial; `burn_ns` uses CPU time for `host_cpu`."""
    spec = parse_step(text)
    if spec.kind == "null":
        return NullStep()
    if spec.kind == "emulate":
        return EmulatedStep(spec, burn_ns)
    if spec.kind == "own":
        from pipebench.own import made_by

        return OwnStep(made_by(spec.name, "step")())
    return ModelStep(spec.name, workload, device)


class NullStep:
    """Takes the batch and drops it."""

    def __call__(self, batch: "Batch", arrived_ns: int) -> int:  # noqa: ARG002 - a step's signature
        return 0

    def device_ns(self) -> list[tuple[int, int]]:
        return []


class EmulatedStep:
    """A device that takes size / rate seconds a batch, behind a launch queue of `depth`.

    Batch i starts at max(its arrival, the end of i-1). The host blocks only while more than `depth`
    batches are in flight, and a batch is held until its end. With depth 0 it waits for each batch's end, as
    a loop does that reads the loss after each step. The device's time is virtual: a host that oversleeps is
    not credited with work, nor is the device charged for it.
    """

    def __init__(self, spec: StepSpec, burn_ns: Callable[[int], None]) -> None:
        self._spec = spec
        self._burn_ns = burn_ns
        self._flight: deque[tuple[int, Batch]] = deque()
        self._free_ns = 0

    def __call__(self, batch: "Batch", arrived_ns: int) -> int:
        work_ns = int(len(batch.ids) * 1e9 / self._spec.rate)
        if self._spec.host_cpu:
            self._burn_ns(int(work_ns * self._spec.host_cpu))
        self._free_ns = max(arrived_ns, self._free_ns) + work_ns
        self._flight.append((self._free_ns, batch))
        wake_ns = self._flight[0][0] if len(self._flight) > self._spec.depth else arrived_ns
        while self._flight and self._flight[0][0] <= wake_ns:
            self._flight.popleft()
        return max(0, wake_ns - arrived_ns)

    def device_ns(self) -> list[tuple[int, int]]:
        return []


def device_times(got_ns: Sequence[int], sizes: Sequence[int], rate: float) -> list[tuple[int, int]]:
    """Each batch's (begin, end) on the emulated device, in ns: the launch queue replayed from arrivals."""
    free_ns, times = 0, []
    for arrived_ns, size in zip(got_ns, sizes, strict=True):
        begin_ns = max(arrived_ns, free_ns)
        free_ns = begin_ns + int(size * 1e9 / rate)
        times.append((begin_ns, free_ns))
    return times


class OwnStep:
    """Calls what the user's function made, with each batch as the user's loader gave it."""

    def __init__(self, step: Callable[[Any], object]) -> None:
        self._step = step

    def __call__(self, batch: "Batch", arrived_ns: int) -> int:  # noqa: ARG002 - a step's signature
        self._step(batch.inputs)
        return 0

    def device_ns(self) -> list[tuple[int, int]]:
        return []


class ModelStep:
    """Forward, backward and an SGD step; bf16 autocast on an accelerator."""

    def __init__(self, name: str, workload: "Workload", device: str) -> None:
        try:
            import torch
        except ImportError:
            raise BadInput("model steps need torch: pip install 'pipebench[model]'") from None
        self._torch = torch
        self._device = torch.device(device)
        torch.manual_seed(workload.seed)
        from pipebench.kinds import kind

        dataset = workload.dataset
        self._model = kind(dataset.kind).model(name, len(dataset.classes)).to(self._device).train()
        self._optimizer = torch.optim.SGD(self._model.parameters(), lr=1e-3, momentum=0.9)
        self._events: list[tuple[Any, Any]] = []

    def __call__(self, batch: "Batch", arrived_ns: int) -> int:  # noqa: ARG002 - a step's signature
        if self._device.type != "cuda":
            self._train(batch)
            return 0
        event: Any = self._torch.cuda.Event
        begin, end = event(enable_timing=True), event(enable_timing=True)
        begin.record()
        self._train(batch)
        end.record()
        self._events.append((begin, end))
        return 0

    def _train(self, batch: "Batch") -> None:
        torch, device = self._torch, self._device
        inputs = batch.inputs.to(device, non_blocking=True)
        labels = batch.labels.to(device, non_blocking=True)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            loss = torch.nn.functional.cross_entropy(self._model(inputs), labels)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._optimizer.step()

    def device_ns(self) -> list[tuple[int, int]]:
        if not self._events:
            return []
        self._torch.cuda.synchronize()
        origin = self._events[0][0]
        return [
            (int(origin.elapsed_time(begin) * 1e6), int(origin.elapsed_time(end) * 1e6))
            for begin, end in self._events
        ]
