"""How much of some bytes is done, for signs of life of long work."""

import time
from collections.abc import Callable

from pipebench.progress import pulse

from ._sizes import spell_size
from ._tally import Tally

__all__ = ["Speed", "pulse"]


class Speed:
    """How much of some bytes is done since it was made, as a text: `1.2 GB of 8 GB, 210 MB/s, 32 s left`."""

    def __init__(self, tally: Tally, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._tally, self._total, self._clock, self._begun = tally, total, clock, clock()

    def __str__(self) -> str:
        done, seconds = min(self._tally.total, self._total), self._clock() - self._begun
        text = f"{spell_size(done)} of {spell_size(self._total)}"
        if not done or seconds <= 0:
            return text
        left = (self._total - done) * seconds / done
        return f"{text}, {spell_size(round(done / seconds))}/s, {left:.0f} s left"
