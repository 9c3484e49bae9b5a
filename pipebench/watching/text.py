"""Waits as text."""

from collections.abc import Iterable

from pipebench.watching.facts import Facts

_HEAD = ("rank", "steps", "epochs", "wait", "p50", "p95", "p99", "first", "step", "cores")
_WIDTHS = (5, 8, 7, 7, 9, 9, 9, 9, 9, 6)


def lines(ranks: Iterable[tuple[int | None, Facts]]) -> list[str]:
    """A table, at most 80 columns wide: the waits of one loader, a line a rank."""
    rows = list(ranks)
    label = rows[0][1].label
    return [f"Waits for {label}:", _line(_HEAD), *(_line(_cells(rank, found)) for rank, found in rows)]


def _cells(rank: int | None, found: Facts) -> tuple[str, ...]:
    return (
        "" if rank is None else str(rank),
        str(found.steps),
        str(found.epochs),
        "?" if found.data_wait is None else f"{found.data_wait:.1%}",
        *map(duration, (found.p50, found.p95, found.p99, found.first_batch)),
        "?" if found.busy_a_step is None else duration(found.busy_a_step),
        "?" if found.core_use is None else f"{found.core_use:.0%}",
    )


def _line(cells: tuple[str, ...]) -> str:
    return "".join(cell.rjust(width) for cell, width in zip(cells, _WIDTHS, strict=True))


def duration(seconds: float) -> str:
    """`1.23 s`, `45.6 ms`, `7.8 us`."""
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e6:.3g} us"
