"""Whether trials that were to find their bytes in memory did, and what lets the next ones."""

from collections.abc import Callable

from pipebench import page_cache
from pipebench.dataset import Dataset
from pipebench.errors import BadInput
from pipebench.files import why
from pipebench.results import Record


def was_warm(record: Record) -> bool:
    """Whether the trial was, or was to be something else; not where it is proved to have read a device."""
    return record.status != "ok" or not page_cache.is_refuted(record.cache)


def warm_up(dataset: Dataset, goes_on: Callable[[], bool]) -> None:
    """Reads the files that hold the payloads, so that they are cached, while `goes_on()` says so.

    Raises `BadInput` where one cannot be read.
    """
    try:
        page_cache.read_in(dataset.files(), goes_on)
    except OSError as error:
        raise BadInput(f"{error.filename} cannot be read: {why(error)}") from None
