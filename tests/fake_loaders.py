"""Loaders that need no library and misbehave in every way; tests copy this file into a working folder."""

import ctypes
import mmap
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from pipebench.contract import Batch, Placement, Settings, Stage, Unsupported, Workload
from pipebench.errors import BadInput

ORPHAN = ["sleep", "4321"]
"""A process that outlives whoever started it, and that a test can recognise."""


@dataclass(frozen=True)
class FakeSettings(Settings):
    """Knobs that nobody uses."""

    workers: int = 1
    where: Path = Path("somewhere")

    @classmethod
    def tuned(cls, placement: Placement) -> "FakeSettings":
        return cls(workers=placement.cores)


class Good:
    """Delivers the right ids, at once."""

    formats: ClassVar = frozenset({"folder"})
    libraries: ClassVar = ("numpy",)
    fused: ClassVar[tuple[tuple[Stage, ...], ...]] = ()
    settings: ClassVar = FakeSettings

    def __init__(
        self, workload: Workload, placement: Placement, *, until: Stage, settings: FakeSettings
    ) -> None:
        self.workload = workload

    def epoch(self, number: int) -> Iterator[Batch]:
        size = self.workload.batch_size
        ids = np.arange(self.workload.dataset.samples)
        for begin in range(0, len(ids), size):
            self.before(begin // size)
            yield Batch(None, None, ids[begin : begin + size])

    def before(self, batch: int) -> None:
        """What happens before a batch is handed out."""

    def close(self) -> None:
        pass


def misbehaving(act: Callable[[], Any]) -> type[Good]:
    """A loader that does `act` once, before its second batch."""

    class Bad(Good):
        done = False

        def before(self, batch: int) -> None:
            if batch == 1 and not self.done:
                self.done = True
                act()

    return Bad


def _raise(error: BaseException) -> None:
    raise error


def _shout() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.write("\x1b[31mmegabytes\x1b[0m [bold]of it[/bold] " * 60_000 + "\n")
        stream.flush()
    raise ValueError("after " + "much " * 50_000 + "noise\udcff")


def _shout_and_exit() -> None:
    os.write(2, b"\x1b[31mmegabytes\xff\x00 " * 100_000)
    os._exit(9)


def _orphan(session: bool) -> None:
    subprocess.Popen(ORPHAN, start_new_session=session)


def _hang() -> None:
    _orphan(session=True)
    subprocess.Popen(["/usr/bin/env", "-i", *ORPHAN], start_new_session=True)
    while True:
        time.sleep(1)


def _burn_in_an_orphan() -> None:
    """Half a CPU second, in a grandchild whose parent has gone."""
    if os.fork() == 0:
        if os.fork() == 0:
            end = time.process_time() + 0.3
            while time.process_time() < end:
                pass
        os._exit(0)
    os.wait()
    time.sleep(0.5)


Raises = misbehaving(lambda: _raise(ValueError("first line\nthe last line")))
Leaves = misbehaving(lambda: _raise(SystemExit(7)))
Refuses = misbehaving(lambda: _raise(Unsupported("pip install 'nothing'")))
Complains = misbehaving(lambda: _raise(BadInput("the data is wrong")))
Segfaults = misbehaving(lambda: ctypes.string_at(0))
Exits = misbehaving(lambda: os._exit(0))
Shouts = misbehaving(_shout)
ShoutsAndExits = misbehaving(_shout_and_exit)
Hangs = misbehaving(_hang)
Leaks = misbehaving(lambda: _orphan(session=True))
Burns = misbehaving(_burn_in_an_orphan)


class HangsOnExit(Good):
    """Its process does not end, though its work is done."""

    def close(self) -> None:
        import threading

        threading.Thread(target=time.sleep, args=(4321,)).start()


class RefusesToBeBuilt(Good):
    def __init__(self, *positional: Any, **named: Any) -> None:
        raise Unsupported("not on\nthis host")


class Empty(Good):
    def epoch(self, number: int) -> Iterator[Batch]:
        return iter(())


NotALoader = 5


class ReadsFiles(Good):
    """Reads each payload itself."""

    def epoch(self, number: int) -> Iterator[Batch]:
        files = list(self.workload.dataset.files())
        for batch in super().epoch(number):
            self.read([files[sample] for sample in batch.ids.tolist()])
            yield batch

    def read(self, files: list[Path]) -> None:
        for path in files:
            path.read_bytes()


class ReadsThroughChild(ReadsFiles):
    """Has a child read, which exits at once."""

    def read(self, files: list[Path]) -> None:
        subprocess.run(["/bin/cat", *map(str, files)], stdout=subprocess.DEVNULL, check=True)


class ReadsThroughOrphan(ReadsFiles):
    """Has a grandchild read that nobody waits for."""

    def read(self, files: list[Path]) -> None:
        done, tell = os.pipe()
        child = os.fork()
        if child == 0:
            if os.fork() == 0:
                super().read(files)
                os.write(tell, b".")
            os._exit(0)
        os.waitpid(child, 0)
        os.read(done, 1)
        os.close(done)
        os.close(tell)


class ReadsMapped(ReadsFiles):
    """Maps each file and touches its pages."""

    def read(self, files: list[Path]) -> None:
        for path in files:
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
                sum(mapped[:: mmap.PAGESIZE])


class ReadsHalf(ReadsFiles):
    """Reads half of what it claims to deliver."""

    def read(self, files: list[Path]) -> None:
        super().read(files[::2])
