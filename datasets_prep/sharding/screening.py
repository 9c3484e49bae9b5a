"""Refuses payloads that are dangerous to decode, though nobody decodes them here."""

from collections.abc import Iterable, Iterator

from pipebench.errors import BadInput
from pipebench.kinds import kind

from ..formats.contract import Sample
from ..formats.names import named


def refuse_large(samples: Iterable[Sample], kind_name: str) -> Iterator[Sample]:
    """Passes samples on; `BadInput` for one whose payload's header says that it would fill the memory."""
    oversize = kind(kind_name).oversize
    for sample in samples:
        if fault := oversize(sample.payload):
            raise BadInput(f"{named(sample.key)} is refused: {fault}")
        yield sample
