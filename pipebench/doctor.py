"""What this host has and lacks for a benchmark, each lack with what mends it."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipebench import machine, registry
from pipebench.errors import BadInput
from pipebench.isolation import run_command, run_trial
from pipebench.plan import Request, make_plan
from pipebench.results import CEILING, PROOF_BLOCK, Record
from pipebench.schedule import opening

SHARED_MEMORY = "/dev/shm"  # noqa: S108 - the mount itself is what is examined
ENOUGH_SHARED_MEMORY = 1 << 30
"""Bytes of /dev/shm below which PyTorch's workers may die with 'bus error'; Docker gives 64 MB."""

LIBRARIES = {
    "torch": ("torch",),
    "torchvision": ("torchvision",),
    "webdataset": ("webdataset",),
    "dali": ("nvidia-dali-cuda130", "nvidia-dali-cuda120"),
    "pillow": ("pillow-simd", "pillow"),
    "simplejpeg": ("simplejpeg",),
    "pyarrow": ("pyarrow",),
}
"""Libraries worth naming, each with the distributions that may bring it."""

EXTRAS = {"torch": "torch_dataloader", "torchvision": "torch_dataloader", "webdataset": "webdataset"}
"""The extra that brings a library, where it has another name than the library."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the examination."""

    topic: str
    state: Literal["ok", "note", "missing"]
    text: str
    remedy: str = ""


def host(path: Path) -> Iterator[Finding]:
    """Interpreter, cores, memory, storage below `path`, accelerators."""
    facts = machine.describe()
    yield Finding(topic="python", state="ok", text=f"{facts.python} ({sys.executable})")
    yield Finding(
        topic="cores", state="ok", text=f"{facts.usable_cores} usable of {facts.cores}, {facts.cpu}"
    )
    yield Finding(topic="memory", state="ok", text=f"{facts.memory_bytes / 1e9:.1f} GB")
    yield shared_memory(_free(SHARED_MEMORY))
    yield _storage(path)
    yield _gpu(facts.gpu)


def _free(path: str) -> int:
    try:
        return shutil.disk_usage(path).free
    except OSError:
        return 0


def shared_memory(free_bytes: int) -> Finding:
    """Whether PyTorch's own workers have room to hand over batches."""
    if free_bytes >= ENOUGH_SHARED_MEMORY:
        return Finding(topic=SHARED_MEMORY, state="ok", text=f"{free_bytes / 1e9:.1f} GB free")
    return Finding(
        topic=SHARED_MEMORY,
        state="missing",
        text=f"only {free_bytes / 1e6:.0f} MB free: plain PyTorch workers may die with 'bus error'",
        remedy="start the container with --shm-size=8g",
    )


def _storage(path: Path) -> Finding:
    if not path.exists():
        text = f"{path} does not exist"
        return Finding(topic="storage", state="missing", text=text, remedy=f"mkdir -p {path}")
    usage = shutil.disk_usage(path)
    room = f"{usage.free / 1e9:.0f} GB free of {usage.total / 1e9:.0f}"
    return Finding(
        topic="storage", state="ok", text=f"{room} at {path.resolve()} ({machine.filesystem(path)})"
    )


def _gpu(names: str) -> Finding:
    if names:
        return Finding(topic="gpu", state="ok", text=names)
    return Finding(topic="gpu", state="note", text="none: steps are emulated or run on the CPU")


def libraries() -> Iterator[Finding]:
    """Each library with its version, or the command that brings it."""
    for name, distributions in LIBRARIES.items():
        found = machine.versions(distributions)
        if found:
            text = ", ".join(f"{version} ({package})" for package, version in found.items())
            yield Finding(topic=name, state="ok", text=text)
        else:
            remedy = f"pip install 'pipebench[{EXTRAS.get(name, name)}]'"
            yield Finding(topic=name, state="missing", text="not installed", remedy=remedy)


def loaders() -> Iterator[Finding]:
    """Each registered loader, tried: a proof of its work over a few samples, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="pipebench-doctor-") as folder:
        samples = [str(Path(folder, name)) for name in ("folder", "wds", "parquet")]
        try:
            _write_samples(*samples)
        except BadInput as problem:
            yield Finding(topic="loaders", state="missing", text=f"not tried: {problem}")
            return
        for name in registry.names(registry.LOADERS):
            if name != CEILING:
                yield from _try(name, samples)


def _write_samples(folder: str, *shards: str) -> None:
    run_command("data", "synth", folder, "--samples", "24", "--classes", "2", "--mean-bytes", "20000")
    for path in shards:
        run_command("data", "shard", folder, path, "--format", Path(path).name, "--shard-samples", "6")


def _try(name: str, samples: list[str]) -> Iterator[Finding]:
    request = Request(data=tuple(samples), loaders=(name,), batch_size=4)
    for trial in opening(make_plan(request)):
        if trial.block == PROOF_BLOCK:
            record = run_trial(trial.spec, 120, run="doctor", contestant=trial.contestant, block=trial.block)
            yield _verdict(trial.contestant, record)


def _verdict(contestant: str, record: Record) -> Finding:
    if record.status == "ok":
        return Finding(topic=contestant, state="ok", text="works: delivers every sample once, and right")
    command, _, rest = record.reason.partition("pip install")
    if rest:
        remedy = f"pip install{rest}"
        return Finding(topic=contestant, state="missing", text=command or "lacks a library", remedy=remedy)
    return Finding(topic=contestant, state="missing", text=f"{record.status}: {record.reason}")
