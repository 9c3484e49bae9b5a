"""Files to compare, for tests: runs of pipebench, and files as pytest-benchmark writes them."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipebench.results import PROOF_BLOCK, Record, append, to_line

Make = Callable[..., Record]
MACHINE = {"host": "h", "cpu": "AMD EPYC", "cores": 2, "memory_bytes": 1, "gpu": ""}


def run_records(
    make_record: Make,
    speeds: Mapping[str, float],
    blocks: int = 12,
    run: str = "r1",
    noise: float = 0.01,
    **fields: Any,
) -> list[Record]:
    """A run of so many blocks; each contestant varies by `noise` about its speed in samples/s."""
    random = np.random.default_rng(sum(run.encode()))
    common = {"machine": MACHINE, "content_id": "c" * 32, "run": run} | fields
    proofs = [make_record(contestant=name, block=PROOF_BLOCK, **common) for name in speeds]
    return proofs + [
        make_record(float(speed * np.exp(random.normal(0, noise))), name, block, **common)
        for block in range(blocks)
        for name, speed in speeds.items()
    ]


def save(path: Path, records: Sequence[Record]) -> Path:
    for record in records:
        append(path, record)
    return path


def bench(
    name: str,
    seconds: Sequence[float],
    *,
    group: str | None = None,
    data: bool = True,
    records: Sequence[Record] = (),
    **stats: Any,
) -> dict[str, Any]:
    """One benchmark of a file."""
    told: dict[str, Any] = {
        "mean": float(np.mean(seconds)),
        "stddev": float(np.std(seconds, ddof=1)) if len(seconds) > 1 else 0,
        "median": float(np.median(seconds)),
        "min": min(seconds),
        "max": max(seconds),
        "rounds": len(seconds),
        "outliers": "0;0",
    }
    extra = {"records": [json.loads(to_line(record)) for record in records]} if records else {}
    return {
        "group": group,
        "name": name,
        "fullname": f"tests/test_x.py::{name}",
        "params": None,
        "extra_info": extra,
        "options": {},
        "stats": told | ({"data": list(seconds)} if data else {}) | stats,
    }


def bench_file(path: Path, *benchmarks: dict[str, Any], node: str = "h", when: str = "2026") -> Path:
    machine = {"node": node, "processor": "x86_64", "machine": "x86_64", "python_version": "3.11.7"}
    machine["cpu"] = {"brand_raw": "AMD EPYC", "count": 2}  # type: ignore[assignment] # as it is there
    raw = {"machine_info": machine, "benchmarks": benchmarks, "datetime": when, "version": "5.1.0"}
    path.write_text(json.dumps(raw))
    return path


def rounds(seconds: float, count: int = 12, seed: int = 0, noise: float = 0.01) -> list[float]:
    found: list[float] = (seconds * np.exp(np.random.default_rng(seed).normal(0, noise, count))).tolist()
    return found
