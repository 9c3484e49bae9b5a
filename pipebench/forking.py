"""Trials that are forked from a process which has imported all that takes long, and done nothing else.

As `isolation.run_trial`, in a tenth of the time; what a trial's start takes is then not told.
"""

import json
import os
import select
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Self
from uuid import uuid4

from pipebench.errors import BadInput
from pipebench.isolation import MARK, collect, end_marked, kill, terminable
from pipebench.machine import thread_environment
from pipebench.measure import SystemClock
from pipebench.remote import tally
from pipebench.resources import tree
from pipebench.results import Record, TrialSpec

START_SECONDS = 60.0
"""That importing may take, from a cold disk."""


class _Key(NamedTuple):
    """What libraries read once, when they are imported."""

    python: str
    cores: int


class Nursery:
    """Runs trials, each forked from a zygote of its interpreter and core count."""

    def __init__(self) -> None:
        self._zygotes: dict[_Key, _Zygote] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for zygote in self._zygotes.values():
            zygote.end()

    def prepare(self, *specs: TrialSpec) -> None:
        """Begins to import for such trials; otherwise the first of them does."""
        for spec in specs:
            self._zygote(spec)

    def wait(self) -> None:
        """Until all that was prepared is there."""
        for zygote in self._zygotes.values():
            zygote.wait_until_ready()

    def run_trial(self, spec: TrialSpec, timeout: float, **identity: str | int) -> Record:
        """As `isolation.run_trial`."""
        started = datetime.now(UTC).isoformat(timespec="seconds")
        facts: dict[str, str | int] = {**identity, "started": started}
        with _folder() as folder, terminable():
            result, errors = folder / "record", folder / "stderr"
            errors.touch()
            order: dict[str, object] = {
                "spec": asdict(spec),
                "record": facts,
                "result": str(result),
                "errors": str(errors),
                "environment": {tally.FOLDER: str(folder / "counts")},
            }
            zygote = self._zygote(spec)
            code = zygote.run(order, timeout)
            if not zygote.alive:
                del self._zygotes[_key(spec)]
            blank = Record(spec=spec, status="failed", **facts)  # type: ignore[arg-type] # names fit the fields
            return collect(blank, code, timeout, result, errors)

    def _zygote(self, spec: TrialSpec) -> "_Zygote":
        key = _key(spec)
        if key not in self._zygotes:
            self._zygotes[key] = _Zygote(key)
        return self._zygotes[key]


def _key(spec: TrialSpec) -> _Key:
    return _Key(spec.python, len(spec.cpus))


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pipebench-trial-") as name:
        folder = Path(name)
        (folder / "counts").mkdir()
        yield folder


class _Zygote:
    """The process that forks, and how it is spoken to."""

    def __init__(self, key: _Key) -> None:
        self._key, self._mark = key, uuid4().hex
        environment = os.environ | thread_environment(key.cores) | {MARK: self._mark}
        command = [key.python, "-P", "-m", "pipebench.zygote"]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise BadInput(f"the interpreter {key.python} cannot be started: {error.strerror}") from None
        self._heard = b""
        self._ready = False

    @property
    def alive(self) -> bool:
        """Whether it can run a further trial."""
        return self._process.poll() is None

    def run(self, order: dict[str, object], timeout: float) -> int | None:
        """The trial's exit code; None if it took longer than `timeout` seconds and was ended."""
        self.wait_until_ready()
        order = order | {"spawned_ns": SystemClock.now_ns()}
        self._tell(order)
        process, code = self._hear(START_SECONDS), None
        if process is None:
            return -signal.SIGKILL
        try:
            code = self._hear(timeout)
        finally:
            if code is None:
                self._end_trial(process)
            end_marked(self._mark, self._process.pid)
        return code

    def _end_trial(self, process: int) -> None:
        """Whatever the trial started ends with it."""
        alive = tree(process)
        with suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)
        kill(alive[1:])
        self._hear(START_SECONDS)

    def wait_until_ready(self) -> None:
        """Until it has imported; raises `BadInput` if it cannot."""
        if not self._ready:
            self._ready = self._line(START_SECONDS) == "ready"
        if not self._ready:
            self.end()
            raise BadInput(f"no trial can be started by {self._key.python}: it cannot import pipebench")

    def _tell(self, order: dict[str, object]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()

    def _hear(self, seconds: float) -> int | None:
        line = self._line(seconds)
        return None if line is None else int(line)

    def _line(self, seconds: float) -> str | None:
        """The next answer, or None where none comes in time or the zygote has ended."""
        assert self._process.stdout is not None
        descriptor, end_ns = self._process.stdout.fileno(), SystemClock.now_ns() + int(seconds * 1e9)
        while b"\n" not in self._heard:
            left = (end_ns - SystemClock.now_ns()) / 1e9
            ready, _, _ = select.select([descriptor], [], [], max(0.0, left))
            more = os.read(descriptor, 4096) if ready else b""
            if not more:
                return None
            self._heard += more
        line, _, self._heard = self._heard.partition(b"\n")
        return line.decode()

    def end(self) -> None:
        """Ends the zygote and all that it left."""
        self._process.kill()
        self._process.communicate()
        end_marked(self._mark)
