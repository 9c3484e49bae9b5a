"""What holds a pipeline back, as far as a sweep tells."""

from collections.abc import Mapping
from typing import Literal

from pipebench.crossover import SHARES
from pipebench.diagnosis.evidence import Detail, Narrow
from pipebench.seen import Seen
from pipebench.watching.facts import FULL

Holds = Literal[
    "step",
    "decode",
    "transform",
    "decode+transform",
    "batching",
    "hand-over",
    "workers",
    "loader CPU",
    "overhead",
    "bursts",
]
HOLDS: dict[Holds, str] = {
    "step": f"the accelerator itself: at least {SHARES[0]:.0%} of it are used",
    "decode": "decoding, which takes most of the loader's CPU time",
    "transform": "transforming, which takes most of the loader's CPU time",
    "decode+transform": "decoding and transforming, which the loader does in one",
    "batching": "batching, which takes most of the loader's CPU time",
    "hand-over": "the hand-over of batches",
    "workers": "one thread, which does all of the loader's work",
    "loader CPU": "the loader's work on its cores, of which no stage leads for certain",
    "overhead": "the loader, though its cores are not busy; 'pipebench diagnose' looks further",
    "bursts": "the loader's bursts and epochs' ends; on average it is fast enough",
}
_NAMED: Mapping[tuple[Narrow, Detail | None], Holds] = {
    (Narrow.DECODE, None): "decode",
    (Narrow.TRANSFORM, None): "transform",
    (Narrow.DECODE_TRANSFORM, None): "decode+transform",
    (Narrow.BATCHING, None): "batching",
    (Narrow.OVERHEAD, Detail.HAND_OVER): "hand-over",
    (Narrow.OVERHEAD, Detail.WORKERS): "workers",
}


def held_back(seen: Seen) -> Holds:
    """What holds the loader itself back, as far as its sweep tells."""
    named = seen.named and _NAMED.get((seen.named.verdict, seen.named.detail))
    return named or ("loader CPU" if (seen.core_use or 0.0) >= FULL else "overhead")
