"""The chokepoint map of every loader that results hold a whole sweep of."""

from collections.abc import Iterator

from pipebench.accelerators import profiles
from pipebench.chokepoint_map import Panel, panel
from pipebench.errors import BadInput
from pipebench.report.crossings import swept
from pipebench.report.gathered import Entry, Gathered, Part
from pipebench.report.pictures.model import Map, owner
from pipebench.seen import Seen
from pipebench.targets import picture_size, targets


def maps(gathered: Gathered) -> Iterator[Map]:
    """One for each, in the order of the results."""
    found = [(part, seen) for part in gathered.parts for seen in swept(part, gathered.derive)]
    for number, (part, seen) in enumerate(found, 1):
        entry = _null(part, seen.contestant)
        made = _panel(seen, entry)
        if made is not None:
            yield Map(key=f"map-{number}", whose=owner(entry, [entry]), panel=made)


def _null(part: Part, contestant: str) -> Entry:
    """Where the loader's own rate stands."""
    return next(e for e in part.entries if (e.row.contestant, e.row.step) == (contestant, "null"))


def _panel(seen: Seen, entry: Entry) -> Panel | None:
    """None where it isn't known here what the samples are: an old record, or a kind that isn't installed."""
    record = entry.trials[0].record
    try:
        size = picture_size(record.kind, record.spec.preprocessing)
    except BadInput:
        return None
    return panel(seen, targets(profiles()), record.kind, size)
