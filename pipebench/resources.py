"""What a process tree used: CPU time, bytes read, memory, from `/proc`.

Workers that have exited are counted where their parent waited for them. A trial is a child
subreaper, so that orphans become its own children and are counted too.
"""

import ctypes
import os
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_READINGS = 3
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # from linux/prctl.h


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Totals of a process tree since each of its processes began."""

    user_ns: int
    system_ns: int
    read_bytes: int
    """Bytes fetched from block devices."""
    memory_bytes: int
    """Proportional set size, in which pages shared by n processes count 1/n in each."""
    shared_memory_bytes: int
    """Of that, in `/dev/shm` and anonymous shared mappings."""
    switches: int
    """Context switches, voluntary or not; of this process's descendants those of live threads."""
    open_files: int
    processes: int
    runqueue_ns: int = 0
    """Time that live threads were ready to run and had no core."""
    consumer_ns: int = 0
    """CPU time of the thread that consumes batches."""


class Memory(NamedTuple):
    """Of a process tree, in bytes, as `Resources` has it."""

    total: int
    shared: int


def become_subreaper() -> None:
    """Orphaned descendants become this process's children from now on."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent() -> None:
    """The kernel ends this process when its parent dies."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, 9)


def tree(root: int) -> list[int]:
    """Process ids of `root` and of all its live descendants."""
    found = [root]
    for process in found:
        found.extend(_children(process))
    return found


def _children(process: int) -> list[int]:
    children: list[int] = []
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            children += map(int, path.read_text().split())
        except OSError:
            continue  # the thread has just ended
    return children


def tree_cpu_ns() -> int:
    """CPU time of this process and its descendants, to the clock's own precision.

    Live processes are read from their CPU clocks (a clock id is `~pid << 3 | 2`, from
    `clock_getcpuclockid(3)`); `RUSAGE_CHILDREN` adds those that this process waited for, and
    `/proc/<pid>/stat` those that its descendants waited for, in 10 ms ticks. A process that is waited
    for meanwhile would be in neither, so the reading is then repeated.
    """
    waited = _waited_ns()
    for _ in range(_READINGS):
        total = waited + time.process_time_ns() + _descendants_cpu_ns()
        waited, before = _waited_ns(), waited
        if waited == before:
            break
    return total


def _waited_ns() -> int:
    waited = resource.getrusage(resource.RUSAGE_CHILDREN)
    return int((waited.ru_utime + waited.ru_stime) * 1e9)


def _descendants_cpu_ns() -> int:
    total = 0
    for process in tree(os.getpid())[1:]:
        try:
            total += time.clock_gettime_ns((~process << 3) | 2)
            total += sum(_stat(process)[13:15]) * _TICK_NS
        except OSError:
            continue  # it ended between the listing and the reading
    return total


def host_busy_ns() -> int:
    """CPU time that this host's cores spent working since boot, in 10 ms ticks.

    User, nice, system, irq and softirq of the first line of `/proc/stat`; idle, iowait and the
    time that a hypervisor took (steal) are left out.
    """
    with Path("/proc/stat").open() as file:
        user, nice, system, _, _, irq, softirq = map(int, file.readline().split()[1:8])
    return (user + nice + system + irq + softirq) * _TICK_NS


def tree_resources(memory: Memory | None = None) -> Resources:
    """The totals of this process and its descendants; `memory` is not read anew where it is given."""
    processes, memory = tree(os.getpid()), memory or tree_memory()
    own, waited = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    stats = [_stat(process) for process in processes[1:]]
    user = own.ru_utime + waited.ru_utime
    system = own.ru_stime + waited.ru_stime
    return Resources(
        user_ns=int(user * 1e9) + sum(s[11] + s[13] for s in stats) * _TICK_NS,
        system_ns=int(system * 1e9) + sum(s[12] + s[14] for s in stats) * _TICK_NS,
        read_bytes=tree_read_bytes(),
        memory_bytes=memory.total,
        shared_memory_bytes=memory.shared,
        switches=sum(u.ru_nvcsw + u.ru_nivcsw for u in (own, waited)) + sum(map(_switches, processes[1:])),
        open_files=sum(_open_files(p) for p in processes),
        processes=len(processes),
        runqueue_ns=sum(map(_runqueue_ns, processes)),
        consumer_ns=time.thread_time_ns(),
    )


def worker_waits() -> list[str]:
    """What each descendant's first thread waits in, as the kernel names it; `0` where it runs.

    The tracker of multiprocessing is no worker.
    """
    found = []
    for process in tree(os.getpid())[1:]:
        try:
            if b"resource_tracker" not in Path(f"/proc/{process}/cmdline").read_bytes():
                found.append(Path(f"/proc/{process}/wchan").read_text())
        except OSError:
            continue  # it ended, or the kernel does not let us look
    return found


def _runqueue_ns(process: int) -> int:
    """The second number of each thread's `schedstat`: time spent waiting on a run queue."""
    total = 0
    for path in Path(f"/proc/{process}/task").glob("[0-9]*/schedstat"):
        try:
            total += int(path.read_text().split()[1])
        except (OSError, IndexError):
            continue  # it has just ended, or this kernel keeps no such statistics
    return total


def tree_memory() -> Memory:
    """Of this process and its descendants; takes tens of milliseconds where they are large."""
    found = [_fields(process, "smaps_rollup", ("Pss", "Pss_Shmem")) for process in tree(os.getpid())]
    return Memory(*(1024 * sum(column) for column in zip(*found, strict=True)))


def tree_read_bytes() -> int:
    """Bytes that this process and its descendants have fetched from block devices."""
    return sum(_field(process, "io", "read_bytes") for process in tree(os.getpid()))


def _stat(process: int) -> list[int]:
    """The numbers of `/proc/<pid>/stat`: index i holds what proc(5) calls field i + 3."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(errors="replace")  # a process may name itself anything
    except OSError:
        return [0] * 50
    return [0, *map(int, text.rpartition(")")[2].split()[1:])]


def _field(process: int, file: str, name: str) -> int:
    return _fields(process, file, (name,))[0]


def _fields(process: int, file: str, names: Sequence[str]) -> list[int]:
    """Of a file that holds a name, a colon and a number a line; 0 where there is no such line."""
    try:
        lines = Path(f"/proc/{process}/{file}").read_text(errors="replace").splitlines()
    except OSError:
        lines = []  # it ended, or the kernel does not let us look
    found = dict(line.split(":", 1) for line in lines if ":" in line)
    return [int(found[name].split()[0]) if name in found else 0 for name in names]


def _switches(process: int) -> int:
    """Of all the process's threads; its own `status` tells those of the first thread alone."""
    threads = [path.name for path in Path(f"/proc/{process}/task").glob("[0-9]*")]
    names = ("voluntary_ctxt_switches", "nonvoluntary_ctxt_switches")
    return sum(_field(process, f"task/{thread}/status", name) for thread in threads for name in names)


def _open_files(process: int) -> int:
    try:
        return len(os.listdir(f"/proc/{process}/fd"))  # noqa: PTH208 - a count, not paths
    except OSError:
        return 0
