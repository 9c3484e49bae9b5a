"""CPU time of a process tree: alive, waited for, orphaned."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pipebench.resources import host_busy_ns, tree, tree_cpu_ns, tree_resources

BURN = "import time\nend = time.process_time() + 0.15\nwhile time.process_time() < end: pass\n"
BURNT_NS = 150_000_000


@contextmanager
def waiting(code: str) -> Iterator["subprocess.Popen[str]"]:
    """A child that runs the code, says so, and lives until the block ends."""
    script = f"import sys\n{code}\nprint('done', flush=True)\nsys.stdin.read()"
    command = [sys.executable, "-S", "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child
        child.communicate("")


def counted(code: str) -> int:
    """What a fresh process, being a subreaper, counts while it runs the code, beyond its own CPU time."""
    script = (
        "import os, sys, time\n"
        "from pipebench.resources import become_subreaper, tree_cpu_ns, tree_resources\n"
        "become_subreaper()\n"
        f"burn = {BURN!r}\n"
        "before = tree_cpu_ns() - time.process_time_ns()\n"
        f"{code}\n"
        "print(tree_cpu_ns() - time.process_time_ns() - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_a_child_that_is_alive_is_counted() -> None:
    before = tree_cpu_ns()
    with waiting(BURN):
        assert tree_cpu_ns() - before >= BURNT_NS


def test_a_child_that_was_waited_for_is_counted() -> None:
    before = tree_cpu_ns()
    subprocess.run([sys.executable, "-S", "-c", BURN], check=True)
    assert tree_cpu_ns() - before >= BURNT_NS * 0.98


def test_a_child_that_ended_unwaited_is_counted_once() -> None:
    before = tree_cpu_ns()
    child = subprocess.Popen([sys.executable, "-S", "-c", BURN])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    as_zombie = tree_cpu_ns() - before
    child.wait()
    after = tree_cpu_ns() - before
    assert as_zombie >= BURNT_NS
    assert after == pytest.approx(as_zombie, rel=0.2)


def test_a_grandchild_that_its_parent_waited_for_is_counted() -> None:
    before = tree_cpu_ns()
    with waiting(f"import subprocess; subprocess.run([sys.executable, '-S', '-c', {BURN!r}])"):
        assert tree_cpu_ns() - before >= BURNT_NS - 20_000_000  # seen in ticks of 10 ms


FORK_TWICE = """
ready, done = os.pipe()
if os.fork() == 0:
    if os.fork() == 0:
        os.setsid()
        exec(burn)
        os.write(done, b"x")
        {then}
    os._exit(0)
os.wait()
os.read(ready, 1)
"""


@pytest.mark.parametrize("then", ["time.sleep(5)", "os._exit(0)"])
def test_an_orphan_is_counted_by_a_subreaper(then: str) -> None:
    kill = "\nimport signal\nfrom pipebench.resources import tree\n"
    kill += "for orphan in tree(os.getpid())[1:]: os.kill(orphan, signal.SIGKILL)"
    got = counted(FORK_TWICE.format(then=then) + "total = tree_cpu_ns()" + kill)
    assert got >= BURNT_NS * 0.98


def test_the_tree_holds_grandchildren() -> None:
    with waiting(
        "import subprocess; child = subprocess.Popen(['sleep', '5'])\nprint(child.pid, flush=True)"
    ) as c:
        found = tree(os.getpid())
        assert found[0] == os.getpid()
        assert len(found) >= 3
        assert c.pid in found
        for process in tree(c.pid)[1:]:
            os.kill(process, 9)


def test_a_tree_that_has_gone_is_its_root_alone() -> None:
    child = subprocess.Popen([sys.executable, "-S", "-c", ""])
    child.wait()
    assert tree(child.pid) == [child.pid]


def test_a_name_that_is_no_text_disturbs_nothing() -> None:
    rename = "import ctypes; ctypes.CDLL(None).prctl(15, b'\\xff) (\\xfe 1 2')"
    with waiting(f"{rename}\n{BURN}"):
        used = tree_resources()
        assert used.user_ns + used.system_ns >= BURNT_NS - 20_000_000


def test_switches_of_every_thread_count() -> None:
    """A second thread naps 300 times, and lives on while it is looked at."""
    nap = "def nap():\n for _ in range(300): time.sleep(0.0001)\n done.set()\n time.sleep(60)\n"
    start = "threading.Thread(target=nap, daemon=True).start(); done.wait()"
    with waiting(f"import threading, time\ndone = threading.Event()\n{nap}{start}"):
        assert tree_resources().switches - switches_of_this_process() >= 300


def switches_of_this_process() -> int:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_nvcsw + used.ru_nivcsw


def test_totals_are_plausible() -> None:
    with waiting("kept = b'x' * 50_000_000"):
        used = tree_resources()
    assert used.processes >= 2
    assert used.memory_bytes > 50_000_000
    assert used.open_files > 3
    assert used.switches > 0
    assert used.read_bytes >= 0


def test_the_host_is_as_busy_as_the_clock_allows() -> None:
    before, began = host_busy_ns(), time.monotonic_ns()
    end = time.process_time_ns() + 100_000_000
    while time.process_time_ns() < end:
        pass
    busy, passed = host_busy_ns() - before, time.monotonic_ns() - began
    assert 60_000_000 <= busy <= (passed + 20_000_000) * (os.cpu_count() or 1)
