"""Rows that somebody printed, held against what the results file says."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from math import isclose
from pathlib import Path
from typing import Any

from pipebench.errors import BadInput, one_line
from pipebench.figures import Derive
from pipebench.findings import Finding
from pipebench.result_files import Source
from pipebench.results import LONGEST_REASON
from pipebench.summary import Row, summarise

TOLERANCE = 1e-9
_OTHER_NAMES = {"rate": "samples_per_second", "rate_low": "ci_low", "rate_high": "ci_high"}
"""Of `pipebench compare --format json`."""


def compare_printed(path: Path, source: Source, derive: Derive) -> Iterator[Finding]:
    """Findings on the rows of `run --json` or `compare --format json`; raises `BadInput` for other files."""
    own = {
        (row.contestant, row.step): _numbers(row)
        for records in source.runs.values()
        for row in summarise(records, derive)
    }
    count = 0
    for printed in _rows(path, source.name):
        name = printed.get("contestant"), printed.get("step", printed.get("task"))
        numbers = own.get(name)  # type: ignore[arg-type] # whatever was printed
        if numbers is None:
            text = f"{one_line(str(name[0]))} on {one_line(str(name[1]))} is printed and not in the results"
            yield Finding(state="wrong", topic="printed", text=text)
            continue
        told = {_OTHER_NAMES.get(key, key): value for key, value in printed.items()}
        shared = [key for key in numbers if key in told]
        count += len(shared)
        if wrong := [key for key in shared if not _same(told[key], numbers[key])]:
            text = f"{name[0]} on {name[1]}: {', '.join(wrong)} as printed are not the results'"
            yield Finding(state="wrong", topic="printed", text=text)
    yield Finding(state="ok" if count else "note", topic="printed", text=f"{count} printed figures looked at")


def _numbers(row: Row) -> dict[str, Any]:
    """The row's figures, those that are several under one name as a list."""
    raw = asdict(row)
    waits = raw["data_wait_seconds"]
    raw |= {f"wait_p{p}_seconds": waits and waits[place] for place, p in enumerate((50, 95, 99))}
    return {
        key: value for key, value in raw.items() if isinstance(value, float | int | tuple) or value is None
    }


def _same(printed: Any, own: Any) -> bool:
    if isinstance(own, tuple):
        return isinstance(printed, list) and len(printed) == len(own) and all(map(_same, printed, own))
    if isinstance(own, float) and isinstance(printed, float | int):
        return isclose(printed, own, rel_tol=TOLERANCE, abs_tol=1e-12)
    return bool(printed == own)


def _rows(path: Path, result: str) -> Sequence[Mapping[str, Any]]:
    try:
        raw = json.loads(path.read_bytes())
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path} holds no JSON ({one_line(str(error), LONGEST_REASON)})") from None
    compared = isinstance(raw, dict)
    rows = raw.get("rows") if compared else raw
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "contestant" in row for row in rows):
        raise BadInput(f"{path} holds no rows as 'pipebench run --json' prints them")
    own = [row for row in rows if row.get("result", result) == result]
    return [_figures(row) for row in own] if compared else own


def _figures(row: Mapping[str, Any]) -> dict[str, Any]:
    """Of a comparison's row; its texts have other meanings than a run's."""
    kept = ("contestant", "task")
    return {k: v for k, v in row.items() if k in kept or v is None or isinstance(v, float | int)}
