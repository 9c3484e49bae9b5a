"""What holds of a results file, what doesn't, and what it cannot prove. All of it from the raw records."""

from collections.abc import Iterator, Sequence

from pipebench import audit_benchmarks
from pipebench.audit_figures import limited, overhead, plausible, proved, reproducible
from pipebench.audit_run import completeness, endings, provenance
from pipebench.figures import Derive
from pipebench.findings import Check, Finding, make_run
from pipebench.pytest_benchmark import BenchmarkFile
from pipebench.result_files import Source
from pipebench.results import SCHEMA, Contents

CHECKS: Sequence[Check] = (
    provenance,
    endings,
    completeness,
    plausible,
    reproducible,
    proved,
    limited,
    overhead,
)


def audit(source: Source, derive: Derive) -> Iterator[Finding]:
    """The findings of a file, run by run."""
    if source.benchmarks is not None:
        yield from _benchmarks(source.benchmarks, derive)
    if source.contents is not None:
        yield from file_findings(source.contents, len(source.runs))
    for records in source.runs.values():
        run = make_run(records, derive)
        for check in CHECKS:
            yield from check(run)


def file_findings(contents: Contents, runs: int) -> Iterator[Finding]:
    if contents.torn_bytes:
        text = f"the last line is not finished ({contents.torn_bytes} bytes): a trial was cut off"
        yield Finding(state="note", topic="file", text=text)
    else:
        text = f"{len(contents.records)} lines, each whole and well-formed"
        yield Finding(state="ok", topic="file", text=text)
    if runs > 1:
        text = f"{runs} runs were put together in it; each is looked at alone"
        yield Finding(state="note", topic="file", text=text)
    older = sorted(schema for schema in contents.schemas if schema < SCHEMA)
    if older:
        text = f"records of schema {', '.join(map(str, older))}: what was added since is not known of them"
        yield Finding(state="note", topic="schema", text=text)


def _benchmarks(file: BenchmarkFile, derive: Derive) -> Iterator[Finding]:
    found: list[Finding] = []
    for benchmark in file.benchmarks:
        found += audit_benchmarks.statistics(benchmark)
        found += audit_benchmarks.records(benchmark, derive)
        run = make_run(benchmark.records, derive)
        for check in (plausible, reproducible, proved, limited) if benchmark.records else ():
            found += (finding for finding in check(run) if finding.state != "ok")
    yield from found
    if not any(finding.state == "wrong" for finding in found):
        text = f"{len(file.benchmarks)} benchmarks, nothing of which contradicts the rest"
        yield Finding(state="ok", topic="file", text=text)
