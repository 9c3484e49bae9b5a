"""`python docs/draw.py RESULTS.jsonl > docs/demo.svg`: the README's picture of a run, without a library."""

import sys
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from pipebench.results import read
from pipebench.step import parse_step
from pipebench.summary import Row, summarise

WIDTH, LEFT, RIGHT, BAR, GAP, TOP = 720, 170, 120, 26, 16, 44


def picture(rows: Sequence[Row]) -> str:
    """Bars of samples/s with their intervals, the fastest first, and the stall beside them."""
    measured = (row for row in rows if row.step == "null" and row.samples_per_second)
    main = sorted(measured, key=lambda row: -(row.samples_per_second or 0))
    stalls = {r.contestant: r for r in rows if r.step != "null"}
    height = TOP + len(main) * (BAR + GAP) + 8
    most = max(row.ci_high or row.samples_per_second or 1 for row in main)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        'font-size="14" role="img" aria-label="samples per second and stall of each loader">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="24" fill="#333333">samples/s on {main[0].cores} cores, 95 % interval</text>',
        f'<text x="{WIDTH - 8}" y="24" fill="#333333" text-anchor="end">{_heading(rows)}</text>',
    ]
    for number, row in enumerate(main):
        lines += bar(row, stalls.get(row.contestant), TOP + number * (BAR + GAP), most)
    return "\n".join([*lines, "</svg>", ""])


def _heading(rows: Sequence[Row]) -> str:
    steps = [parse_step(row.step) for row in rows if row.step != "null"]
    return f"stall at {steps[0].rate:g}/s" if steps else ""


def bar(row: Row, stalled: Row | None, top: int, most: float) -> Iterator[str]:
    scale = (WIDTH - LEFT - RIGHT) / most
    rate, low, high = (value or 0.0 for value in (row.samples_per_second, row.ci_low, row.ci_high))
    middle = top + BAR / 2
    text = f'<text y="{middle + 5:.0f}" fill="#333333"'
    yield f'{text} x="{LEFT - 8}" text-anchor="end">{escape(row.contestant)}</text>'
    yield f'<rect x="{LEFT}" y="{top}" width="{rate * scale:.0f}" height="{BAR}" fill="#56b4e9"/>'
    yield f'{text} x="{LEFT + 8}">{rate:.0f}</text>'
    yield (
        f'<path d="M{LEFT + low * scale:.0f} {middle} H{LEFT + high * scale:.0f}" '
        'stroke="#333333" stroke-width="2"/>'
    )
    if stalled is not None and stalled.stall is not None:
        yield f'{text} x="{WIDTH - 8}" text-anchor="end">{stalled.stall:.1%}</text>'


if __name__ == "__main__":
    print(picture(summarise(read(Path(sys.argv[1])))), end="")
