"""Energy and money for a million samples, split in the step's own share and that of the slowdown.

With E samples per second delivered, G the step's own rate and p the price per hour, a million samples cost
1e6 p / (3600 E), of which 1e6 p / (3600 G) buy the step itself; the rest is the price of the slowdown.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median
from typing import Literal

from pipebench.energy import joules, readings
from pipebench.errors import BadInput, unknown
from pipebench.results import CEILING, Record
from pipebench.step import parse_step
from pipebench.strict_csv import Line, lines, read_text
from pipebench.summary import Row

MILLION = 1e6
HOUR = 3600.0
Tier = Literal["measured", "modelled", "none"]
COLUMNS = ("name", "price_per_hour", "currency", "region", "date", "source")
OPTIONAL = ("busy_watts", "idle_watts")
_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a host with its accelerator costs, as a user has stated it."""

    name: str
    per_hour: float
    currency: str
    region: str
    date: str
    source: str
    busy_watts: float | None = None
    """Of all that is paid for, while the step runs."""
    idle_watts: float | None = None
    """While it waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """For a million samples."""

    total: float
    step: float | None
    """Of the step itself; None where its own rate is not known."""

    @property
    def slowdown(self) -> float | None:
        return None if self.step is None else self.total - self.step


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """One contestant on one step."""

    contestant: str
    step: str
    samples_per_second: float
    money: Split
    tier: Tier
    energy: Split | None
    """In joules."""
    counters: tuple[str, ...]
    """Of a measured energy: what it is the sum of."""


def read_prices(path: Path) -> list[Price]:
    """The file's rows; raises `BadInput` with the line for anything else."""
    found = [_price(line) for line in lines(read_text(path), str(path), COLUMNS, OPTIONAL)]
    if not found:
        raise BadInput(f"{path} holds no price")
    return found


def chosen(prices: Sequence[Price], name: str | None) -> Price:
    """The price of that name, or the only one."""
    if name is None and len(prices) == 1:
        return prices[0]
    if name is None:
        raise BadInput(f"name a price with --price: {', '.join(price.name for price in prices)}")
    for price in prices:
        if price.name == name:
            return price
    raise unknown("price", name, (price.name for price in prices))


def _price(line: Line) -> Price:
    per_hour = line.positive("price_per_hour")
    if per_hour is None:
        raise line.wrong("price_per_hour is empty")
    busy, idle = line.positive("busy_watts"), line.positive("idle_watts")
    if (busy is None) != (idle is None) or (busy is not None and idle is not None and idle > busy):
        raise line.wrong("busy_watts and idle_watts go together, and idle is not above busy")
    if not _CURRENCY.fullmatch(line.needed("currency")):
        raise line.wrong(f"currency {line.text('currency')!r} is not of the form USD")
    try:
        date.fromisoformat(line.needed("date"))
    except ValueError:
        raise line.wrong(f"date {line.text('date')!r} is not of the form 2026-01-31") from None
    texts = {name: line.needed(name) for name in ("name", "currency", "region", "date", "source")}
    return Price(per_hour=per_hour, busy_watts=busy, idle_watts=idle, **texts)


def split(total: float, delivered: float, own: float | None) -> Split:
    """A total, with the share of it in which the step runs; a step that seems faster than its rate is not."""
    return Split(total=total, step=None if own is None else total * min(1.0, delivered / own))


def money(price: Price, delivered: float, own: float | None) -> Split:
    """For a million samples, in the price's currency."""
    return split(MILLION * price.per_hour / (HOUR * delivered), delivered, own)


def modelled(price: Price, delivered: float, own: float | None) -> Split | None:
    """Joules for a million samples, from stated watts; None where they or the step's rate are not known."""
    if price.busy_watts is None or price.idle_watts is None or own is None:
        return None
    busy = MILLION * price.busy_watts / own
    idle = MILLION * price.idle_watts * max(0.0, 1 / delivered - 1 / own)
    return Split(total=busy + idle, step=busy)


def measured(record: Record) -> dict[str, float]:
    """Joules of one sample by counter, from the first batch to the trial's end."""
    raw, trace = record.resources.get("energy"), record.trace
    samples = sum(trace.sizes[1:]) if trace else 0
    if not isinstance(raw, Mapping) or not samples:
        return {}
    found = joules(readings(raw["first"]), readings(raw["last"]))
    return {name: used / samples for name, used in found.items()}


def bills(runs: Iterable[tuple[Sequence[Row], Sequence[Record]]], price: Price) -> list[Bill]:
    """One for each row of some runs that has a rate, all with energy of one tier."""
    counted = [
        (row, _counted(row, records))
        for rows, records in runs
        for row in _in_order([row for row in rows if row.samples_per_second])
    ]
    tier: Tier = "none"
    if all(counts for _, counts in counted):
        tier = "measured"
    elif all(modelled(price, 1.0, _own_rate(row.step)) for row, _ in counted):
        tier = "modelled"
    return [_bill(row, price, tier, counts) for row, counts in counted]


def _in_order(rows: Sequence[Row]) -> list[Row]:
    """Contestants as they came, and of each the slowest step first."""
    names = list(dict.fromkeys(row.contestant for row in rows))
    return sorted(rows, key=lambda row: (names.index(row.contestant), _own_rate(row.step) or 0.0))


def _own_rate(step: str) -> float | None:
    spec = parse_step(step)
    return spec.rate if spec.kind == "emulate" else None


def _counted(row: Row, records: Sequence[Record]) -> dict[str, float]:
    """The medians over trials of what every trial has counted."""
    own = [
        measured(record)
        for record in records
        if record.contestant == row.contestant and record.spec.step == row.step and record.block >= 0
        if record.status == "ok" and record.spec.loader != CEILING
    ]
    shared = set.intersection(*map(set, own)) if own else set()
    return {name: median(each[name] for each in own) for name in sorted(shared)}


def _bill(row: Row, price: Price, tier: Tier, counted: Mapping[str, float]) -> Bill:
    delivered, own = row.samples_per_second or 0.0, _own_rate(row.step)
    energy = None
    if tier == "measured":
        energy = split(MILLION * sum(counted.values()), delivered, own)
    elif tier == "modelled":
        energy = modelled(price, delivered, own)
    return Bill(
        contestant=row.contestant,
        step=row.step,
        samples_per_second=delivered,
        money=money(price, delivered, own),
        tier=tier,
        energy=energy,
        counters=tuple(counted) if tier == "measured" else (),
    )
