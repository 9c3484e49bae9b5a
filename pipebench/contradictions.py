"""Raw values of a trial that cannot all be true."""

from collections.abc import Iterator

from pipebench.measure import Trace
from pipebench.results import Record

SLACK_NS = 200_000_000
"""A look is dated by a batch's arrival and taken a little later, later still where all cores are busy."""


def contradictions(record: Record) -> Iterator[str]:
    """One sentence each, for a trial that has figures."""
    trace = record.trace
    if trace is None:
        return
    yield from _order(record, trace)
    yield from _sizes(record, trace)
    yield from _epochs(record, trace)
    yield from _looks(trace, len(record.spec.cpus))
    if any(end <= begin for begin, end in record.device_ns):
        yield "a step ended on the accelerator before it had begun"


def _order(record: Record, trace: Trace) -> Iterator[str]:
    times = record.times_ns
    moments = [times[name] for name in ("spawned", "imported", "step_ready", "loader_ready")]
    if sorted(moments) != moments:
        yield "its start-up's moments are out of order"
    elif moments[-1] > trace.asked_ns[0]:
        yield "a batch was asked for before the loader was ready"


def _sizes(record: Record, trace: Trace) -> Iterator[str]:
    largest = max(trace.sizes)
    if record.spec.data and largest > record.spec.batch_size:
        yield f"a batch of {largest} samples where {record.spec.batch_size} were asked for"


def _epochs(record: Record, trace: Trace) -> Iterator[str]:
    """Whole epochs deliver the same samples each."""
    bounds = zip(trace.epochs, trace.epochs[1:], strict=False)
    sums = {sum(trace.sizes[begin:end]) for begin, end in bounds}
    if len(sums) > 1:
        yield f"epochs of {min(sums)} and of {max(sums)} samples"
    if record.spec.cache == "cold" and len(trace.epochs) > 1:
        yield "a cold trial of more than one epoch"


def _looks(trace: Trace, cores: int) -> Iterator[str]:
    if len(trace.looks) < 2:
        return
    begin, end = trace.looks[0], trace.looks[-1]
    used, busy = end.cpu_ns - begin.cpu_ns, end.host_busy_ns - begin.host_busy_ns
    passed = end.at_ns - begin.at_ns
    if used < 0:
        yield "its CPU time went back"
    if used > cores * (passed + SLACK_NS):
        yield f"it used {used / passed:.2f} cores and was allowed {cores}"
    if used - busy > cores * SLACK_NS:
        yield "the host was less busy than the trial alone"
    late = [look for look in trace.looks if look.at_ns < trace.got_ns[look.batches - 1]]
    if late:
        yield "a look at the process tree came before the batches that it counts"
