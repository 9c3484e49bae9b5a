"""A comparison laid out for people: groups of lines, what must be said beside them, and the outcome."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipebench.conditions import ASPECTS
from pipebench.contest import Line, Terms, naming
from pipebench.likeness import changes, contrast, differing_aspects
from pipebench.report import cells
from pipebench.report.columns import Column
from pipebench.series import Session
from pipebench.unpaired import ENOUGH
from pipebench.verdicts import Threshold

NEEDED = f"{ENOUGH} blocks, or trials on each side, are needed to decide"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Lines under one title."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """All that is shown."""

    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    notes: tuple[str, ...]
    verdicts: tuple[str, ...]
    """The outcome, in sentences."""


def lay_out(
    lines: Sequence[Line], columns: Sequence[Column], terms: Terms, threshold: Threshold | None = None
) -> Sheet:
    """The sheet of a contest's lines."""
    # Where results are compared with each other, those lines need no row that are not compared.
    apart = any(map(_apart, lines))
    shown = [line for line in lines if line.comparison is not None or not apart]
    return Sheet(
        columns=tuple(columns),
        groups=tuple(_groups(shown)),
        notes=tuple(_notes(lines, terms)),
        verdicts=(*_verdicts(lines), *(threshold.sentences(lines) if threshold else ())),
    )


def _apart(line: Line) -> bool:
    return line.baseline is not None and line.baseline.session != line.series.session


def _groups(lines: Iterable[Line]) -> Iterator[Group]:
    grouped: dict[str, list[Line]] = {}
    for line in lines:
        grouped.setdefault(_title(line), []).append(line)
    return (Group(title=title, lines=tuple(found)) for title, found in grouped.items())


def _title(line: Line) -> str:
    task = f"step {line.series.task}" if line.series.session.blocks else line.series.task or "benchmarks"
    if line.baseline is None or not _apart(line):
        return f"{task}, {line.series.session.name}"
    return f"{task}, {line.series.session.name} against {line.baseline.session.name}"


def _notes(lines: Sequence[Line], terms: Terms) -> Iterator[str]:
    for text, bearers in _shared(lines, lambda line: [line.remark]):
        yield f"{bearers}: {text}"
    for text, bearers in _shared(lines, lambda line: ["; ".join(changes(line.duel))] if line.duel else []):
        yield f"Other than the baseline: {bearers}: {text}"
    for text, bearers in _shared(lines, lambda line: line.series.row.labels if line.series.row else ()):
        yield f"{bearers}: {text}"
    yield from _across(lines)
    yield from _sessions(lines)
    yield from _methods(lines, terms)


def _shared(lines: Sequence[Line], texts: Callable[[Line], Iterable[str]]) -> Iterator[tuple[str, str]]:
    """Each text that some lines have, with whom it concerns, once."""
    bearers: dict[str, list[str]] = {}
    name = naming(lines)
    for line in lines:
        for text in filter(None, texts(line)):
            bearers.setdefault(text, []).append(name(line))
    everyone = set(map(name, lines))
    for text, names in bearers.items():
        whole = len(everyone) > 1 and set(names) == everyone
        yield text, "all" if whole else ", ".join(dict.fromkeys(names))


def _across(lines: Iterable[Line]) -> Iterator[str]:
    for duel in (line.duel for line in lines):
        if duel is not None:
            yield from (f"Across {contrast(duel, aspect)}." for aspect in differing_aspects(duel))


def _sessions(lines: Iterable[Line]) -> Iterator[str]:
    """What is known of host, data, cache and workload, with the results that share it."""
    found: dict[Session, dict[str, set[str]]] = {}
    for line in lines:
        own = found.setdefault(line.series.session, {aspect: set() for aspect in ASPECTS})
        for aspect, texts in own.items():
            texts.add(cells.condition(line.series, aspect))
    told: dict[str, list[str]] = {}
    for session, aspects in found.items():
        text = "; ".join(
            f"{aspect} {' or '.join(sorted(filter(None, texts))) or 'not told'}"
            for aspect, texts in aspects.items()
        )
        told.setdefault(text, []).append(session.name)
    return (f"{', '.join(names)}: {text}." for text, names in told.items())


def _methods(lines: Sequence[Line], terms: Terms) -> Iterator[str]:
    compared = [line for line in lines if line.comparison is not None]
    if compared:
        yield "Ratios are of speeds: above 1 is faster."
        yield "Intervals: 99.5 % from 10 blocks or trials on each side, else 95 %."
    if any(line.method.startswith("unpaired") for line in compared):
        yield (
            "n+m: trials that share no block (unpaired). Their intervals are widened by the "
            f"{100 * terms.drift:.3g} % by which a host's speed may differ between two sessions (--drift); "
            "'pipebench ab' compares within one."
        )
    if any(cells.known_interval(line) is None for line in compared):
        yield "No interval: too few trials, or a file that keeps neither rounds nor their deviation."


def _verdicts(lines: Sequence[Line]) -> Iterator[str]:
    compared = [line for line in lines if line.comparison is not None]
    if len(compared) == 1:
        yield sentence(compared[0])
    elif compared:
        counts = Counter(cells.verdict(line) for line in compared)
        told = ", ".join(f"{text} {count}" for text, count in counts.items())
        yield f"Of {len(compared)} comparisons: {told}."
        if any(line.comparison and line.comparison.blocks < ENOUGH for line in compared):
            yield f"{NEEDED[0].upper()}{NEEDED[1:]}."
    else:
        yield "Nothing could be compared."


def sentence(line: Line) -> str:
    """One comparison in words."""
    assert line.comparison is not None
    theirs = line.baseline.contestant if line.baseline else ""
    both = f"{line.series.contestant} against {theirs}"
    if line.baseline and _apart(line):
        both = f"{line.series.contestant} in {line.series.session.name} against {line.baseline.session.name}"
    size = f"{cells.ratio(line)} {cells.interval(line)}".strip()
    trials = cells.basis(line)
    how = f"from {trials} blocks" if line.method == "paired" else f"{line.method}, {trials} trials"
    text = f"{both}: {cells.verdict(line)}, {size}, {how}"
    if line.comparison.blocks < ENOUGH:
        text += f"; {NEEDED}"
    if would := cells.would_show(line):
        text += f"; a difference of {would} would have been shown"
    return f"{text}; {line.remark}." if line.remark else f"{text}."
