"""The launch queue, fed with what a loader was seen to deliver when nothing held it up.

The gaps between the arrivals on the null step are the loader's own pace, bursts and epoch boundaries
included. How far it works ahead of a slower step is not known from outside, so that two replays bound it:
nothing is prepared before it is asked for, or all of an epoch is. An epoch is asked for only when the one
before it has been taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipebench.figures import Window
from pipebench.measure import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Batches in order: the time that each took the loader, its samples, and which begin an epoch."""

    gaps_ns: Sequence[int]
    sizes: Sequence[int]
    starts: frozenset[int]


def pace(trace: Trace, window: Window) -> Pace:
    """That of a null-step trial's window."""
    batches, got = window.batches, trace.got_ns
    return Pace(
        gaps_ns=[got[i] - got[i - 1] for i in batches],
        sizes=[trace.sizes[i] for i in batches],
        starts=frozenset(start - batches.start for start in trace.epochs if start in batches),
    )


def utilisation(own: Pace, rate: float, *, ahead: bool, depth: int = 2, rounds: int = 3) -> float:
    """The share of time in which a device that takes `rate` samples a second is busy.

    `ahead`: whether the loader prepares a whole epoch unasked. The window is played `rounds` times, and
    all but the first are counted.
    """
    count = len(own.gaps_ns)
    ends: list[int] = []
    made = taken = asked = 0
    for number in range(count * rounds):
        place = number % count
        held_up = not ahead or place in own.starts
        made = (max(made, asked) if held_up else made) + own.gaps_ns[place]
        taken = max(made, asked)
        begin = max(taken, ends[-1] if ends else 0)
        ends.append(begin + int(own.sizes[place] * 1e9 / rate))
        asked = max(taken, ends[-1 - depth]) if len(ends) > depth else taken
    busy = sum(int(size * 1e9 / rate) for size in own.sizes) * (rounds - 1)
    return busy / (ends[-1] - ends[count - 1])


def bounds(own: Pace, rate: float) -> tuple[float, float]:
    """The utilisations without and with work ahead, in order of size."""
    found = sorted(utilisation(own, rate, ahead=ahead) for ahead in (False, True))
    return found[0], found[1]
