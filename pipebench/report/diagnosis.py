"""A diagnosis for people: the verdict first, then what it rests on."""

import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.text import Text

from pipebench.diagnosis.confirm import Confirmation
from pipebench.diagnosis.evidence import Detail, Evidence, Narrow
from pipebench.diagnosis.run import Diagnosis
from pipebench.diagnosis.seen import MOST_FOREIGN, Seen
from pipebench.diagnosis.stages import StageCost, stage_costs
from pipebench.diagnosis.verdict import shared_cpu
from pipebench.errors import one_line
from pipebench.figures import figures
from pipebench.results import CEILING, Record
from pipebench.stats import Interval
from pipebench.step import parse_step
from pipebench.summary import interval_text

MOST_LABELS = 3
BAR = 30
"""Characters of the longest bar."""


def print_diagnosis(console: Console, diagnosis: Diagnosis) -> None:
    """Within 80 columns; a line that is piped stays one line."""
    whole = not console.is_terminal
    console.print(Text(one_line(verdict_sentence(diagnosis))), style="bold", soft_wrap=whole)
    for line in lines(diagnosis):
        console.print(_shown(line), soft_wrap=whole)


def _shown(line: str) -> Text:
    """Names and reasons as they are, and the line's own indent."""
    return Text(line[: len(line) - len(line.lstrip())] + one_line(line))


def lines(diagnosis: Diagnosis) -> Iterator[str]:
    """All but the verdict's sentence."""
    for reason in diagnosis.verdict.named.why:
        yield f"  {reason}"
    yield ""
    yield from _rates(diagnosis.evidence)
    yield from _waiting(diagnosis)
    yield ""
    yield from _stages(diagnosis.evidence)
    yield from _confirmation(diagnosis)
    yield from _tries(diagnosis)
    yield from _limits(diagnosis)


_SENTENCES: Mapping[Narrow, str] = {
    Narrow.STORAGE: "Storage holds this pipeline back: samples are waited for",
    Narrow.DECODE: "Decoding holds this pipeline back: it takes most of the loader's CPU time",
    Narrow.TRANSFORM: "Transforming holds this pipeline back: it takes most of the loader's CPU time",
    Narrow.DECODE_TRANSFORM: (
        "Decoding and transforming, which this loader fuses, hold this pipeline back: they take most of its "
        "CPU time"
    ),
    Narrow.BATCHING: "Batching holds this pipeline back: it takes most of the loader's CPU time",
    Narrow.TRANSFER: "The transfer to the device holds this pipeline back",
    Narrow.STEP: "The step is what this pipeline waits for: the loader keeps up",
    Narrow.CPU_SHARED: "Loader and step want the same cores, and together fill them",
    Narrow.BALANCED: "Balanced: the two lowest terms are equal within 10 %",
    Narrow.UNDECIDED: "Undecided: what was measured does not name one resource",
}
_UNPRICED = {
    False: "No step was given, so what this costs is not known (--step emulate:RATE).",
    True: "There was no time to run it with the step, so what this costs is not known (--max-time).",
}
_OVERHEAD: Mapping[Detail | None, str] = {
    Detail.WORKERS: "Too few workers hold this pipeline back: cores stand idle",
    Detail.HAND_OVER: "Handing batches over holds this pipeline back, while cores stand idle",
    Detail.LOCK: "A lock holds this pipeline back: workers take turns, and cores stand idle",
    None: "Something holds this pipeline back that is none of its stages",
}


def verdict_sentence(diagnosis: Diagnosis) -> str:
    """Verdict, whether it is confirmed, severity, and what a perfect loader would gain."""
    verdict = diagnosis.verdict
    named = verdict.named
    text = _OVERHEAD[named.detail] if named.verdict is Narrow.OVERHEAD else _SENTENCES[named.verdict]
    if diagnosis.confirmation is not None and diagnosis.confirmation.confirmed:
        text += " (confirmed)"
    text += ". "
    if verdict.stall is None:
        return text + _UNPRICED[diagnosis.bench.has_step]
    text += f"{verdict.severity.capitalize()}: the step idles {verdict.stall:.1%} of the time"
    if verdict.gain is None:
        return f"{text}."
    if verdict.gain.low <= 1:
        return f"{text}; a perfect loader is not shown to be faster ({interval_text(verdict.gain)})."
    return f"{text}; a perfect loader would make it {interval_text(verdict.gain)} faster."


def rates(evidence: Evidence) -> dict[str, Seen]:
    """What was measured, by the letters of the method's page."""
    found = {
        "G": evidence.step,
        "T": evidence.transfer,
        "P": evidence.loader,
        "P(1)": evidence.one_core,
        **{f"P({count})": seen for count, seen in evidence.by_cores.items()},
        "F": evidence.storage,
        "E": evidence.end_to_end,
    }
    return {name: seen for name, seen in found.items() if seen is not None}


_ABOUT = {
    "G": "the step alone",
    "T": "the transfer alone",
    "P": "the loader alone",
    "P(1)": "the loader on one core",
    "F": "reading alone, from storage",
    "E": "loader and step together",
}


def _rates(evidence: Evidence) -> Iterator[str]:
    yield f"{'':<29}{'samples/s':>9}  {'[90 %]':<15}{'core use':>9}{'trials':>8}"
    for name, seen in rates(evidence).items():
        about = _ABOUT.get(name, f"the loader on {name[2:-1]} cores")
        yield _rate(f"{name:<5}{about}", seen.rate, seen.use, str(seen.trials))
    if evidence.step_beside is not None:
        yield _rate("G'   the step, with the loader", evidence.step_beside, None, "")
    shared = shared_cpu(evidence)
    if shared is not None:
        yield _rate(f"{'c/(a+b)':<8}both, by their CPU", shared, None, "")


def _waiting(diagnosis: Diagnosis) -> Iterator[str]:
    """For batches, by a loop that waits for each step too; and for the storage."""
    evidence, step = diagnosis.evidence, parse_step(diagnosis.bench.spec.step)
    if evidence.end_to_end is not None and (step.kind != "emulate" or step.depth == 0):
        yield f"Data wait, loader and step together: {evidence.end_to_end.data_wait:.1%} of the time."
    read = evidence.storage
    if read is not None and read.bytes_per_second:
        text = f"Reading alone, from storage: {read.bytes_per_second / 1e6:.1f} MB/s"
        if read.requests:
            text += f" in {read.requests.per_second:.0f} requests/s of {1e3 * read.requests.seconds:.0f} ms"
        yield f"{text}."


def _rate(label: str, rate: Interval, use: Interval | None, trials: str) -> str:
    bounds = f"{rate.low:.0f}-{rate.high:.0f}"
    used = f"{min(use.estimate, 1):.0%}" if use is not None else ""
    return f"{label:<29}{rate.estimate:>9.0f}  {bounds:<15}{used:>9}{trials:>8}".rstrip()


def _stages(evidence: Evidence) -> Iterator[str]:
    costs = stage_costs(evidence)
    if not costs:
        return
    yield "CPU ms a sample, by stage"
    longest = max(max(cost.cpu_seconds.estimate for cost in costs), 1e-9)
    for cost in costs:
        yield _bar(cost, longest)
    if any(cost.cpu_seconds.high < 0 for cost in costs):
        yield "  Less than 0 is said where the host was slower in one phase than in another."


def _bar(cost: StageCost, longest: float) -> str:
    seconds = cost.cpu_seconds
    bar = "#" * round(BAR * max(0.0, seconds.estimate) / longest)
    bounds = f"[{1000 * seconds.low:.2f}, {1000 * seconds.high:.2f}]"
    return f"  {cost.name:<22}{1000 * seconds.estimate:>6.2f}  {bounds:<16} {bar}".rstrip()


def _confirmation(diagnosis: Diagnosis) -> Iterator[str]:
    found = diagnosis.confirmation
    if found is None:
        yield from ["", f"Not confirmed: {diagnosis.unconfirmed}."] if diagnosis.unconfirmed else ()
        return
    yield ""
    if found.gain is None:
        yield f"Not confirmed: there was no time to relieve it ({found.what})."
        return
    state = "Confirmed" if found.confirmed else "Not confirmed"
    yield f"{state}: {found.what} the rate is {interval_text(found.gain)}; predicted {found.predicted:.2f}x."
    if found.other_gain is not None:
        yield f"  For comparison, {found.other}: {interval_text(found.other_gain)}."


def _tries(diagnosis: Diagnosis) -> Iterator[str]:
    if not diagnosis.tries:
        return
    yield ""
    yield "Tried, against the pipeline as it is in the same blocks"
    if diagnosis.evidence.whole.disturbed:
        yield "  (other processes were busy: more workers may only have taken cores from them)"
    for tried in diagnosis.tries:
        sure = "" if tried.gain.low > 1 or tried.gain.high < 1 else "  no difference shown"
        yield f"  {_pasted(diagnosis, tried.options):<44} {interval_text(tried.gain)}{sure}"


def _pasted(diagnosis: Diagnosis, options: str) -> str:
    """What to add to a command, or to put in its loader's place."""
    if options.startswith("--"):
        return options
    name, _, value = options.partition("=")
    spec = diagnosis.bench.spec
    own = {**spec.options, name: value}
    places = [spec.python] * (spec.python != sys.executable) + [spec.source] * bool(spec.source)
    loader = "@".join([spec.loader, *places])
    settings = ",".join(f"{key}={text}" for key, text in own.items())
    return f"--loader {shlex.quote(f'{loader}:{settings}')}"


def _limits(diagnosis: Diagnosis) -> Iterator[str]:
    yield ""
    foreign = max(seen.foreign_cores for seen in rates(diagnosis.evidence).values())
    if foreign > MOST_FOREIGN:
        yield (
            f"Other processes kept up to {foreign:.1f} cores busy meanwhile: this is the answer beside them, "
            "and intervals may be too narrow."
        )
    yield from _caches(diagnosis.records)
    yield from _counted(diagnosis)
    cores, trials = diagnosis.evidence.cores, len(diagnosis.records)
    yield f"{cores} cores, {trials} trials in {diagnosis.seconds:.0f} s; same work: unchecked."
    yield "Intervals hold for this session on this host only."


def _counted(diagnosis: Diagnosis) -> Iterator[str]:
    """How samples of a loader of one's own are counted, where nobody said it."""
    trace = diagnosis.records[0].trace
    if diagnosis.bench.is_own and not diagnosis.bench.spec.batch_size and trace is not None:
        yield (
            f"A batch counts as {trace.sizes[0]} samples by the length of its first array; --batch-size says "
            "otherwise."
        )


def _caches(records: Sequence[Record]) -> Iterator[str]:
    """Of trials that were to be warm and are not proved to be."""
    asked = [record for record in records if record.spec.cache == "warm" and record.spec.loader != CEILING]
    labels = Counter(f.cache for record in asked if (f := figures(record)) and f.cache != "warm")
    for label, count in labels.most_common(MOST_LABELS):
        yield f"Cache, in {count} of {len(asked)} trials that were to be warm: {label}."


def confirmation_facts(found: Confirmation | None) -> Mapping[str, object] | None:
    """For JSON."""
    if found is None:
        return None
    return {
        "what": found.what,
        "predicted": found.predicted,
        "gain": interval(found.gain),
        "other": found.other,
        "other_gain": interval(found.other_gain),
    }


def interval(found: Interval | None) -> Mapping[str, float] | None:
    """For JSON."""
    return None if found is None else {"estimate": found.estimate, "low": found.low, "high": found.high}
