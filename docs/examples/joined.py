"""A format in one file: each shard is its samples' payloads, end to end. Labels and keys are in the index."""

from collections.abc import Iterable, Iterator

from pipebench.datasets_prep.formats.contract import Place, Placed, PlacedPart, Sample, Shared
from pipebench.datasets_prep.formats.names import check_key, named
from pipebench.errors import BadInput


class Joined:
    """The format `joined`."""

    suffix = ".bin"

    def sample_bytes(self, size: int) -> int:
        return size

    def extra_bytes(self, size: int) -> int:
        return size

    def write(self, samples: Iterable[Sample], place: Place, name: str, shared: Shared) -> Iterator[Placed]:
        with place.file(name) as sink:
            for sample in samples:
                check_key(sample.key)
                if sample.extras:
                    raise BadInput(
                        f"{named(sample.key)} has further files, which 'joined' can't hold; use 'wds'"
                    )
                offset = sink.size
                sink.write(sample.payload)
                yield Placed(PlacedPart(f"{sample.key}.{sample.field}", offset, len(sample.payload)))
