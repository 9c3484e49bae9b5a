"""`python -m pipebench.child RESULT`: one trial in this process. Reads its spec from standard input.

Pins the process before any library can start a thread, then imports and runs the trial.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def main() -> None:
    perform(json.load(sys.stdin), Path(sys.argv[1]))


def perform(order: Mapping[str, Any], result: Path) -> None:
    """Runs the trial and writes its record to `result`."""
    os.sched_setaffinity(0, order["spec"]["cpus"])
    from pipebench.files import keep_forkable
    from pipebench.resources import become_subreaper, end_with_parent

    end_with_parent()
    become_subreaper()
    keep_forkable()  # loaders fork their workers from here
    from pipebench.results import Record, TrialSpec, to_line
    from pipebench.trial import run

    spec = TrialSpec(**order["spec"])
    record: Record = run(Record(spec=spec, status="failed", **order["record"]), order["spawned_ns"])
    partial = result.with_suffix(".partial")
    partial.write_text(to_line(record) + "\n", encoding="utf-8")
    partial.replace(result)  # whole or not at all, wherever the process is killed


if __name__ == "__main__":
    main()
