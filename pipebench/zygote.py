"""`python -m pipebench.zygote`: imports what trials need, and forks one process for each trial.

Importing torch takes seconds, so a diagnosis of many short trials forks them from here. An order is one
line of JSON on standard input; the answers, a line each, are the trial's process id and its exit code.
"""

import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any


def main() -> None:
    answers = os.dup(1)
    os.dup2(2, 1)  # what a library prints is no answer
    from pipebench.resources import end_with_parent

    end_with_parent()
    _preload()
    _answer(answers, "ready")
    for line in sys.stdin:
        order = json.loads(line)
        process = os.fork()
        if process == 0:
            os.close(answers)
            _become_trial(order)
            return
        _answer(answers, process)
        _, status = os.waitpid(process, 0)
        _answer(answers, os.waitstatus_to_exitcode(status))


def _preload() -> None:
    with suppress(ImportError):  # whoever needs it says so
        import torch  # noqa: F401

    import pipebench.trial  # noqa: F401


def _answer(answers: int, what: object) -> None:
    os.write(answers, f"{what}\n".encode())


def _become_trial(order: Mapping[str, Any]) -> None:
    os.setsid()
    _redirect(order["errors"])
    os.environ.update(order["environment"])
    if order["spec"]["source"]:
        os.chdir(order["spec"]["source"])
    from pipebench.child import perform

    perform(order, Path(order["result"]))
    os._exit(0)  # taking an interpreter apart that has imported torch takes a second; what is left is ended


def _redirect(errors: str) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)


if __name__ == "__main__":
    main()
