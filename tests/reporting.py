"""Results to report on, for tests: a run of everything that a page can draw, and hostile ones."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipebench.figures import remembered
from pipebench.report.gather import gather
from pipebench.report.gathered import Gathered
from pipebench.result_files import open_sources
from pipebench.results import LIMITS_BLOCK, Record
from tests.comparing import MACHINE, run_records, save

Make = Callable[..., Record]

HOSTILE = (
    "<script>window.pwned=1</script>",
    '"><img src=x onerror=window.pwned=1>',
    "'};window.pwned=1;//",
    "</style></script><h1>x",
    "{{ 7*7 }}{% raw %}",
    "javascript:window.pwned=1",
    "rtl\u202eevil\u200f",
    "שלום",
    "a&amp;b",
    "$x^2$ \\frac",
)


CUT_RATES = {"read": 1000.0, "decode": 200.0, "batch": 100.0}


def used(user: int, system: int) -> dict[str, object]:
    """Resources of a trial: what its tree used from the first batch on, in ms."""
    none = dict.fromkeys(
        "user_ns system_ns switches read_bytes shared_memory_bytes open_files processes memory_bytes".split(),  # noqa: SIM905
        0,
    )
    last = none | {"user_ns": user * 1_000_000, "system_ns": system * 1_000_000}
    return {"first": none, "last": last, "memory_bytes": [1]}


def whole_run(make: Make, blocks: int = 12, run: str = "r1") -> list[Record]:
    """Two contestants on the null step and three emulated ones, with the ceiling and the host's limit."""
    common: dict[str, Any] = {"machine": MACHINE, "content_id": "c" * 32, "run": run}
    common["resources"] = used(1200, 300)
    found = [
        make(contestant="limits", block=LIMITS_BLOCK, limits={"decode_samples_per_second": 150.0}, **common),
        make(1e6, "resident", 0, loader="resident", **common),
    ]
    found += run_records(make, {"a": 100, "b": 80}, blocks=blocks, **common)
    for rate in (50, 90, 200):
        speeds = {"a": min(100, rate), "b": min(80, rate)}
        steps = run_records(make, speeds, blocks=blocks, **common)
        found += [at_step(record, f"emulate:{rate}") for record in steps if record.block >= 0]
    return found


def at_step(record: Record, step: str) -> Record:
    return replace(record, spec=replace(record.spec, step=step))


def with_spec(records: list[Record], **changes: object) -> Iterator[Record]:
    """The records as trials of another spec."""
    return (replace(record, spec=replace(record.spec, **changes)) for record in records)  # type: ignore[arg-type]


def cut_runs(make: Make, folder: Path, rates: Mapping[str, float] = CUT_RATES) -> list[Path]:
    """A result for each cut of one loader; a sample takes half a second over the rate of CPU time."""
    paths = []
    for until, rate in rates.items():
        records = run_records(make, {"a": rate}, run=until, noise=0.001)
        paths.append(save(folder / f"{until}.jsonl", list(with_spec(records, until=until))))
    return paths


def core_runs(make: Make, folder: Path) -> list[Path]:
    """A result for each of three core counts."""
    paths = []
    for cores, rate in ((1, 100), (2, 190), (4, 300)):
        records = run_records(make, {"a": rate, "b": rate / 2}, run=f"cores {cores}")
        told = with_spec(records, cpus=list(range(cores)))
        paths.append(save(folder / f"cores{cores}.jsonl", list(told)))
    return paths


def gathered(*paths: Path, redact: bool = False) -> Gathered:
    told = [None if redact else path for path in paths]
    return gather(open_sources(paths, redact=redact), told, remembered())


def contrast(one: str, other: str) -> float:
    """Of two colours such as `#0072b2` (WCAG 2.2, "contrast ratio")."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
