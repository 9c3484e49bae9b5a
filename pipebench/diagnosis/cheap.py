"""Decoding relieved: payloads of the same shape and size that take far less of it."""

from dataclasses import replace
from pathlib import Path

from pipebench.contract import Stage
from pipebench.dataset import Dataset, open_dataset
from pipebench.diagnosis.evidence import Evidence
from pipebench.diagnosis.phases import Bench, Phase
from pipebench.diagnosis.relief import Relief, reaches
from pipebench.diagnosis.seen import Seen
from pipebench.diagnosis.session import Session
from pipebench.diagnosis.staging import OVERHEAD, room
from pipebench.diagnosis.verdict import LOADER
from pipebench.kinds import Probe, kind
from pipebench.probe import write_probes

SECONDS = 1.0
MOST_BYTES, MOST_SAMPLES = 256_000_000, 4096
LEAST_SAVED = 0.05
"""Of the loader's CPU time: what must be saved for anything to be seen."""


def cheap_decoding(session: Session, bench: Bench, evidence: Evidence) -> Relief | None:
    """The loader over cheap payloads, whose saving is measured by the cut after decoding.

    None where there are none of this kind or format, memory has no room for them, they save too little, or
    that cannot be measured.
    """
    stage = next((stage for stage in (Stage.DECODE, Stage.TRANSFORM) if stage in evidence.cuts), None)
    if stage is None or not session.allows():
        return None
    url = _write(bench)
    if not url:
        return None
    spec = replace(bench.trial(Phase.WARM), data=url, until=str(stage), seconds=SECONDS)
    session.attempt(Phase.RELIEVED_CUT, spec, 0)
    saved = _saved(evidence.cuts[stage], session.seen(Phase.RELIEVED_CUT), evidence.loader)
    if saved < LEAST_SAVED:
        return None
    predicted = reaches(evidence, LOADER, evidence.loader.rate.estimate / (1 - saved))
    what = f"with images that take {saved:.0%} less of the loader's CPU time to decode"
    return Relief(what, replace(bench.spec, data=url), predicted)


def _saved(cut: Seen, relieved: Seen | None, loader: Seen) -> float:
    """Share of the loader's CPU time that the cheap payloads take less."""
    if relieved is None or not (cut.cpu_seconds and relieved.cpu_seconds and loader.cpu_seconds):
        return 0.0
    return (cut.cpu_seconds.estimate - relieved.cpu_seconds.estimate) / loader.cpu_seconds.estimate


def _write(bench: Bench) -> str:
    """The dataset of cheap payloads, as many and in as many shards; empty where there can be none."""
    if bench.is_own or bench.meets_storage or bench.is_remote or not bench.scratch:
        return ""
    dataset = open_dataset(bench.spec.data)
    probe = kind(dataset.kind).cheap(_usual(dataset))
    if probe is None:
        return ""
    folder = Path(bench.scratch) / "cheap"
    samples = _samples(dataset, probe, bench)
    if samples < bench.spec.batch_size:
        return ""
    folder.mkdir()
    shards = max(1, min(len(dataset.shards), samples))
    try:
        written = write_probes(
            folder, probe, kind=dataset.kind, format=dataset.format, samples=samples, shards=shards
        )
    except OSError:  # others have taken the room meanwhile
        return ""
    return "" if written is None else written.url


def _usual(dataset: Dataset) -> bytes:
    """The payload of middling size."""
    order = dataset.index.size.argsort()
    return dataset.payload(int(order[len(order) // 2]))


def _samples(dataset: Dataset, probe: Probe, bench: Bench) -> int:
    free = min(MOST_BYTES, room(Path(bench.scratch)))
    fitting = int(free // (len(probe.payload) + OVERHEAD))
    return min(dataset.samples, fitting, max(MOST_SAMPLES, bench.spec.batch_size))
