"""What the rounds of a benchmark found, and how it is told in a line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from pipebench.compare import FOREIGN_CORES
from pipebench.errors import one_line
from pipebench.figures import Figures
from pipebench.results import Record
from pipebench.summary import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the rounds of one benchmark found."""

    measure: str
    """What a round takes: `throughput`, `first_batch` or `step`."""
    seconds: tuple[float, ...]
    """That each round took, as the benchmark counts them."""
    row: Row
    """The figures over all rounds, and in `labels` what limits them."""
    figures: tuple[Figures, ...]
    """Of each round."""
    records: tuple[Record, ...]
    """The raw values of each round."""

    @property
    def samples_per_second(self) -> float:
        """Over all rounds, disturbed ones left out where others are there."""
        return self.row.samples_per_second or 0.0

    def __str__(self) -> str:
        return describe(self)


def describe(measured: Measured) -> str:
    """A benchmark's figures in one line, with what limits them."""
    row = measured.row
    parts = [
        *_headline(measured),
        f"{_trials(measured)} on {row.cores} cores",
        *row.cache,
        "same work: proved" if row.same_work else "same work: unchecked",
        *(row.labels if measured.measure == "throughput" else _disturbed(measured.figures)),
    ]
    return one_line(f"{row.contestant}: {', '.join(parts)}")


def _trials(measured: Measured) -> str:
    """How many the figures are of; those of a rate leave disturbed ones out where others are there."""
    count = measured.row.trials if measured.measure == "throughput" else len(measured.seconds)
    return f"{count} trial{'s' if count != 1 else ''}"


def _disturbed(found: Sequence[Figures]) -> Iterator[str]:
    """Of all rounds; their number, from one on."""
    if count := sum((one.foreign_cores or 0) > FOREIGN_CORES for one in found):
        yield f"disturbed ({count} of {len(found)})"


def _headline(measured: Measured) -> Iterator[str]:
    """What was asked for; of a rate also what goes with it."""
    row, seconds = measured.row, sorted(measured.seconds)
    if measured.measure == "step":
        micros = [1e6 * took for took in seconds]
        yield f"{median(micros):.2f} us from batch to batch ({micros[0]:.2f} to {micros[-1]:.2f})"
        return
    if measured.measure == "first_batch":
        spread = f"({seconds[0]:.2f} to {seconds[-1]:.2f})"
        yield f"{median(seconds):.2f} s from process start to first batch {spread}"
        return
    bounded = row.trials > 1 and row.ci_low is not None
    yield f"{measured.samples_per_second:.0f} samples/s" + (
        f" [{row.ci_low:.0f}, {row.ci_high:.0f}]" if bounded else ""
    )
    if row.cpu_seconds_per_sample is not None:
        yield f"{1000 * row.cpu_seconds_per_sample:.2f} CPU ms a sample"
    yield f"{(row.startup_seconds or 0) + (row.first_batch_seconds or 0):.2f} s to the first batch"
