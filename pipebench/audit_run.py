"""What an audit asks of a run as a whole: provenance, how trials ended, what is missing."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from pipebench.findings import Finding, Run, some, trial_name
from pipebench.results import CEILING, LIMITS_BLOCK, PROOF_BLOCK, Record
from pipebench.unpaired import ENOUGH


def provenance(run: Run) -> Iterator[Finding]:
    """One host, one content, one harness, and of each contestant one version and one way to be run."""
    shared = {
        "hosts": {str(record.machine.get("host")) for record in run.records if record.machine},
        "processors": {str(record.machine.get("cpu")) for record in run.records if record.machine},
        "datasets": {record.content_id for record in run.records if record.content_id},
        "versions of pipebench": _versions(run.records, "pipebench"),
    }
    several = [
        f"{len(found)} {what} ({some(sorted(found))})" for what, found in shared.items() if len(found) > 1
    ]
    changed = [
        name for name in dict.fromkeys(r.contestant for r in run.records) if _changes(run.records, name)
    ]
    if several:
        text = f"one run, and {'; '.join(several)}: its trials cannot be compared"
        yield Finding(state="wrong", topic="provenance", text=text)
    if changed:
        text = f"settings, versions or the interpreter changed during the run: {some(changed)}"
        yield Finding(state="wrong", topic="provenance", text=text)
    if not several and not changed:
        yield Finding(
            state="ok", topic="provenance", text="one host, one content, the same versions throughout"
        )


def _versions(records: Iterable[Record], name: str) -> set[str]:
    return {record.versions[name] for record in records if name in record.versions}


def _changes(records: Iterable[Record], contestant: str) -> bool:
    def told(record: Record) -> tuple[Any, ...]:
        spec = record.spec
        return str(record.settings), str(record.versions), spec.python, spec.source, str(spec.options)

    own = (r for r in records if r.contestant == contestant and r.block >= 0 and r.status == "ok")
    return len({told(record) for record in own}) > 1


def endings(run: Run) -> Iterator[Finding]:
    """Trials that did not end `ok`, or that have no figure although they did."""
    bad = [record for record in run.records if record.status != "ok"]
    for record in bad[:10]:
        text = f"{trial_name(record)}: {record.status}: {record.reason}"
        yield Finding(state="note", topic="endings", text=text)
    if len(bad) > 10:
        yield Finding(state="note", topic="endings", text=f"and {len(bad) - 10} more that did not end ok")
    timed = [record for record in run.records if record.block >= 0 and record.status == "ok"]
    figured = {id(record) for record, _ in run.trials}
    without = [trial_name(record) for record in timed if id(record) not in figured]
    if without:
        text = f"fewer than three batches, or a clock that stood still, so no figure: {some(without)}"
        yield Finding(state="note", topic="endings", text=text)
    if not bad and not without:
        yield Finding(state="ok", topic="endings", text=f"all {len(run.records)} trials ended ok")


def completeness(run: Run) -> Iterator[Finding]:
    """Blocks that hold everybody, proofs of work, the ceiling and the host's limit."""
    found = [*_opening(run), *_blocks(run)]
    yield from (Finding(state="note", topic="completeness", text=text) for text in found)
    if not found:
        blocks = len({record.block for record, _ in run.rivals})
        text = f"{blocks} blocks hold every contestant; proofs of work, ceiling and limit are there"
        yield Finding(state="ok", topic="completeness", text=text)


def _opening(run: Run) -> Iterator[str]:
    proved = {
        r.contestant for r in run.records if r.block == PROOF_BLOCK and r.same_work and r.status == "ok"
    }
    timed = dict.fromkeys(record.contestant for record, _ in run.rivals)
    unproved = [name for name in timed if name not in proved]
    if unproved:
        yield f"same work: unchecked, since no proof of work is there: {some(unproved)}"
    if not any(r.spec.loader == CEILING and r.spec.step == "null" for r, _ in run.trials):
        yield "no trial of the resident loader: what the harness itself costs is not known"
    if not any(record.block <= LIMITS_BLOCK and record.limits for record in run.records):
        yield "the host's own limit was not measured"


def _blocks(run: Run) -> Iterator[str]:
    held: dict[tuple[str, str], set[int]] = {}
    for record, _ in run.rivals:
        held.setdefault((record.contestant, record.spec.step), set()).add(record.block)
    every = set().union(*held.values()) if held else set()
    for (contestant, step), blocks in held.items():
        if missing := sorted(every - blocks):
            listed = some([str(block + 1) for block in missing])
            yield f"{contestant} on {step} is missing in {len(missing)} of {len(every)} blocks: {listed}"
    if not every:
        yield "no contestant has a figure"
    elif len(every) < ENOUGH:
        yield f"{len(every)} blocks, and {ENOUGH} are needed to decide: every comparison is indicative"
    repeated = Counter((r.contestant, r.spec.step, r.block) for r, _ in run.trials)
    if twice := [f"{name}, block {block + 1}" for (name, _, block), n in repeated.items() if n > 1]:
        yield f"measured more than once, of which the last counts: {some(twice)}"
