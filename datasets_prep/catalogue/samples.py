"""Samples in some order, as a plan looks at them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .columns import EXTRAS, FILE, SIZE, Sizes, files_of, sizes_of
from .rows import File, Rows, unpack
from .store import Store


@dataclass(frozen=True, slots=True)
class Samples:
    """Packed rows, and what their numbers mean."""

    store: Store
    files: Sequence[File]
    labels: Sequence[int]
    """The class number of each packed label."""

    def __len__(self) -> int:
        return self.store.rows

    def sizes(self) -> Iterator[Sizes]:
        """What they take, in their order, in parts."""
        for batch in self.store.batches(SIZE, EXTRAS):
            yield sizes_of(*batch.columns)

    def rows(self, first: int, end: int) -> Rows:
        """Those from one place up to another."""
        packed = tuple(self.store.packed(first, end))
        used = {number for piece in packed for number in files_of(*unpack(piece, (FILE, EXTRAS)).columns)}
        files = {number: self.files[number] for number in used}
        return Rows(packed=packed, files=files, labels=self.labels, samples=end - first)
