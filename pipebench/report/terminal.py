"""A run's rows as a table for people, within 80 columns, plain where it is piped."""

from collections.abc import Sequence
from contextlib import nullcontext
from math import isfinite

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipebench.compare import Standing
from pipebench.errors import one_line
from pipebench.figures import figures
from pipebench.profile_step import profile_name, tiers_told, validity
from pipebench.results import LIMITS_BLOCK, PROOF_BLOCK, Record
from pipebench.stats import Outcome, inverse
from pipebench.step import parse_step
from pipebench.summary import OVERHEAD, Row, interval_text


def print_run(console: Console, rows: Sequence[Row], standings: Sequence[Standing]) -> None:
    """The table, what limits it, and the sentence that says which loader is fastest."""
    for shown in _fitting(console, rows):
        _print_table(console, shown)
    whole = not console.is_terminal  # a line that is piped stays one line
    for line in notes(rows):
        console.print(_shown(line), soft_wrap=whole)
    console.print(_shown(sentence(rows, standings)), style="bold", soft_wrap=whole)


def _print_table(console: Console, shown: Table) -> None:
    """No narrower than its figures; without the blanks that fill its lines where it is piped."""
    with nullcontext() if console.is_terminal else console.capture() as held:
        console.print(shown, width=max(console.width, _least_width(console, shown)), crop=False)
    for line in held.get().splitlines() if held else ():
        console.print(Text(line.rstrip()), soft_wrap=True)


def _fitting(console: Console, rows: Sequence[Row]) -> list[Table]:
    """One table; on a terminal without place for its stalls beside the figures, a second one for them."""
    whole = table(rows)
    if not console.is_terminal or len(_emulated(rows)) < 3 or _least_width(console, whole) <= console.width:
        return [whole]
    return [table(rows, stalls=False), table(rows, figures=False)]


def _least_width(console: Console, shown: Table) -> int:
    """Of a table whose figures are whole; rich would crop them, and 12.3 % would read as 12."""
    return shown.__rich_measure__(console, console.options.update(width=10_000)).minimum


def _shown(text: str) -> Text:
    """Names and reasons as they are: neither markup, nor emoji codes, nor a terminal's own codes."""
    return Text(one_line(text))


def contestant_text(contestant: str) -> Text:
    """A contestant with its settings below it."""
    loader, colon, settings = one_line(contestant).rpartition(":")
    if not colon or "=" not in settings:
        return Text(one_line(contestant))
    return Text("\n ".join([loader, *settings.split(",")]))


def table(rows: Sequence[Row], *, figures: bool = True, stalls: bool = True) -> Table:
    """One line a contestant: its null-step figures, and its stall on each other step."""
    steps = _emulated(rows) if stalls else []
    gap = 2 if len(steps) < 2 else 1
    result = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="bold")
    result.add_column("loader", overflow="fold", min_width=16)
    for heading in (*(_HEADINGS if figures else ()), *(_heading(s) for s in steps)):
        result.add_column(heading, justify="right", no_wrap=True)
    for contestant in _by_speed(rows):
        own = {row.step: row for row in rows if row.contestant == contestant}
        result.add_row(
            contestant_text(contestant),
            *(_figures(_main(rows, contestant)) if figures else ()),
            *(stall_text(own.get(s)) for s in steps),
        )
    return result


def _emulated(rows: Sequence[Row]) -> list[str]:
    """The steps beside the null step, in their order."""
    return [step for step in dict.fromkeys(row.step for row in rows) if step != "null"]


def _heading(step: str) -> str:
    spec = parse_step(step)
    if name := profile_name(step):
        return f"stall at\n{spec.rate:.5g}/s\n{name.rpartition('/')[2]}"
    return f"stall at\n{spec.rate:g}/s" if spec.kind == "emulate" else f"stall\n{spec.name}"


def _by_speed(rows: Sequence[Row]) -> list[str]:
    """Contestants by the rate that the table shows of them, the fastest first."""
    shown = {name: _main(rows, name).samples_per_second or 0.0 for name in {r.contestant: None for r in rows}}
    return sorted(shown, key=lambda name: -shown[name])


def _main(rows: Sequence[Row], contestant: str) -> Row:
    """The contestant's row on the null step, or else its first."""
    own = [row for row in rows if row.contestant == contestant]
    return next((row for row in own if row.step == "null"), own[0])


_HEADINGS = ("samples/s", "[95 %]", "CPU\nms", "cores\nused", "of\nlimit", "1st\nbatch")


def _figures(row: Row) -> list[str]:
    if row.samples_per_second is None:
        return [row.status] + [""] * (len(_HEADINGS) - 1)
    cpu = row.cpu_seconds_per_sample
    first = (row.startup_seconds or 0) + (row.first_batch_seconds or 0)
    bounded = row.trials > 1 and row.ci_low is not None
    return [
        f"{row.samples_per_second:.0f}",
        f"{row.ci_low:.0f}-{row.ci_high:.0f}" if bounded else "",
        f"{1000 * cpu:.2f}" if cpu is not None else "?",
        _share(row.core_use),
        _share(row.efficiency),
        f"{first:.1f} s",
    ]


def _share(value: float | None) -> str:
    return "?" if value is None else f"{value:.0%}"


def stall_text(row: Row | None) -> str:
    """The share of time, or below which share it lies, or `-` where there is none."""
    if row is None or row.stall is None:
        return "-"
    if row.stall_floor is not None and row.stall < row.stall_floor:
        return f"< {row.stall_floor:.1%}"
    return f"{row.stall:.1%}"


def notes(rows: Sequence[Row]) -> list[str]:
    """Why a row has no figure, and what limits those that have one."""
    lines = [f"{r.contestant}: {r.status}: {r.reason}" for r in rows if r.status != "ok"]
    lines += _labels([row for row in rows if row.trials])
    lines += tiers_told(row.step for row in rows)
    lines += _caches(rows)
    lines += _fetched(rows)
    if any(row.trials for row in rows):
        trials = min(row.trials for row in rows if row.trials)
        cores = rows[0].cores
        overhead = next((r.step_overhead_ns for r in rows if r.step_overhead_ns is not None), None)
        own = f"; the harness's own cost is {overhead / 1000:.2f} us a step" if overhead is not None else ""
        lines.append(f"{cores} cores, at least {trials} trials each{own}.")
        lines.append("Limit: what decoding alone would reach on these cores. 1st batch: from process start.")
        lines += _beyond_limit(rows)
        lines.append("Intervals hold for this session on this host only.")
    return list(dict.fromkeys(lines))


def _beyond_limit(rows: Sequence[Row]) -> list[str]:
    if all((row.efficiency or 0) <= 1 for row in rows):
        return []
    return [
        "Above 100% of it: pictures are not decoded whole there, or the host became faster within a block."
    ]


def _caches(rows: Sequence[Row]) -> list[str]:
    """What was proved of where bytes came from, and of whom if that differs; nothing where all was warm."""
    bearers: dict[str, dict[str, None]] = {}
    for row in rows:
        for text in row.cache:
            bearers.setdefault(text, {})[row.contestant] = None
    if set(bearers) <= {"warm"}:
        return []
    if len(bearers) == 1:
        return [f"Cache: {next(iter(bearers))}."]
    told = [f"{text} ({', '.join(names)})" for text, names in sorted(bearers.items())]
    return [f"Cache: {'; '.join(told)}."]


def _fetched(rows: Sequence[Row]) -> list[str]:
    """What a sample took from an object store, where that was counted."""
    mains = [_main(rows, contestant) for contestant in _by_speed(rows)]
    told = [
        f"{row.contestant} {row.usage['fetched_bytes_per_sample'] / 1000:.1f} kB in "
        f"{row.usage['requests_per_sample']:.2g} requests"
        for row in mains
        if row.usage and row.usage["requests_per_sample"]
    ]
    return [f"Fetched a sample, with what was fetched ahead: {', '.join(told)}."] if told else []


def _labels(rows: Sequence[Row]) -> list[str]:
    """Each label with whom it concerns, once."""
    bearers: dict[str, list[str]] = {}
    for row in rows:
        for label in row.labels:
            if label == validity(row.step):
                continue  # told of all tiers together
            bearers.setdefault(label, []).append(f"{row.contestant} on {row.step}")
    return [
        f"{'All' if len(names) == len(rows) > 1 else ', '.join(names)}: {label}"
        for label, names in bearers.items()
    ]


def sentence(rows: Sequence[Row], standings: Sequence[Standing]) -> str:
    """Which loader is fastest here, by how much over the next, and how sure that is."""
    if not standings:
        measured = dict.fromkeys(row.contestant for row in rows if row.samples_per_second)
        return _WITHOUT_COMPARISON[min(len(measured), 2)].format(", ".join(measured))
    if any(OVERHEAD in row.labels for row in rows):
        return f"No verdict: {OVERHEAD}."
    nearest, comparison = standings[0], standings[0].comparison
    fastest, next_, lead = nearest.baseline, nearest.contestant, inverse(comparison.ratio)
    if lead.estimate < 1:  # the medians say one thing, and the pairs another
        fastest, next_, lead = next_, fastest, comparison.ratio
    text = _SENTENCES[comparison.outcome].format(
        fastest=fastest,
        next=next_,
        lead=interval_text(lead),
        blocks=comparison.blocks,
        outcome=comparison.outcome,
        detectable=_detectable(comparison.detectable),
    )
    return f"{text} Disturbed blocks left out of it: {nearest.marked}." if nearest.marked else text


def _detectable(difference: float) -> str:
    """What would have been shown; too few blocks would have shown nothing, however large."""
    return f"a difference of {difference:.1%}" if isfinite(difference) else "no difference at all"


_WITHOUT_COMPARISON = (
    "No loader could be measured.",
    "Only {} could be measured.",
    "{}: measured in no block together, so not compared.",
)
_UNDECIDED = "{fastest} and {next}: {outcome} ({lead}); {detectable} would have been shown."
_SENTENCES = {
    Outcome.DIFFERS: "{fastest} is fastest here: {lead} the rate of {next}, from {blocks} blocks.",
    Outcome.INDICATIVE: (
        "{fastest} came out fastest here, {lead} the rate of {next}: indicative, from {blocks} blocks; "
        "10 are needed to decide (--trials 10)."
    ),
    Outcome.EQUAL: "{fastest} and {next} are equal within 3 % here: {lead}, from {blocks} blocks.",
    Outcome.UNDECIDED: _UNDECIDED,
    Outcome.DISTURBED: _UNDECIDED,
}


_OPENING = {PROOF_BLOCK: "proof of work", LIMITS_BLOCK: "the host's limit"}


def trial_line(record: Record) -> str:
    """What became of one trial, for the log of a run."""
    timed = f"block {record.block + 1}, {record.spec.step}"
    what = _OPENING.get(max(record.block, LIMITS_BLOCK), timed)
    name = f"{one_line(record.contestant)}, {what}"
    if record.status != "ok":
        return f"{name}: {record.status}: {one_line(record.reason)}"
    found = figures(record)
    return f"{name}: {found.samples_per_second:,.0f} samples/s" if found else f"{name}: ok"
