"""What an audit asks of the figures: whether they can be reproduced, and what limits them."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from math import isclose
from statistics import median

from pipebench.compare import FOREIGN_CORES
from pipebench.contradictions import contradictions
from pipebench.figures import Figures
from pipebench.findings import Finding, Run, some, trial_name
from pipebench.rederive import rederive
from pipebench.results import CEILING
from pipebench.summary import MOST_OVERHEAD

TOLERANCE = 1e-9
"""Relative; of figures that are derived twice, in fractions and in floating point."""
PROVED = ("warm", "guest-cold", "fetched")
"""What a cache's label begins with where the bytes' way is proved, or known as far as it can be."""


def by_name(found: Figures) -> dict[str, float | None]:
    """A trial's numbers under the names of `rederive`."""
    raw = asdict(found)
    waits = raw.pop("wait_seconds")
    raw.pop("cache")
    return raw | {f"wait_p{p}_seconds": wait for p, wait in zip((50, 95, 99), waits, strict=True)}


def differing(ours: Mapping[str, float | None], theirs: Mapping[str, float | None]) -> list[str]:
    """Names of the figures that are not the same."""
    return [name for name in {**ours, **theirs} if not _same(ours.get(name), theirs.get(name))]


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return isclose(one, other, rel_tol=TOLERANCE, abs_tol=1e-12)


def reproducible(run: Run) -> Iterator[Finding]:
    """Each trial's figures, derived twice in ways that share no code."""
    count = 0
    for record, found in run.trials:
        ours = by_name(found)
        count += sum(value is not None for value in ours.values())
        if names := differing(ours, rederive(record)):
            text = f"{trial_name(record)}: {', '.join(names)} cannot be reproduced from the raw values"
            yield Finding(state="wrong", topic="figures", text=text)
    text = f"{count} figures of {len(run.trials)} trials were derived a second time"
    yield Finding(state="ok", topic="figures", text=text)


def plausible(run: Run) -> Iterator[Finding]:
    """Whether a trial's raw values can all be true."""
    bad = [(record, text) for record, _ in run.trials for text in contradictions(record)]
    for record, text in bad:
        yield Finding(state="wrong", topic="raw values", text=f"{trial_name(record)}: {text}")
    if not bad:
        yield Finding(state="ok", topic="raw values", text="none contradicts another")


def proved(run: Run) -> Iterator[Finding]:
    """Where the bytes came from, as far as each trial proves it."""
    labels: dict[str, list[str]] = {}
    for record, found in run.rivals:
        labels.setdefault(found.cache, []).append(trial_name(record))
    unproved = {label: names for label, names in labels.items() if label.partition(":")[0] not in PROVED}
    for label, names in unproved.items():
        text = f"{label} ({len(names)} of {len(run.rivals)}: {some(names)})"
        yield Finding(state="note", topic="cache", text=text)
    if run.rivals and not unproved:
        yield Finding(state="ok", topic="cache", text="; ".join(sorted(labels)))


def limited(run: Run) -> Iterator[Finding]:
    """Trials that are not steady, short, or disturbed."""
    kinds = {
        "not steady": [trial_name(r) for r, f in run.rivals if not f.steady],
        "short": [trial_name(r) for r, f in run.rivals if f.short],
        "disturbed": [trial_name(r) for r, f in run.rivals if (f.foreign_cores or 0) > FOREIGN_CORES],
        "CPU time not told (fewer than two looks)": [
            trial_name(r) for r, f in run.rivals if f.core_use is None
        ],
    }
    for kind, names in kinds.items():
        if names:
            text = f"{kind}: {len(names)} of {len(run.rivals)} trials ({some(names)})"
            yield Finding(state="note", topic="trials", text=text)
    if run.rivals and not any(kinds.values()):
        yield Finding(state="ok", topic="trials", text="all are steady, long enough and undisturbed")


def overhead(run: Run) -> Iterator[Finding]:
    """The harness's own cost against each contestant's batch time."""
    own = [f.batch_seconds for r, f in run.trials if r.spec.loader == CEILING and r.spec.step == "null"]
    if not own:
        return
    cost = median(own)
    batches: dict[str, list[float]] = {}
    for record, found in run.rivals:
        batches.setdefault(record.contestant, []).append(found.batch_seconds)
    over = [name for name, seconds in batches.items() if cost > MOST_OVERHEAD * median(seconds)]
    if over:
        text = f"above {MOST_OVERHEAD:.0%} of the batch time, so there is no verdict: {some(over)}"
        yield Finding(state="note", topic="overhead", text=text)
    else:
        text = f"{cost * 1e6:.2f} us a step, at most {MOST_OVERHEAD:.0%} of any batch time"
        yield Finding(state="ok", topic="overhead", text=text)
