"""The host's own limits, each measured directly and without a loader: what no pipeline here can beat.

Every function takes the clock, repeats its measurement, and returns all of its values.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

import numpy as np

from pipebench import page_cache
from pipebench.kinds import Kind
from pipebench.measure import Clock

REPEATS = 5
PAYLOADS = 128
"""Of the samples that are decoded."""
BIG_BYTES = 256 << 20
SMALL_BYTES, SMALL_FILES = 100_000, 500
COPY_BYTES = 128 << 20
BATCH_BYTES = 64 * 3 * 224 * 224
"""A batch of 64 images of 224 x 224, as bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit of this host."""

    name: str
    unit: str
    values: tuple[float, ...]
    note: str = ""

    @property
    def value(self) -> float:
        """The median."""
        return median(self.values)


def decode(payloads: Sequence[bytes], kind: Kind, clock: Clock) -> Limit:
    """Samples per second that one core decodes from memory, each repeat over all payloads."""

    def once() -> float:
        for payload in payloads:
            kind.decode(payload)
        return len(payloads)

    return Limit(name="decode, one core", unit="samples/s", values=_rates(once, clock))


def memory_copy(clock: Clock) -> Limit:
    """Bytes per second that one core copies between two arrays larger than any cache."""
    source = np.ones(COPY_BYTES, np.uint8)
    target = np.empty_like(source)

    def once() -> float:
        np.copyto(target, source)
        return COPY_BYTES / 1e9

    once()  # the first touch of the target's pages
    return Limit(name="memory copy, one core", unit="GB/s", values=_rates(once, clock))


def storage(folder: Path, clock: Clock) -> Iterator[Limit]:
    """How fast one large file and many small ones are read below `folder`, from the device and from memory.

    Writes test files there; the caller removes them.
    """
    big, small = _test_files(folder)
    for state in ("cold", "warm"):
        yield _reading(f"one large file, {state}", "GB/s", [big], BIG_BYTES / 1e9, clock)
        yield _reading(f"files of {SMALL_BYTES // 1000} kB, {state}", "files/s", small, SMALL_FILES, clock)


def _test_files(folder: Path) -> tuple[Path, list[Path]]:
    noise = np.random.default_rng(0).integers(0, 256, BIG_BYTES, np.uint8).data
    big, small = folder / "big", [folder / f"small-{number:04d}" for number in range(SMALL_FILES)]
    big.write_bytes(noise)
    for number, path in enumerate(small):
        path.write_bytes(noise[number * SMALL_BYTES : (number + 1) * SMALL_BYTES])
    return big, small


def _reading(name: str, unit: str, files: list[Path], amount: float, clock: Clock) -> Limit:
    evictions: list[page_cache.Eviction] = []

    def empty() -> None:
        evictions.append(page_cache.evict(files))

    def read() -> float:
        page_cache.read_in(files)
        return amount

    before = empty if name.endswith("cold") else lambda: page_cache.read_in(files)
    values = _rates(read, clock, before)
    proved = all(e.resident is not None and e.resident <= page_cache.MOST_RESIDENT for e in evictions)
    return Limit(name=name, unit=unit, values=values, note="" if proved else "eviction unverified")


def hand_over(clock: Clock) -> Iterator[Limit]:
    """What passing between two processes costs: an empty message there and back, and a batch's bytes."""
    context = get_context("fork")
    ours, theirs = context.Pipe()
    echo = context.Process(target=_echo, args=(theirs, ours), daemon=True)
    echo.start()
    theirs.close()
    try:
        values = _rates(lambda: _messages(ours, b"", 2000), clock)
        yield Limit(name="hand-over, message", unit="messages/s", values=values)
        batch = os.urandom(BATCH_BYTES)
        gigabytes = BATCH_BYTES / 1e9
        yield Limit(
            name="hand-over, batch copied",
            unit="GB/s",
            values=_rates(lambda: gigabytes * _messages(ours, batch, 10), clock),
        )
    finally:
        ours.close()
        echo.join()


def _echo(connection: Connection, other: Connection) -> None:
    """Answers every message with an empty one, until the other side closes its end, `other`."""
    other.close()  # the fork's copy, which would keep the other side's open
    try:
        while True:
            connection.recv_bytes()
            connection.send_bytes(b"")
    except EOFError:
        return


def _messages(connection: Connection, message: bytes, count: int) -> float:
    for _ in range(count):
        connection.send_bytes(message)
        connection.recv_bytes()
    return count


def _rates(
    once: Callable[[], float], clock: Clock, before: Callable[[], None] = lambda: None
) -> tuple[float, ...]:
    """What `once` reports to have done, per second, for each repeat; `before` each is not timed."""
    rates = []
    for _ in range(REPEATS):
        before()
        begin_ns = clock.now_ns()
        amount = once()
        rates.append(amount * 1e9 / (clock.now_ns() - begin_ns))
    return tuple(rates)
