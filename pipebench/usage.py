"""What a trial's process tree used, beyond the CPU time that `figures.py` takes from the window."""

from dataclasses import dataclass

from pipebench.results import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Per sample: from the first batch to the end of the loop. Whatever has exited is counted."""

    user_seconds_per_sample: float
    system_seconds_per_sample: float
    switches_per_sample: float
    bytes_read_per_sample: float
    fetched_bytes_per_sample: float
    """From object stores, as far as pipebench itself fetched them. Over the whole loop: what was fetched
    ahead and not delivered is in it."""
    requests_per_sample: float
    """With which those bytes were fetched, repeated ones included."""
    memory_bytes: int
    """Peak of the looks, one a second; shared pages count once."""
    shared_memory_bytes: int
    open_files: int
    processes: int


def usage(record: Record) -> Usage | None:
    """The usage of an `ok` measuring trial of more than one batch, or None."""
    if record.status != "ok" or record.trace is None or not record.resources:
        return None
    first, last = record.resources["first"], record.resources["last"]
    samples = sum(record.trace.sizes[1:])
    if samples == 0:
        return None
    return Usage(
        user_seconds_per_sample=(last["user_ns"] - first["user_ns"]) / 1e9 / samples,
        system_seconds_per_sample=(last["system_ns"] - first["system_ns"]) / 1e9 / samples,
        switches_per_sample=(last["switches"] - first["switches"]) / samples,
        bytes_read_per_sample=(last["read_bytes"] - first["read_bytes"]) / samples,
        fetched_bytes_per_sample=record.cache.get("fetched_bytes", 0) / sum(record.trace.sizes),
        requests_per_sample=record.cache.get("requests", 0) / sum(record.trace.sizes),
        memory_bytes=max(record.resources["memory_bytes"]),
        shared_memory_bytes=max(first["shared_memory_bytes"], last["shared_memory_bytes"]),
        open_files=last["open_files"],
        processes=last["processes"],
    )
