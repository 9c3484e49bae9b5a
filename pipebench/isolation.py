"""A trial in a fresh process: started, watched, and ended with everything that it started."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from pipebench.errors import BadInput, one_line
from pipebench.machine import thread_environment
from pipebench.measure import SystemClock
from pipebench.remote import tally
from pipebench.resources import tree
from pipebench.results import Record, TrialSpec, from_line

MARK = "PIPEBENCH_TRIAL"
"""Environment variable that every descendant of a trial carries, wherever it has moved itself."""

_TAIL_LINES = 12
_TAIL_BYTES = 64_000
_GIVE_UP_NS = 10_000_000_000
"""A process that even SIGKILL has not ended by then waits in the kernel, for a dead disk perhaps."""


def run_trial(spec: TrialSpec, timeout: float, **identity: str | int) -> Record:
    """Runs one trial and returns its record, whatever became of the process.

    `identity` gives the record's `run`, `contestant` and `block`. A process that runs longer than
    `timeout` seconds is ended. Nothing that the trial started is left running, also on Ctrl-C and on
    SIGTERM, which both raise `KeyboardInterrupt`.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    facts: dict[str, str | int] = {**identity, "started": started}
    mark = uuid4().hex
    with tempfile.TemporaryDirectory(prefix="pipebench-trial-") as folder:
        result, errors = Path(folder, "record"), Path(folder, "stderr")
        order = {"spec": asdict(spec), "record": facts, "spawned_ns": SystemClock.now_ns()}
        try:
            with terminable():
                code = _run(spec, mark, json.dumps(order).encode(), result, errors, timeout)
        finally:
            end_marked(mark)
        blank = Record(spec=spec, status="failed", **facts)  # type: ignore[arg-type] # names fit the fields
        return collect(blank, code, timeout, result, errors)


@contextmanager
def terminable() -> Iterator[None]:
    """Meanwhile SIGTERM, as `timeout` and CI systems send it, is like Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say so
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(spec: TrialSpec, mark: str, order: bytes, result: Path, errors: Path, timeout: float) -> int | None:
    counts = result.with_name("counts")
    counts.mkdir()
    environment = os.environ | thread_environment(len(spec.cpus)) | {MARK: mark, tally.FOLDER: str(counts)}
    # -P, so that a `token.py` or `datasets.py` in the working folder hides no module from the libraries.
    command = [spec.python, "-P", "-m", "pipebench.child", str(result)]
    with (
        errors.open("wb") as stderr,
        _start(command, environment, stderr.fileno(), spec.source or None) as process,
    ):
        try:
            process.communicate(order, timeout)
            return process.returncode
        except subprocess.TimeoutExpired:
            return None
        finally:
            alive = tree(process.pid) if process.returncode is None else []
            _kill_group(process)
            kill(alive)


def _start(
    command: list[str], environment: Mapping[str, str], stderr: int, folder: str | None
) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=stderr,
            stderr=stderr,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
    except OSError as error:
        raise BadInput(f"the interpreter {command[0]} cannot be started: {error.strerror}") from None


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


def end_marked(mark: str, spared: int | None = None) -> None:
    """Ends every process that carries the trial's mark, save the spared one, until none is left."""
    end_ns = SystemClock.now_ns() + _GIVE_UP_NS
    while (marked := _marked(mark) - {spared}) and SystemClock.now_ns() < end_ns:
        kill(marked)
        time.sleep(0.01)


def kill(processes: Iterable[int | None]) -> None:
    """Ends them at once; whoever has gone already is no matter."""
    for process in processes:
        if process is not None:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def _marked(mark: str) -> set[int | None]:
    wanted = f"{MARK}={mark}".encode()
    found = set[int | None]()
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if wanted in path.read_bytes():
                found.add(int(path.parent.name))
        except OSError:
            continue  # it ended, or belongs to someone else
    return found


def collect(blank: Record, code: int | None, timeout: float, result: Path, errors: Path) -> Record:
    if code is None:
        reason = f"took longer than {timeout:g} s{_tail(errors)}"
        return replace(blank, status="timeout", reason=reason)
    if not result.exists():
        return replace(blank, reason=f"{_ending(code)} and no record{_tail(errors)}")
    record = from_line(result.read_text(encoding="utf-8"))
    if code != 0 and record.status == "ok":
        return replace(record, status="failed", reason=f"after measuring, {_ending(code)}{_tail(errors)}")
    return record


def _ending(code: int) -> str:
    if code < 0:
        return f"the process was ended by signal {-code} ({signal.strsignal(-code)})"
    return f"the process ended with exit code {code}"


def _tail(errors: Path) -> str:
    with errors.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
        lines = file.read().decode(errors="replace").strip().splitlines()[-_TAIL_LINES:]
    return ": " + one_line("\n".join(lines)) if lines else ""


def run_command(*arguments: str) -> None:
    """Runs `pipebench ARGUMENTS` in another process; raises `BadInput` with its words if it fails."""
    command = [sys.executable, "-m", "pipebench", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BadInput(f"'pipebench {' '.join(arguments[:2])}' failed here: {done.stderr.strip()}")
