"""Usage per sample, from two snapshots of the process tree."""

from collections.abc import Callable
from dataclasses import asdict

from pipebench.resources import Resources
from pipebench.results import Record
from pipebench.usage import usage


def totals(factor: int) -> dict[str, int]:
    return asdict(
        Resources(
            user_ns=390_000_000 * factor,
            system_ns=39_000_000 * factor,
            read_bytes=390 * factor,
            memory_bytes=100,
            shared_memory_bytes=50,
            switches=780 * factor,
            open_files=7,
            processes=3,
        )
    )


def test_usage_is_what_was_added_after_the_first_batch(make_record: Callable[..., Record]) -> None:
    """The record holds 40 batches of 10 samples."""
    resources = {"first": totals(1), "last": totals(2), "memory_bytes": [100, 300, 200]}
    used = usage(make_record(resources=resources))
    assert used is not None
    assert used.user_seconds_per_sample == 0.001
    assert used.system_seconds_per_sample == 0.0001
    assert used.switches_per_sample == 2
    assert used.bytes_read_per_sample == 1
    assert (used.memory_bytes, used.open_files, used.processes) == (300, 7, 3)


def test_what_was_fetched_is_told_of_each_sample_delivered(make_record: Callable[..., Record]) -> None:
    resources = {"first": totals(1), "last": totals(2), "memory_bytes": [100]}
    used = usage(make_record(resources=resources, cache={"fetched_bytes": 4000, "requests": 200}))
    assert used is not None
    assert (used.fetched_bytes_per_sample, used.requests_per_sample) == (10, 0.5)
    used = usage(make_record(resources=resources))
    assert used is not None
    assert (used.fetched_bytes_per_sample, used.requests_per_sample) == (0, 0)


def test_a_trial_that_failed_used_nothing_that_counts(make_record: Callable[..., Record]) -> None:
    assert usage(make_record(status="failed", trace=None)) is None
    assert usage(make_record()) is None
