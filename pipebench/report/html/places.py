"""Places in a drawing: percentages across, pixels down.

Text stays at its own size however narrow the page is, since no drawing is scaled as a whole.
"""

from collections.abc import Iterable
from dataclasses import dataclass

LEFT, WIDE = 2.0, 96.0
"""Percent of the width: what is left free on either side so that the outermost points are whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The height of a drawing and of the margins above and below what is drawn, in pixels."""

    height: int
    top: int = 18
    bottom: int = 22

    def down(self, share: float) -> str:
        """The place of a value that lies so far up its axis."""
        return f"{self.top + (1 - share) * (self.height - self.top - self.bottom):.1f}"

    @property
    def floor(self) -> int:
        return self.height - self.bottom


def across(share: float) -> str:
    """Percent of the width, without the sign."""
    return f"{LEFT + WIDE * share:.2f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A line across the drawing, or a place along it, and what is written there."""

    at: str
    text: str
    anchor: str = "middle"


def path(places: Iterable[tuple[str, str]]) -> str:
    """A line through them."""
    return "M" + "L".join(f"{x} {y}" for x, y in places)
