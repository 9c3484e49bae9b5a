"""Where shards begin: after so many samples, below so many bytes, or evenly."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..catalogue.columns import Sizes, Values
from ..formats.contract import Format

SHARD_BYTES = 256_000_000
"""WebDataset's documentation recommends shards of some 256 MB to a few GB."""
FEWEST_SHARDS = 16
"""A small dataset gets smaller shards instead, since every reading process needs one of its own."""
MOST_SAMPLES = 250_000
"""Of a shard whose size nobody asked for: more of tiny ones would take much memory."""
MOST_FILES = 10_000
"""That are written in one go where each sample has a file of its own."""


@dataclass(slots=True, kw_only=True)
class Amount:
    """What a split holds."""

    samples: int = 0
    payload_bytes: int = 0
    written_bytes: int = 0
    """That its files will take, about."""
    largest: int = 0
    """Bytes that a sample will take at most, about."""
    oversized: int = 0
    """Samples that take more than a shard may."""

    def add(self, payload: Values, written: Values, limit: int | None) -> None:
        """Counts samples in: their payloads' bytes, what they take, and what a shard may."""
        self.samples += len(payload)
        self.payload_bytes += int(payload.sum())
        self.written_bytes += int(written.sum())
        self.largest = max(self.largest, int(written.max(initial=0)))
        self.oversized += int((written > limit).sum()) if limit else 0


def estimate(form: Format, sizes: Sizes) -> Values:
    """About what each of these samples takes in a format, at most."""
    written = np.array([form.sample_bytes(size) for size in sizes.payload.tolist()], np.int64)
    for row in np.flatnonzero(sizes.extras):
        count, size = int(sizes.extras[row]), int(sizes.extra_bytes[row])
        written[row] += form.extra_bytes(size) + (count - 1) * form.extra_bytes(1)
    return written


def cut_by_samples(amount: Amount, most: int) -> list[int]:
    """How many samples each shard gets: so many, and the last one what is left."""
    whole, rest = divmod(amount.samples, most)
    return [most] * whole + ([rest] if rest else [])


def cut_evenly(amount: Amount, most: int = MOST_SAMPLES) -> list[int]:
    """As many samples to each shard, in shards of a fitting size."""
    by_size = math.ceil(amount.written_bytes / SHARD_BYTES)
    by_samples = math.ceil(amount.samples / most)
    shards = max(by_size, by_samples, min(FEWEST_SHARDS, amount.samples))
    bounds = [amount.samples * number // shards for number in range(shards + 1)]
    return [end - begin for begin, end in pairwise(bounds)]


def cut_by_bytes(amount: Amount, written: Iterable[Values], limit: int) -> list[int]:
    """Shards that are alike in bytes, none above the limit unless a single sample is.

    `written` are the samples' bytes in their order, in chunks.
    """
    if amount.written_bytes <= limit:
        return [amount.samples]
    if amount.largest * 2 > limit:
        return list(_filled(written, limit))
    shards = math.ceil(amount.written_bytes / (limit - amount.largest))
    return _levelled(written, amount.written_bytes, shards)


def _levelled(written: Iterable[Values], total: int, shards: int) -> list[int]:
    """A sample goes to that part of the total in which it begins: it leads out by less than its own size."""
    starts = np.array([total * number // shards for number in range(shards)])
    counts, begun = np.zeros(shards, np.int64), 0
    for sizes in written:
        begins = begun + np.cumsum(sizes) - sizes
        counts += np.bincount(np.searchsorted(starts, begins, "right") - 1, minlength=shards)
        begun += int(sizes.sum())
    return [count for count in counts.tolist() if count]


def _filled(written: Iterable[Values], limit: int) -> Iterator[int]:
    """One shard after the other takes samples while it has room."""
    samples, room = 0, limit
    for sizes in written:
        for size in sizes.tolist():
            if samples and size > room:
                yield samples
                samples, room = 0, limit
            samples += 1
            room -= size
    yield samples
