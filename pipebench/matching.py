"""Which series is compared with which."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

from pipebench.errors import BadInput, unknown
from pipebench.series import Series


class Duel(NamedTuple):
    """A series against another one that is its baseline; both have figures."""

    series: Series
    baseline: Series


class Pair(NamedTuple):
    """A series and its baseline: another one, itself, or none, and then `why`."""

    series: Series
    baseline: Series | None
    why: str = ""

    @property
    def duel(self) -> Duel | None:
        """What is to be compared, if anything is."""
        if self.baseline is None or self.baseline is self.series or not self.series.measured:
            return None
        return Duel(self.series, self.baseline)


def match(series: Sequence[Series], baseline: str | None = None) -> list[Pair]:
    """Each series with its baseline.

    With a `baseline` that is the contestant of this name: in the same session where it has one, or else
    in the first session that has. Without, it is the same contestant of the first session, or in a
    single session the fastest. Raises `BadInput` where no contestant is called so.
    """
    if baseline is not None:
        return _with_named(series, baseline)
    first = [one for one in series if one.session == series[0].session]
    if len(first) == len(series):
        return _with_fastest(series)
    return _with_first(first, series)


def _with_named(series: Sequence[Series], name: str) -> list[Pair]:
    named = [one for one in series if one.contestant == name] or [one for one in series if one.loader == name]
    if not named:
        raise unknown("contestant", name, {one.contestant for one in series})
    if len({one.contestant for one in named}) > 1:
        which = ", ".join(sorted({repr(one.contestant) for one in named}))
        raise BadInput(f"--baseline {name} could be any of {which}; name one as it stands there")
    return [_named(one, named) for one in series]


def _named(one: Series, named: Iterable[Series]) -> Pair:
    able = [other for other in named if other.measured and _alike(one, other)]
    if not able:
        return Pair(one, None, "the baseline has no figure here")
    own = [other for other in able if other.session == one.session]
    return Pair(one, (own or able)[0])


def _with_fastest(series: Sequence[Series]) -> list[Pair]:
    found = []
    for one in series:
        rivals = [other for other in series if other.measured and _alike(one, other)]
        fastest = max(
            rivals, key=lambda other: median(other.speeds.values() or [other.speed or 0.0]), default=None
        )
        found.append(Pair(one, fastest))
    return found


def _with_first(first: Sequence[Series], series: Sequence[Series]) -> list[Pair]:
    later = [one for one in series if one.session != first[0].session]
    pairs = [_same(one, first, series) for one in later]
    met = {id(pair.baseline) for pair in pairs}
    return [*(Pair(one, one if id(one) in met else None, _only(one)) for one in first), *pairs]


def _only(one: Series) -> str:
    return f"only in {one.session.name}"


def _same(one: Series, first: Sequence[Series], series: Sequence[Series]) -> Pair:
    """The series' counterpart: of the same name, or the only one of the loader on either side."""
    rivals = [other for other in first if _alike(one, other)]
    named = [other for other in rivals if other.contestant == one.contestant]
    if not named and one.loader:
        same = [other for other in rivals if other.loader == one.loader]
        mine = [other for other in series if other.session == one.session and _alike(one, other)]
        named = same if len(same) == 1 == sum(other.loader == one.loader for other in mine) else []
    if not named:
        return Pair(one, None, _only(one))
    if not named[0].measured:
        return Pair(one, None, f"no figure in {named[0].session.name}")
    return Pair(one, named[0])


def _alike(one: Series, other: Series) -> bool:
    """Whether they did the same task, told in the same unit."""
    return one.task == other.task and one.unit == other.unit
