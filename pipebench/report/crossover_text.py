"""The answer of `crossover` for people: sentences and a table within 80 columns, one part a loader."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from pipebench.accelerators import NOT_VALIDATED
from pipebench.crossover import AGREE
from pipebench.crossover_answer import Answer, Check, Fed
from pipebench.errors import one_line
from pipebench.held_back import HOLDS
from pipebench.profile_step import profile_name
from pipebench.report.block_notes import block_notes
from pipebench.report.prose import folded
from pipebench.stats import Interval


def render(found: Answer, columns: int | None = None) -> str:
    """The whole part; sentences are folded to so many columns, if given."""
    told = [*_checks(found), *_notes(found)]
    lines = [*folded(_head(found), columns), "", *_table(found), "", *folded(told, columns)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _head(found: Answer) -> Iterator[str]:
    name = one_line(found.contestant)
    use = f", {found.core_use:.0%} of {found.cores} cores" if found.core_use is not None else ""
    yield f"{name}: {_rate(found.own_rate, found.blocks)} samples/s of its own{use}"
    for crossing in found.crossings:
        share = f"{crossing.share:.0%} of an accelerator is used up to"
        if crossing.rate is None:
            slowest = found.points[0]
            yield f"  {share}: nowhere; at {slowest[0]:.0f}/s it was {_percent(slowest[1].estimate)}"
        else:
            wider = ", widened to hold the replay" if crossing.widened else ""
            yield f"  {share} {_rate(crossing.rate, found.blocks)} samples/s{wider}"
    why = f" ({'; '.join(found.why)})" if found.why else ""
    yield f"  beyond that the chokepoint is {HOLDS[found.held_back]}{why}"


def _rate(rate: Interval, blocks: int) -> str:
    text = f"{rate.estimate:.0f}" if rate.estimate >= 100 else f"{rate.estimate:.3g}"
    return f"{text} [{rate.low:.0f}, {rate.high:.0f}]" if blocks > 1 else text


def _percent(value: float) -> str:
    return f"{value:.1%}" if 0.0995 <= value < 0.9995 else f"{value:.2%}" if value < 0.0995 else "100%"


def _used(share: float, floor: float | None) -> str:
    """What cannot be told from all of it says so."""
    if floor is not None and share > 1 - floor:
        return f"> {1 - floor:.1%}"
    return _percent(share)


_HEADING = ("accelerator", "tier", "samples/s", "used", "[95 %]", "cores needed")


def _table(found: Answer) -> Iterator[str]:
    share = f"{found.crossings[0].share:.0%}"
    groups = (
        (f"{share} of these are used", found.below),
        (f"whether {share} are used depends on the tier", found.astride),
        (f"less than {share} of these are used", found.above),
    )
    rows = [_HEADING, *(_row(fed, found) for _, group in groups for fed in group)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    yield _line(_HEADING, widths)
    for title, group in groups:
        if group:
            yield f"-- {title} ".ljust(sum(widths) + 2 * len(widths) - 2, "-")
        yield from (_line(_row(fed, found), widths) for fed in group)
    if len(rows) == 1:
        yield "no profile fits this dataset; 'pipebench list accelerators' shows all"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(map(_padded, row, widths, _RIGHT))


_RIGHT = (False, False, True, True, True, False)


def _padded(cell: str, width: int, right: bool) -> str:
    return cell.rjust(width) if right else cell.ljust(width)


def _row(fed: Fed, found: Answer) -> tuple[str, ...]:
    share = fed.prediction.share
    bounds = f"{100 * share.low:.0f}-{100 * share.high:.0f}" if found.blocks > 1 else ""
    rate = f"{fed.prediction.rate:.0f}" if fed.prediction.rate >= 100 else f"{fed.prediction.rate:.3g}"
    return fed.target, fed.tier, rate, _used(share.estimate, found.floor), bounds, str(fed.cores)


def _checks(found: Answer) -> Iterator[str]:
    for check in found.checks:
        yield _check(check, found.blocks)
        if abs(check.pace - 1) > AGREE:
            pace = f"{check.pace:.2f} times its usual pace then, by its CPU time, as hosts change"
            verdict = _agreement(check.off_at_pace)
            yield f"The loader had {pace}; for that {_percent(check.at_pace)} are predicted: {verdict}."


def _check(check: Check, blocks: int) -> str:
    rate, share = check.predicted.rate, check.predicted.share
    measured = f"measured {_percent(check.measured.estimate)} ({_trials(check.trials)})"
    bounds = f" [{100 * share.low:.1f}, {100 * share.high:.1f}]" if blocks > 1 else ""
    name = profile_name(check.step)
    what = f"{name}, emulated at {rate:.0f}/s" if name else f"a step of {rate:.0f}/s"
    told = f"predicted {_percent(share.estimate)}{bounds}, {measured}"
    return f"Tried afterwards: {what}: {told}: {_agreement(check.off)}."


def _agreement(off: float) -> str:
    return f"{'within' if abs(off) <= AGREE else 'NOT within'} {100 * AGREE:.0f} points"


def _trials(count: int) -> str:
    return f"{count} trial{'s' * (count > 1)}"


def _notes(found: Answer) -> Iterator[str]:
    shown = [*found.below, *found.astride, *found.above]
    own = [fed for fed in shown if fed.standing != NOT_VALIDATED]
    if len(own) < len(shown):
        yield f"Rates by tier, see 'pipebench list accelerators'; all but measured ones: {NOT_VALIDATED}."
    if any(not fed.prediction.inside for fed in shown):
        yield "Beyond the sweep: slower steps as its slowest, faster ones as the loader alone feeds them."
    if any(fed.prediction.widened for fed in shown):
        yield "Where sweep and replay differ by more than 3 points, the interval holds both."
    if len(found.rates_by_cores) < 4:
        counts = " and ".join(map(str, found.rates_by_cores))
        yield f"Cores: from {counts}, between linear and Amdahl's law, nothing beyond twice that."
    if found.floor is not None:
        yield f"Stalls below {found.floor:.2%} are not told: twice what the harness itself shows."
    if not found.boundaries:
        yield "No epoch's end was seen: what it costs is not in these figures."
    yield from block_notes(found)


def as_json(found: Sequence[Answer]) -> list[dict[str, Any]]:
    """Every figure, for machines."""
    return [
        asdict(one)
        | {"checks": [asdict(c) | {"off": c.off, "off_at_pace": c.off_at_pace} for c in one.checks]}
        for one in found
    ]
