"""The table of all trials, to sort and filter, and how many of them a page lists."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pipebench.compare import FOREIGN_CORES
from pipebench.figures import Figures
from pipebench.report import cells
from pipebench.report.gathered import Gathered, Part, Trial
from pipebench.report.pictures.waits import shown_trial
from pipebench.results import LIMITS_BLOCK, PROOF_BLOCK


@dataclass(frozen=True, slots=True)
class Cell:
    """What is shown, and by what it is sorted where that is a number."""

    text: str
    value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column."""

    heading: str
    cell: Callable[[Trial], Cell]
    number: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRow:
    """One trial."""

    number: int
    setup: int
    """Number of the card that tells its settings, machine and provenance."""
    cells: tuple[Cell, ...]


def listed(gathered: Gathered, most: int) -> list[tuple[Part, Trial]]:
    """All trials, or of too many those that stand out and, evenly, others."""
    every = gathered.trials
    if len(every) <= most:
        return every
    drawn = {trial.number for entry in gathered.entries if (trial := shown_trial(entry))}
    first = [trial.number for _, trial in every if trial.number in drawn or _stands_out(trial)][: most // 2]
    others = [trial.number for _, trial in every if trial.number not in set(first)]
    step = len(others) / (most - len(first))
    chosen = {*first, *(others[int(n * step)] for n in range(most - len(first)))}
    return [(part, trial) for part, trial in every if trial.number in chosen]


def _stands_out(trial: Trial) -> bool:
    return trial.record.status != "ok" or trial.record.block < 0


def rows(shown: Sequence[tuple[Part, Trial]], setups: dict[int, int]) -> Iterator[TrialRow]:
    """A row for each; `setups` tells the number of each trial's card."""
    for _, trial in shown:
        found = tuple(column.cell(trial) for column in COLUMNS)
        yield TrialRow(number=trial.number, setup=setups.get(trial.number, -1), cells=found)


def _text(get: Callable[[Trial], str]) -> Callable[[Trial], Cell]:
    return lambda trial: Cell(get(trial))


def _number(heading: str, get: Callable[[Figures], float | None], text: Callable[[float], str]) -> Column:
    def cell(trial: Trial) -> Cell:
        value = get(trial.figures) if trial.figures else None
        return Cell("") if value is None else Cell(text(value), value)

    return Column(heading=heading, cell=cell, number=True)


def _block(trial: Trial) -> Cell:
    block = trial.record.block
    if block >= 0:
        return Cell(str(block + 1), block + 1)
    return Cell(_OPENING[max(block, LIMITS_BLOCK)], block)


_OPENING = {PROOF_BLOCK: "proof of work", LIMITS_BLOCK: "host's limit"}


def _place(trial: Trial) -> Cell:
    return Cell(trial.place, float(trial.place.rpartition(" ")[2]))


def _said(trial: Trial) -> Cell:
    """What limits the trial, or why it has no figure."""
    found = trial.figures
    if found is None:
        return Cell(trial.record.reason)
    said = {
        "not steady": not found.steady,
        "short": found.short,
        f"disturbed by {found.foreign_cores or 0:.2f} cores": (found.foreign_cores or 0) > FOREIGN_CORES,
    }
    return Cell(", ".join(text for text, holds in said.items() if holds))


def _percent(value: float) -> str:
    return f"{value:.1%}"


COLUMNS = (
    Column(heading="result", cell=_text(lambda trial: trial.result)),
    Column(heading="place", cell=_place, number=True),
    Column(heading="contestant", cell=_text(lambda trial: trial.record.contestant)),
    Column(heading="format", cell=_text(lambda trial: trial.record.format)),
    Column(heading="step", cell=_text(lambda trial: trial.record.spec.step)),
    Column(heading="block", cell=_block, number=True),
    Column(heading="status", cell=_text(lambda trial: trial.record.status)),
    _number("samples/s", lambda f: f.samples_per_second, lambda value: f"{value:.0f}"),
    _number("CPU ms", lambda f: f.cpu_seconds_per_sample, lambda value: f"{1e3 * value:.2f}"),
    _number("cores used", lambda f: f.core_use, _percent),
    _number("1st batch", lambda f: f.startup_seconds + f.first_batch_seconds, lambda value: f"{value:.2f} s"),
    _number("wait p95", lambda f: f.wait_seconds[1], cells.duration),
    _number("stall", lambda f: f.stall, _percent),
    _number("window", lambda f: f.window_seconds, lambda value: f"{value:.1f} s"),
    Column(heading="cache", cell=_text(lambda trial: trial.figures.cache if trial.figures else "")),
    Column(heading="to mind", cell=_said),
    Column(heading="started", cell=_text(lambda trial: trial.record.started)),
)
