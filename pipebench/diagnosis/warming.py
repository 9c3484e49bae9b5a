"""Whether trials that were to find their bytes in memory did, and what lets the next ones."""

from collections.abc import Callable

from pipebench import page_cache
from pipebench.dataset import Dataset
from pipebench.errors import BadInput
from pipebench.files import why
from pipebench.progress import pulse
from pipebench.results import Record

MOST_READ = 0.01
"""Share of the payload from a device from which a trial of 1 or 2 s is not taken for a warm one: where files
are read one by one, 3 % were seen to hold the loader up for 1.4 s of 2."""


def was_warm(record: Record) -> bool:
    """Whether the trial was, or was to be something else; not where it is proved to have read a device."""
    return record.status != "ok" or not page_cache.is_refuted(record.cache, MOST_READ)


def warm_up(dataset: Dataset, goes_on: Callable[[], bool]) -> None:
    """Reads the files that hold the payloads, so that they are cached, while `goes_on()` says so.

    Raises `BadInput` where one cannot be read.
    """
    try:
        with pulse(lambda: "reading the data, so that it is in memory"):
            page_cache.read_in(dataset.files(), goes_on)
    except OSError as error:
        raise BadInput(f"{error.filename} cannot be read: {why(error)}") from None
