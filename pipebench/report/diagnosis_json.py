"""A diagnosis for programs."""

from collections.abc import Mapping
from typing import Any

from pipebench.diagnosis.run import Diagnosis
from pipebench.diagnosis.seen import Seen
from pipebench.diagnosis.stages import stage_costs
from pipebench.diagnosis.verdict import shared_cpu
from pipebench.report.diagnosis import confirmation_facts, interval, rates, verdict_sentence


def diagnosis_facts(diagnosis: Diagnosis) -> Mapping[str, Any]:
    """What `pipebench diagnose --json` prints."""
    verdict, evidence = diagnosis.verdict, diagnosis.evidence
    shared = shared_cpu(evidence)
    confirmation = diagnosis.confirmation
    return {
        "verdict": str(verdict.named.verdict),
        "detail": verdict.named.detail and str(verdict.named.detail),
        "confirmed": confirmation is not None and confirmation.confirmed,
        "stall": verdict.stall,
        "data_wait": evidence.whole.data_wait,
        "slowdown": verdict.slowdown,
        "severity": verdict.severity,
        "gain": interval(verdict.gain),
        "sentence": verdict_sentence(diagnosis),
        "rates": {name: interval(seen.rate) for name, seen in rates(evidence).items()}
        | {"step_beside": interval(evidence.step_beside), "cpu_shared": interval(shared)},
        "core_use": {name: interval(seen.use) for name, seen in rates(evidence).items()},
        "stages": {
            cost.name: {"cpu_seconds_per_sample": interval(cost.cpu_seconds)}
            for cost in stage_costs(evidence)
        },
        "evidence": {
            "why": list(verdict.named.why),
            "phases": {name: _seen(seen) for name, seen in _phases(diagnosis).items()},
            "intervention": confirmation_facts(confirmation),
            "tried": [
                {"setting": tried.options, "gain": interval(tried.gain), "blocks": tried.blocks}
                for tried in diagnosis.tries
            ],
            "trials": len(diagnosis.records),
            "seconds": diagnosis.seconds,
        },
    }


def _phases(diagnosis: Diagnosis) -> Mapping[str, Seen]:
    evidence = diagnosis.evidence
    named = {
        **rates(evidence),
        **{f"cut_{stage}": seen for stage, seen in evidence.cuts.items()},
        "cut_read_one_core": evidence.read_one_core,
        "more_workers": evidence.more_workers,
        "larger_batch": evidence.larger_batch,
    }
    return {name: seen for name, seen in named.items() if seen is not None}


def _seen(seen: Seen) -> Mapping[str, Any]:
    return {
        "samples_per_second": interval(seen.rate),
        "cpu_seconds_per_sample": interval(seen.cpu_seconds),
        "core_use": interval(seen.use),
        "consumer_cores": seen.consumer,
        "worker_waits": seen.waits,
        "bursts": seen.bursts,
        "bytes_per_second": seen.bytes_per_second,
        "requests_per_second": seen.requests and seen.requests.per_second,
        "seconds_per_request": seen.requests and seen.requests.seconds,
        "data_wait": seen.data_wait,
        "foreign_cores": seen.foreign_cores,
        "trials": seen.trials,
    }
