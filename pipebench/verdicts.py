"""`--fail-slower`: what is shown to be slower by more than a limit, and what could not be told."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipebench.contest import Line, naming
from pipebench.stats import Outcome

UNTOLD = (Outcome.INDICATIVE, Outcome.NO_VERDICT, Outcome.DISTURBED)
"""Outcomes that decide nothing, whatever the figures."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """How much slower than its baseline is too slow: 0.05 fails what is below 0.95 of its speed."""

    limit: float
    """0 fails whatever is shown to be slower at all."""

    def failed(self, lines: Iterable[Line]) -> list[Line]:
        """Those whose whole interval lies beyond the limit, and that are shown to differ at all."""
        return [line for line in lines if self._fails(line)]

    def _fails(self, line: Line) -> bool:
        return (
            line.direction < 0 and line.comparison is not None and line.comparison.ratio.high < 1 - self.limit
        )

    def sentences(self, lines: Sequence[Line]) -> Iterator[str]:
        """What failed, and what this limit could not be held against."""
        name = naming(lines)
        limit = f"more than {100 * self.limit:.3g} % " if self.limit else ""
        for line in self.failed(lines):
            assert line.comparison is not None
            ratio = line.comparison.ratio
            yield (
                f"Failed: {name(line)} is {limit}slower than its baseline: "
                f"{ratio.estimate:.2f}x [{ratio.low:.2f}, {ratio.high:.2f}]."
            )
        untold = [line for line in lines if line.comparison and line.comparison.outcome in UNTOLD]
        if untold:
            yield f"Too little is known to judge: {_names(untold, name)}."
        undecided = [line for line in lines if line not in untold and self._is_open(line)]
        if undecided and self.limit:
            names = _names(undecided, name)
            yield f"A slow-down of {100 * self.limit:.3g} % is neither shown nor excluded: {names}."

    def _is_open(self, line: Line) -> bool:
        beyond = line.comparison is not None and line.comparison.ratio.low < 1 - self.limit
        return beyond and not self._fails(line)


def _names(some: Iterable[Line], name: Callable[[Line], str]) -> str:
    return ", ".join(dict.fromkeys(map(name, some)))
