"""Energy and cost for people: a table within 80 columns, and what its figures rest on."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from pipebench.cost import Bill, Price, Split
from pipebench.errors import one_line
from pipebench.profile_step import profile_name
from pipebench.report.prose import folded
from pipebench.step import parse_step

LONGEST = 24
"""Characters of a contestant's name."""


def render(bills: Sequence[Bill], price: Price, columns: int | None = None) -> str:
    """The table and the notes, these folded to so many columns, if given."""
    energy = any(bill.energy for bill in bills)
    heading = ["loader", "step", "samples/s", price.currency, "step", "slowdown"]
    rows = [heading + (["kJ", "step", "slowdown"] if energy else [])]
    rows += [_row(bill, energy) for bill in bills]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = ["  ".join(map(_padded, row, widths, range(len(row)))).rstrip() for row in rows]
    return "\n".join(["for a million samples", *table, "", *folded(_notes(bills, price), columns)]) + "\n"


def _padded(cell: str, width: int, column: int) -> str:
    return cell.ljust(width) if column < 2 else cell.rjust(width)


def _row(bill: Bill, energy: bool) -> list[str]:
    cells = [one_line(bill.contestant, LONGEST), _step(bill.step), f"{bill.samples_per_second:.0f}"]
    cells += _split(bill.money, 1.0)
    return cells + (_split(bill.energy, 1e-3) if energy else [])


def _step(step: str) -> str:
    spec = parse_step(step)
    return f"{spec.rate:.5g}/s" if spec.kind == "emulate" else spec.name or spec.kind


def _split(found: Split | None, scale: float) -> list[str]:
    if found is None:
        return ["-", "-", "-"]
    parts = (found.total, found.step, found.slowdown)
    return ["-" if part is None else f"{part * scale:.3g}" for part in parts]


def _notes(bills: Sequence[Bill], price: Price) -> Iterator[str]:
    yield (
        f"Price: {one_line(price.name)}, {price.per_hour:g} {price.currency} an hour, "
        f"{one_line(price.region)}, {price.date}, from {one_line(price.source)}: the user's own statement."
    )
    tiers = {bill.tier for bill in bills}
    if "measured" in tiers:
        counters = ", ".join(dict.fromkeys(name for bill in bills for name in bill.counters))
        yield f"Energy: measured, the sum of {counters}, of the whole host; split by time."
    if "modelled" in tiers:
        yield (
            f"Energy: modelled, {price.busy_watts:g} W while the step runs and {price.idle_watts:g} W while "
            "it waits, as the price's row states; nothing was measured."
        )
    if "none" in tiers:
        lacking = "the price's row states no watts" if price.busy_watts is None else "a step has no rate"
        yield f"Energy: none; not every trial has counters, and {lacking} from which it could be reckoned."
    if any(bill.money.step is None for bill in bills):
        yield "'-': a step without a rate of its own has no share."
    if any(profile_name(bill.step) for bill in bills):
        yield "Steps that stand for an accelerator: not validated on hardware."


def as_json(bills: Sequence[Bill], price: Price) -> dict[str, Any]:
    """Every figure, for machines."""
    return {"price": asdict(price), "per_samples": 1_000_000, "rows": [_told(bill) for bill in bills]}


def _told(bill: Bill) -> dict[str, Any]:
    parts = {"money": bill.money, "energy": bill.energy}
    slowdowns = {name: asdict(part) | {"slowdown": part.slowdown} for name, part in parts.items() if part}
    return asdict(bill) | slowdowns
