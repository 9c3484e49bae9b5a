"""Why cores stand idle while the loader is what everybody waits for.

A stage's work is then not the cause. What is: reads that are waited for, too few workers, the hand-over of
batches, or a lock. Each has to show itself in phases that the others would leave as they are; where none
does, or two do, the answer is `undecided`.
"""

from math import hypot

from pipebench.contract import Stage
from pipebench.diagnosis.evidence import Detail, Evidence, Named, Narrow
from pipebench.diagnosis.seen import Seen, ratio_of
from pipebench.stats import Interval

YES, NO = 0.6, 0.4
"""Share of the idle time that must for certain be there already in a cut, or must not be."""
ALIKE = 0.8
"""Share of the whole loader's idle share of the time that a cut must have for certain, to idle as it does."""
GAIN, NO_GAIN = 1.1, 1.2
"""A probe helps if the lower bound of its ratio is above the first, and does not if the upper is below the
second, which a pair of single trials can show."""
SATURATED = 0.85
"""Of a core or of all cores: work fills it."""
MOSTLY = 0.5
LOCKED, MORE_LOCKED = 0.2, 0.4
"""Share of the looks at workers that met them waiting for a lock; two that take turns show 0.5, and twice as
many more."""


_UNCUT = (
    "cores stand idle; of a loader that was not cut it can't be told whether for storage, too few workers, "
    "the hand-over of batches, or a lock"
)


def explain(evidence: Evidence) -> Named:
    """What keeps cores idle."""
    for rule in (_consumer_is_full, _too_few_workers, _hand_over, _reads, _lock):
        named = rule(evidence)
        if named is not None:
            return named
    if not evidence.cuts:
        return Named(Narrow.UNDECIDED, why=(_UNCUT,))
    return Named(Narrow.UNDECIDED, why=("cores stand idle, and no phase shows what for",))


def _consumer_is_full(evidence: Evidence) -> Named | None:
    """All goes through one thread, which has no time left."""
    loader = evidence.loader
    if evidence.cores < 2 or loader.consumer is None or loader.use is None or loader.consumer < SATURATED:
        return None
    used = evidence.cores * loader.use.estimate
    if loader.consumer > 0.9 * used:
        return Named(
            Narrow.OVERHEAD, Detail.WORKERS, ("one thread does all the work, and no worker helps it",)
        )
    why = f"the thread that takes the batches is busy {loader.consumer:.0%} of the time"
    return Named(Narrow.OVERHEAD, Detail.HAND_OVER, (why,))


def _too_few_workers(evidence: Evidence) -> Named | None:
    """More of them help, those that are there are at work, and what is idle was idle before the hand-over."""
    gain = _gain(evidence, evidence.more_workers)
    reading, before = _share_in(evidence, Stage.READ), _share_in(evidence, Stage.TRANSFORM)
    if gain is None or gain.low < GAIN or reading is None or reading.high > NO:
        return None
    told = f"with twice the workers the loader is {_times(gain)} as fast"
    if before is None or before.low < YES:
        return None
    if not _uses_more(evidence):
        return Named(Narrow.UNDECIDED, why=(told, "but it is not shown to use more of its cores then"))
    if (batch := _gain(evidence, evidence.larger_batch)) is not None and batch.low > GAIN:
        return Named(Narrow.UNDECIDED, why=(told, "and so it is with larger batches"))
    if not _are_at_work(evidence):
        return Named(Narrow.UNDECIDED, why=(told, "but those that are there are not shown to be busy"))
    return Named(Narrow.OVERHEAD, Detail.WORKERS, (_idle(evidence), told))


def _are_at_work(evidence: Evidence) -> bool:
    """For most of their time: theirs is what the thread that takes the batches doesn't use."""
    use, consumer = evidence.loader.use, evidence.loader.consumer or 0.0
    if use is None or not evidence.workers:
        return False
    return evidence.cores * use.low - consumer >= MOSTLY * evidence.workers


def _hand_over(evidence: Evidence) -> Named | None:
    batch = _gain(evidence, evidence.larger_batch)
    if batch is not None and batch.low > GAIN:
        reading = _share_in(evidence, Stage.READ)
        if evidence.is_remote and reading is not None and reading.high > NO:
            return None  # larger batches may be fetched with more requests at once
        told = f"with batches of twice the size the loader is {_times(batch)} as fast"
        return Named(Narrow.OVERHEAD, Detail.HAND_OVER, (_idle(evidence), told))
    before = _share_in(evidence, Stage.TRANSFORM)
    if before is None or before.high > NO:
        return None
    told = f"{1 - before.estimate:.0%} of the idle time is there only when batches are handed over"
    return Named(Narrow.OVERHEAD, Detail.HAND_OVER, (_idle(evidence), told))


_FOR_BYTES = ("sleeps", "reads", "lock")
"""What a worker that reads may wait in, once a lock among workers is ruled out."""


def _reads(evidence: Evidence) -> Named | None:
    """Where the loader idles as much when it only reads."""
    share, read = _share_in(evidence, Stage.READ), evidence.cuts.get(Stage.READ)
    if share is None or read is None or share.low < YES:
        return None
    told = f"{min(share.estimate, 1):.0%} of the idle time is there when samples are only read"
    if evidence.is_remote:
        return _remote_reads(evidence, told)
    if evidence.larger_batch is None:
        return Named(Narrow.UNDECIDED, why=(told, "but larger batches were not tried"))
    if read.share_of_waits("idle") > MOSTLY:
        waiting = f"workers then wait for others in {read.share_of_waits('idle'):.0%} of the looks"
        return Named(Narrow.OVERHEAD, Detail.HAND_OVER, (told, waiting))
    if takes_turns(evidence, read):
        return _locked_reads(evidence, read, told)
    alone = evidence.read_one_core
    if alone is None or alone.use is None or alone.use.high > SATURATED:
        return Named(Narrow.UNDECIDED, why=(told, "but a single core is not shown to idle too"))
    if read.waits and sum(map(read.share_of_waits, _FOR_BYTES)) < MOSTLY:
        return Named(Narrow.UNDECIDED, why=(told, "but workers are not met waiting for bytes"))
    return Named(Narrow.STORAGE, why=(_idle(evidence), told))


def _remote_reads(evidence: Evidence, told: str) -> Named:
    """Workers wait for sockets as they do for each other, so only one core's idleness tells."""
    alone = evidence.read_one_core
    if alone is None or alone.use is None or alone.use.high > SATURATED:
        return Named(Narrow.UNDECIDED, why=(told, "but a single core is not shown to idle too"))
    return Named(Narrow.STORAGE, why=(_idle(evidence), told))


def takes_turns(evidence: Evidence, seen: Seen) -> bool:
    """Whether workers were met waiting for a lock that one of them holds."""
    return _in_turns(seen, evidence.workers, LOCKED)


def _in_turns(seen: Seen, workers: int, least: float) -> bool:
    """If all workers wait at a time, what they wait for is no lock which one of them holds."""
    share = seen.share_of_waits("lock")
    return share > least and not (workers > 1 and share > 1 - 0.5 / workers)


def _locked_reads(evidence: Evidence, read: Seen, told: str) -> Named:
    """A lock, if its holder works; one that sleeps could as well be a device that takes its time."""
    if _more_gain_nothing(evidence) and _keeps_a_core(read):
        return Named(Narrow.OVERHEAD, Detail.LOCK, (told, *_lock_reasons(evidence)))
    return Named(Narrow.UNDECIDED, why=(told, "and workers wait for a lock meanwhile"))


def _keeps_a_core(seen: Seen) -> bool:
    """Whether the phase uses one core at least, as whoever holds a lock and works does."""
    return seen.use is not None and seen.cores * seen.use.high >= SATURATED


def _lock(evidence: Evidence) -> Named | None:
    """Workers take turns, so that more of them help nothing."""
    reading, before = _share_in(evidence, Stage.READ), _share_in(evidence, Stage.TRANSFORM)
    if reading is None or before is None or reading.high > NO:
        return None
    if before.low < YES and not _idles_alike(evidence, Stage.TRANSFORM):
        return None
    if not _more_gain_nothing(evidence) or not _is_locked(evidence):
        return None
    return Named(Narrow.OVERHEAD, Detail.LOCK, (_idle(evidence), *_lock_reasons(evidence)))


def _is_locked(evidence: Evidence) -> bool:
    """Seen in worker processes, of which one works or sleeps meanwhile.

    Threads of one process cannot be looked into, but fill one core alone.
    """
    loader, alone = evidence.loader, evidence.one_core
    if loader.waits:
        held = _keeps_a_core(loader) or loader.share_of_waits("sleeps") > LOCKED
        return held and (takes_turns(evidence, loader) or _more_take_turns(evidence))
    return alone is not None and alone.use is not None and alone.use.low > SATURATED


def _more_take_turns(evidence: Evidence) -> bool:
    """The same with twice the workers, of whom all but one wait."""
    more = evidence.more_workers
    return more is not None and _in_turns(more, 2 * evidence.workers, MORE_LOCKED)


def _lock_reasons(evidence: Evidence) -> tuple[str, ...]:
    more = evidence.more_workers
    assert more is not None  # who more of helps nothing
    gain = ratio_of(more.rate, evidence.loader.rate)
    told = f"with twice the workers the loader is {_times(gain)} as fast"
    if gain.high >= NO_GAIN:
        told = "with twice the workers the loader uses no more of its cores"
    shares = [seen.share_of_waits("lock") for seen in (evidence.loader, more) if seen.waits]
    if not shares:
        return ("threads of one process fill one core and no more", told)
    looks = ", and with twice as many of them in ".join(f"{share:.0%} of the looks" for share in shares)
    return (f"workers were met waiting for a lock in {looks}", told)


def _share_in(evidence: Evidence, stage: Stage) -> Interval | None:
    """Share of the whole loader's idle time that is there if it is cut after `stage`."""
    cut, whole = evidence.cuts.get(stage), evidence.loader.idle_seconds
    if cut is None or cut.idle_seconds is None or whole is None or not whole.estimate:
        return None
    idle, share = cut.idle_seconds, cut.idle_seconds.estimate / whole.estimate
    half = hypot((idle.high - idle.low) / 2, share * (whole.high - whole.low) / 2) / whole.estimate
    return Interval(share, max(0.0, share - half), share + half)


def _idles_alike(evidence: Evidence, stage: Stage) -> bool:
    """Whether the loader cut after `stage` leaves no more of its cores' time in use than the whole one.

    That is known better than idle time a sample where batches come so unevenly that their rates are not.
    """
    cut, whole = evidence.cuts.get(stage), evidence.loader
    if cut is None or cut.use is None or whole.use is None:
        return False
    return 1 - cut.use.high > ALIKE * (1 - whole.use.estimate)


def _gain(evidence: Evidence, probe: Seen | None) -> Interval | None:
    return None if probe is None else ratio_of(probe.rate, evidence.loader.rate)


def _more_gain_nothing(evidence: Evidence) -> bool:
    """Whether twice the workers raise no rate, or no core use, which is known better in uneven batches."""
    gain = _gain(evidence, evidence.more_workers)
    return gain is not None and (gain.high < NO_GAIN or _uses_no_more(evidence))


def _uses_more(evidence: Evidence) -> bool:
    """As twice the workers must, if they do more of the work."""
    uses = _uses(evidence)
    return uses is not None and uses[1].low > uses[0].high


def _uses_no_more(evidence: Evidence) -> bool:
    uses = _uses(evidence)
    return uses is not None and min(use.low for use in uses) > 0 and ratio_of(uses[1], uses[0]).high < NO_GAIN


def _uses(evidence: Evidence) -> tuple[Interval, Interval] | None:
    """Of the cores, by the loader as it is and with twice the workers."""
    more, use = evidence.more_workers, evidence.loader.use
    return (use, more.use) if use is not None and more is not None and more.use is not None else None


def _idle(evidence: Evidence) -> str:
    use = evidence.loader.use
    assert use is not None
    return f"the loader uses {use.estimate:.0%} of its {evidence.cores} cores"


def _times(interval: Interval) -> str:
    return f"{interval.estimate:.2f}x [{interval.low:.2f}, {interval.high:.2f}]"
