"""What this host is, and how much of it a command may use."""

import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from pipebench.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The facts that make two hosts alike or not."""

    host: str
    cpu: str
    cores: int
    """Of the host, whether this process may use them or not."""
    usable_cores: int
    memory_bytes: int
    kernel: str
    python: str
    gpu: str
    """Names of the accelerators, or empty."""


def describe() -> Machine:
    """This host, from `/proc` and without importing any accelerator library."""
    return Machine(
        host=platform.node(),
        cpu=_cpu_name(),
        cores=os.cpu_count() or 1,
        usable_cores=len(usable_cpus()),
        memory_bytes=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        kernel=platform.release(),
        python=platform.python_version(),
        gpu=", ".join(gpu_names()),
    )


def usable_cpus(asked: int | None = None) -> list[int]:
    """Processor numbers to pin to: the least of affinity, cgroup quota and what was asked.

    Raises `BadInput` if fewer than one or more than there are were asked for.
    """
    allowed = sorted(os.sched_getaffinity(0))
    quota = cgroup_quota()
    limit = len(allowed) if quota is None else max(1, min(len(allowed), int(quota)))
    if asked is not None and not 1 <= asked <= limit:
        raise BadInput(f"--cores {asked}: this process may use from 1 to {limit} cores")
    return allowed[: asked or limit]


def cgroup_quota() -> float | None:
    """Cores' worth of CPU time that this process's cgroup and those above it allow; None if unlimited."""
    quotas = [quota for folder in _cgroups() if (quota := _quota(folder)) is not None]
    return min(quotas, default=None)


def _cgroups() -> Iterator[Path]:
    """The folders of this process's CPU cgroup and of all above it, for cgroups of version 1 and 2."""
    for line in (_text("/proc/self/cgroup") or "").splitlines():
        _, controllers, place = line.split(":", 2)
        if controllers == "" or "cpu" in controllers.split(","):
            root = Path("/sys/fs/cgroup", "cpu" if controllers else "")
            inside = Path(place.lstrip("/"))
            yield from (root / part for part in (inside, *inside.parents))


def _quota(folder: Path) -> float | None:
    limit = _text(str(folder / "cpu.max"))
    if limit is None:
        quota = _text(str(folder / "cpu.cfs_quota_us")) or "-1"
        limit = f"{quota} {_text(str(folder / 'cpu.cfs_period_us')) or 100_000}"
    quota, period = limit.split()
    return None if quota == "max" or int(quota) <= 0 else int(quota) / int(period)


def filesystem(path: Path) -> str:
    """Type of the filesystem that holds the path: that of the longest mount point above it."""
    place = path.resolve()
    mounts = [line.split()[1:3] for line in Path("/proc/self/mounts").read_text().splitlines()]
    above = [
        (len(at), order, kind) for order, (at, kind) in enumerate(mounts) if place.is_relative_to(_plain(at))
    ]
    return max(above)[2]


def _plain(mount: str) -> str:
    """A mount point without the octal escapes of proc(5)."""
    return os.fsdecode(mount.encode().decode("unicode_escape").encode("latin-1"))


def gpu_names() -> list[str]:
    """NVIDIA's accelerators, as the driver's files name them."""
    found = []
    for information in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        for line in information.read_text().splitlines():
            if line.startswith("Model:"):
                found.append(line.partition(":")[2].strip())
    return found


def versions(distributions: Iterable[str]) -> Mapping[str, str]:
    """Version by name of those distributions that are installed."""
    found = {}
    for name in distributions:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def thread_environment(cores: int) -> dict[str, str]:
    """Environment that keeps math libraries within the placement, and makes waiting not look like work."""
    threads = {f"{library}_NUM_THREADS": str(cores) for library in ("OMP", "MKL", "OPENBLAS")}
    return threads | {"OMP_WAIT_POLICY": "passive", "OPENCV_FOR_THREADS_NUM": str(cores)}


def _cpu_name() -> str:
    for line in (_text("/proc/cpuinfo") or "").splitlines():
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.machine()


def _text(path: str) -> str | None:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return None
