"""What results show, in the sentences of `run`, `compare` and `audit`, the gravest first."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pipebench.compare import Standing, standings
from pipebench.contest import Line
from pipebench.diagnosis.again import again
from pipebench.diagnosis.evidence import Narrow
from pipebench.diagnosis.phases import phase_of
from pipebench.diagnosis.run import Diagnosis
from pipebench.findings import Finding, some
from pipebench.report.columns import USUAL, chosen
from pipebench.report.crossings import crossings
from pipebench.report.diagnosis import verdict_sentence
from pipebench.report.gathered import Entry, Gathered, Part
from pipebench.report.sheet import Sheet, lay_out
from pipebench.report.terminal import sentence, stall_text
from pipebench.stats import Outcome
from pipebench.step import parse_step
from pipebench.summary import OVERHEAD, Row

Tone = Literal["wrong", "shown", "open", "told", "mind"]
"""`wrong` contradicts itself; `shown` is decided, `open` isn't; `told` is a figure; `mind` limits figures."""
TONES: tuple[Tone, ...] = ("wrong", "shown", "open", "told", "mind")
MOST, MOST_OF_TOPIC = 12, 5
"""Sentences of one tone, and findings of one topic; of more it says how many there are."""
_DECIDED = (Outcome.DIFFERS, Outcome.EQUAL)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One of them."""

    tone: Tone
    text: str
    topic: str = ""
    """Of a finding."""


def sentences(gathered: Gathered) -> list[Sentence]:
    """All, each once, by tone, and by topic no more than can be read."""
    every = list(_every(gathered))
    kinds = sorted({(one.tone, one.topic): None for one in every}, key=lambda kind: TONES.index(kind[0]))
    return [shown for tone, topic in kinds for shown in _few(tone, topic, every)]


def _few(tone: Tone, topic: str, every: Iterable[Sentence]) -> Iterator[Sentence]:
    own = [one for one in every if (one.tone, one.topic) == (tone, topic)]
    most = MOST_OF_TOPIC if topic else MOST
    yield from own[:most]
    if len(own) > most:
        what = f"{topic}: and" if topic else "And"
        yield Sentence(tone, f"{what} {len(own) - most} more; 'pipebench audit' names them all.")


def _every(gathered: Gathered) -> Iterator[Sentence]:
    """Those of the comparison, and those of each result, with its name where there are several."""
    yield from _of_comparison(gathered)
    bearers: dict[Sentence, list[str]] = {}
    for part in gathered.parts:
        for one in dict.fromkeys(_of_part(part, gathered)):
            bearers.setdefault(one, []).append(part.name)
    several = len(gathered.parts) > 1
    for one, names in bearers.items():
        yield replace(one, text=f"{some(names)}: {one.text}") if several else one


def _of_part(part: Part, gathered: Gathered) -> Iterator[Sentence]:
    yield from map(_found, part.findings)
    if part.phases:
        yield from map(_diagnosed, again(part.records))
        rivals = "These are phases of a diagnosis, which are no rivals of each other. Whether relieving it "
        yield Sentence("told", f"{rivals}confirmed a verdict, 'pipebench diagnose' told when it ran.")
    if part.phases or not part.blocks:
        return
    yield from (Sentence("told", text) for text in crossings(part, gathered.derive))
    steps = sorted({row.step: None for row in part.rows}, key=lambda step: step != "null")
    for step in steps:
        standing = standings(part.records, step, derive=gathered.derive)
        on = f"On {step}: " if len(steps) > 1 else ""
        yield Sentence(_tone(part.rows, standing), f"{on}{sentence(part.rows, standing)}")
        yield from _told(part.entries, step)


def _diagnosed(found: Diagnosis) -> Sentence:
    """What holds a loader back, by its phases."""
    decided = found.verdict.named.verdict not in (Narrow.UNDECIDED, Narrow.BALANCED)
    name = phase_of(found.records[0])
    assert name is not None
    return Sentence("shown" if decided else "open", f"{name[0]}: {verdict_sentence(found)}")


def _found(finding: Finding) -> Sentence:
    tone: Tone = "wrong" if finding.state == "wrong" else "mind"
    return Sentence(tone, f"{finding.topic}: {finding.text}", finding.topic)


def _tone(rows: Sequence[Row], standing: Iterable[Standing]) -> Tone:
    nearest = next(iter(standing), None)
    if nearest is None:
        return "mind" if len({row.contestant for row in rows if row.trials}) > 1 else "told"
    overhead = any(OVERHEAD in row.labels for row in rows)
    decided = nearest.comparison.outcome in _DECIDED
    return "shown" if decided and not overhead else "open"


def _told(entries: Iterable[Entry], step: str) -> Iterator[Sentence]:
    """How near the fastest comes to the host's limit, and how long an accelerator waits for it."""
    own = [entry for entry in entries if entry.row.step == step and entry.measured]
    if not own:
        return
    fastest = max(own, key=lambda entry: entry.row.samples_per_second or 0.0)
    best = fastest.row
    spec = parse_step(step)
    if step == "null" and fastest.until == "batch" and best.efficiency is not None:
        text = f"{best.contestant} reaches {best.efficiency:.0%} of what decoding alone would reach"
        yield Sentence("told", f"{text} on {_cores(best.cores)}.")
    if best.stall is not None:
        what = f"an accelerator that takes {spec.rate:g} samples/s" if spec.rate else f"the step {step}"
        yield Sentence("told", f"Fed by {best.contestant}, {what} idles {stall_text(best)} of its time.")


def _cores(count: int) -> str:
    return "this core" if count == 1 else f"these {count} cores"


def sheet(gathered: Gathered) -> Sheet:
    """The comparison as `compare` lays it out."""
    return lay_out(gathered.lines, chosen(None, USUAL), gathered.terms)


def _of_comparison(gathered: Gathered) -> Iterator[Sentence]:
    """What `compare` says, where there is more than one run to compare."""
    if gathered.refusal:
        text = f"not compared with each other: {gathered.refusal} (to 'pipebench compare')"
        yield Sentence("mind", f"The results are {text}.")
        return
    if len(gathered.parts) == 1 and all(part.blocks for part in gathered.parts):
        return
    compared = [line for line in gathered.lines if line.comparison is not None]
    if compared:
        tone: Tone = "shown" if any(map(_decided, compared)) else "open"
        yield from (Sentence(tone, text) for text in sheet(gathered).verdicts)


def _decided(line: Line) -> bool:
    return line.comparison is not None and line.comparison.outcome in _DECIDED
