"""What a watched loop's waits add up to, what is said of them, and that watching changes nothing."""

import copy
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import count
from math import exp, log
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

import pipebench
from pipebench.kept import Kept
from pipebench.watching import hook, rank, waits, watch
from pipebench.watching.facts import Facts, facts, verdict
from pipebench.watching.headroom import AHEAD, MEASURED, Headroom, gains
from pipebench.watching.ranks import Seen, errors, headroom, read, sentences, slowdown
from pipebench.watching.text import duration, lines
from pipebench.watching.waits import Waits

MS = 1_000_000


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 10 * MS
        for module in (watch, hook, waits):
            monkeypatch.setattr(module, "now_ns", lambda: self.now)

    def batches(self, *milliseconds: int) -> Iterator[int]:
        for number, wait in enumerate(milliseconds):
            self.now += wait * MS
            yield number


class Loader:
    """Whose batches take these times."""

    def __init__(self, clock: Clock, *milliseconds: int) -> None:
        self.clock, self.milliseconds = clock, milliseconds
        self.sampler = "mine"

    def __iter__(self) -> Iterator[int]:
        return self.clock.batches(*self.milliseconds)

    def __len__(self) -> int:
        return len(self.milliseconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    watch._forget()
    return Clock(monkeypatch)


def loop(watched: Any, clock: Clock, step: int, until: int | None = None) -> list[int]:
    seen = []
    for batch in watched:
        seen.append(batch)
        clock.now += step * MS
        if len(seen) == until:
            break
    return seen


def test_waits_and_steps_add_up_over_epochs(clock: Clock) -> None:
    loader = Loader(clock, 50, 1, 2, 3)
    for _ in range(2):
        assert loop(pipebench.watch(loader, tell=False), clock, 10) == [0, 1, 2, 3]
        clock.now += 500 * MS  # what is between epochs is neither wait nor step
    found = pipebench.watch(loader, tell=False).facts()
    assert found is not None
    assert (found.steps, found.epochs) == (8, 2)
    assert found.data_wait == pytest.approx((6 + 56) / (6 + 56 + 80))
    assert (found.first_batch, found.later_first_batch) == (0.05, 0.05)
    assert (found.p50, found.p95) == (0.002, 0.05)
    assert found.busy_a_step == pytest.approx(0.01)


def test_a_loop_that_is_left_counts_up_to_there(clock: Clock) -> None:
    watched = pipebench.watch(Loader(clock, 5, 5, 5, 5), tell=False)
    assert loop(watched, clock, 5, until=3) == [0, 1, 2]
    found = watched.facts()
    assert found is not None
    assert found.steps == 3
    assert found.data_wait == pytest.approx(10 / 25)


def test_all_else_is_the_loaders_own(clock: Clock) -> None:
    watched = pipebench.watch(Loader(clock, 1, 1), tell=False)
    assert (len(watched), watched.sampler) == (2, "mine")
    assert watched.report() == "no batch has come yet"
    with pytest.raises(AttributeError, match="nothing"):
        _ = watched.nothing
    with pytest.raises(TypeError):
        len(pipebench.watch(iter([]), tell=False))


def test_what_has_no_hash_is_known_again(clock: Clock) -> None:
    batches = [1, 2, 3]
    for _ in range(2):
        assert loop(pipebench.watch(batches, tell=False), clock, 1) == batches
    found = pipebench.watch(batches, tell=False).facts()
    assert found is not None
    assert (found.steps, found.epochs) == (6, 2)
    assert pipebench.watch([1, 2, 3], tell=False).facts() is None


def test_a_loader_made_anew_for_each_epoch_is_one(clock: Clock) -> None:
    for _ in range(3):
        loop(pipebench.watch(Loader(clock, 1, 1, 1, 1, 1), tell=False), clock, 1)
    found = pipebench.watch(Loader(clock, 1, 1, 1, 1, 1), tell=False).facts()
    assert found is not None
    assert found.epochs == 3
    assert pipebench.watch(Loader(clock, 1), tell=False).facts() is None  # another length is another loader


def test_a_loop_over_next_of_iter_has_steps(clock: Clock) -> None:
    loader = Loader(clock, 5, 1)
    for _ in range(101):
        next(iter(pipebench.watch(loader, tell=False)))
        clock.now += 15 * MS
    found = pipebench.watch(loader, tell=False).facts()
    assert found is not None
    assert found.data_wait == pytest.approx(0.25, abs=0.01)


def test_one_look_at_a_batch_is_no_step(clock: Clock) -> None:
    loader = Loader(clock, 5, 5, 5, 5)
    next(iter(pipebench.watch(loader, tell=False)))
    clock.now += 60_000 * MS  # a model is made meanwhile
    for _ in range(2):
        loop(pipebench.watch(loader, tell=False), clock, 5)
    found = pipebench.watch(loader, tell=False).facts()
    assert found is not None
    assert found.data_wait == pytest.approx(0.5)


def test_a_watched_loader_can_be_copied_and_asked_for_its_truth(clock: Clock) -> None:
    watched = pipebench.watch(Loader(clock, 1, 1), tell=False)
    assert watched
    assert len(copy.copy(watched)) == 2


def test_errors_of_the_loader_pass(clock: Clock) -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        loop(pipebench.watch(broken(), tell=False), clock, 1)


def test_the_latest_waits_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "KEPT", 4)
    found = Waits("x")
    epoch = found.begin()
    for step in range(10):
        epoch.step(100 * step, 100 * step + step)
    assert sorted(found.latest_ns) == [6, 7, 8, 9]
    assert found.wait_ns == sum(range(10))


def known(**changes: Any) -> Facts:
    plain = Facts(
        label="L",
        steps=100,
        epochs=1,
        data_wait=0.3,
        p50=0.003,
        p95=0.004,
        p99=0.005,
        first_batch=1.5,
        later_first_batch=None,
        steps_per_second=100.0,
        busy_a_step=0.007,
        core_use=0.5,
        ahead=False,
        device_idle=None,
    )
    return replace(plain, **changes)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"data_wait": 0.04}, "Fine: the loop waits 4.0% .* a perfect loader makes it at most 1.04x faster."),
        ({"data_wait": 0.2, "core_use": None}, "Moderate: the loop waits 20.0% of its time for data;"),
        ({"data_wait": 0.5, "core_use": 0.9}, "Severe: .* 2.00x .* The cores are 90% used: the loader's own"),
        ({"data_wait": 0.5, "core_use": 0.3}, "Severe: .* at most 2.00x .* The cores are 30% used: workers"),
        ({"data_wait": 0.04, "core_use": 0.9}, "Fine: .* 1.04x faster, and more if this one's work slows"),
        ({"data_wait": 0.2, "core_use": None}, "Moderate: .* 1.25x faster, and more if this one's work"),
        ({"data_wait": 1.0}, "faster without limit"),
        ({"data_wait": None}, "Too few steps"),
        ({"ahead": True}, "The loop waits 30.0% .* not known from here, .* watch --headroom' measures"),
        ({"ahead": True, "data_wait": 0.01}, "Fine: "),
        ({"ahead": True, "device_idle": 0.25}, "Severe: the CUDA device idles 25.0% .* at most 1.33x faster"),
        ({"ahead": True, "device_idle": 0.01}, "Fine: the CUDA device idles 1.0%"),
    ],
)  # fmt: skip
def test_the_verdict(changes: dict[str, Any], says: str) -> None:
    assert re.match(f"({says})|.*({says})", verdict(known(**changes)))


def test_one_step_tells_nothing() -> None:
    found = Waits("x")
    assert facts(found, 2) is None
    found.begin().step(0, 5)
    told = facts(found, 2)
    assert told is not None
    assert (told.data_wait, told.steps_per_second) == (None, None)


def test_the_table_fits_eighty_columns() -> None:
    text = lines([(0, known()), (None, known(data_wait=None, busy_a_step=None, core_use=None))])
    assert max(map(len, text)) <= 80
    assert " ".join(text[2].split()) == "0 100 1 30.0% 3 ms 4 ms 5 ms 1.5 s 7 ms 50%"


@pytest.mark.parametrize(("seconds", "text"), [(2.345, "2.35 s"), (0.0123, "12.3 ms"), (4.5e-6, "4.5 us")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def turns(headroom_: Headroom, real_ms: int, replayed_ms: int, steps: int) -> list[Any]:
    """Drives it: what each step got, by a clock on which both sorts of steps take their time."""
    now, numbers, handed = 0, count(), []
    for _ in range(steps):
        replays = headroom_.replays
        now += (replayed_ms if replays else real_ms) * MS
        batch = headroom_.again() if replays else next(numbers)
        headroom_.came(batch, now, now, first=False, last=False)
        handed.append(batch)
    return handed


def test_stretches_take_turns_at_set_steps() -> None:
    length = 3 + AHEAD + MEASURED
    handed = turns(Headroom(3), 10, 4, 3 * length)
    assert handed[:length] == list(range(length))
    assert set(handed[length : 2 * length]) == {0}
    assert handed[2 * length :] == list(range(length, 2 * length))


def test_the_gain_is_that_of_the_steps() -> None:
    found = Headroom(0)
    turns(found, 10, 4, 6 * (AHEAD + MEASURED))
    assert [exp(gain) for gain in gains(found.seconds) if gain] == pytest.approx([2.5] * 3)


def test_a_host_that_drifts_cancels_out() -> None:
    assert gains([1.0, 0.55, 1.2, 0.65, 1.4]) == pytest.approx([log(2), log(2)])
    assert gains([1.0]) == []
    assert gains([1.0, 0.5, None, 0.5, 1.0, None, 1.0, 0.5]) == [None, None, None, pytest.approx(log(2))]


def seen(rank: int, wait: float, busy: float, seconds: tuple[float | None, ...] = ()) -> Seen:
    changes = {"data_wait": wait / (wait + busy), "steps_per_second": 1 / (wait + busy), "busy_a_step": busy}
    return Seen(rank=rank, facts=known(**changes), seconds=seconds)


def test_the_rank_that_others_wait_for_is_named() -> None:
    said = sentences([seen(0, 0.002, 0.018), seen(1, 0.012, 0.008), seen(2, 0.001, 0.019)])
    assert said[0].startswith("Rank 1 waits longest for data. Severe: the loop waits 60.0%")
    assert said[1] == "The other ranks wait for it."


@pytest.mark.parametrize("others", [(0.012, 0.008), (0.002, 0.008)])
def test_ranks_that_wait_alike_or_step_alike_hold_nobody_up(others: tuple[float, float]) -> None:
    said = sentences([seen(0, *others), seen(1, 0.0121, 0.008)])
    assert said[1] == "No rank is waited for more than the others."


def test_headroom_is_over_the_pairs_that_all_ranks_have() -> None:
    group = [seen(0, 1, 1, (2.0, 1.0, 2.0, 1.0)), seen(1, 1, 1, (4.0, 2.0, 4.0))]
    found = headroom(group)
    assert found is not None
    assert found.blocks == 1
    assert found.ratio.estimate == pytest.approx(2)
    assert slowdown(found).estimate == pytest.approx(0.5)
    assert headroom([seen(0, 1, 1)]) is None
    assert headroom([seen(0, 1, 1, (2.0, None, 2.0))]) is None


def fake_torch(clock: Clock) -> Any:
    """What `hook.patch` wraps."""

    class _BaseDataLoaderIter:
        def __init__(self, loader: Any) -> None:
            self._loader = loader
            self._reset(loader)

        def _reset(self, loader: Any) -> None:
            self._batches = clock.batches(*loader.milliseconds)

        def __next__(self) -> int:
            return next(self._batches)

    class DataLoader:
        batch_size, num_workers, prefetch_factor, batch_sampler = 8, 1, 2, None

        def __init__(self, dataset: Any, *milliseconds: int) -> None:
            self.dataset, self.milliseconds = dataset, milliseconds

        def __len__(self) -> int:
            return len(self.milliseconds)

        def __iter__(self) -> Any:
            clock.now += 30 * MS
            return _BaseDataLoaderIter(self)

    return SimpleNamespace(DataLoader=DataLoader, _BaseDataLoaderIter=_BaseDataLoaderIter)


@pytest.fixture
def torch(clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Patched, in a process that has watched nothing yet and writes to `tmp_path`."""
    monkeypatch.setenv(hook.FOLDER, str(tmp_path))
    monkeypatch.setattr(hook, "_state", hook._State())
    monkeypatch.setattr(hook, "APART_NS", -1)
    monkeypatch.setattr(hook, "MOST_SHARE", 1e9)
    found = fake_torch(clock)
    hook.patch(found)
    return found


def trained(clock: Clock, loader: Any, step: int = 10) -> list[Any]:
    iterator, got = iter(loader), []
    clock.now += 999 * MS  # what happens between iter() and next() is nobody's wait
    while (batch := next(iterator, None)) is not None:
        got.append(batch)
        clock.now += step * MS
    return got


class Data:
    """A dataset."""


def test_a_dataloader_is_watched_from_outside(
    torch: Any, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "3")
    dataset = Data()
    for _ in range(2):  # made anew for each epoch
        assert trained(clock, torch.DataLoader(dataset, 5, 1, 1)) == [0, 1, 2]
    ((one,),) = read(tmp_path)
    assert one.rank == 3
    assert one.facts.label == "Data, batches of 8, 1 workers"
    assert (one.facts.steps, one.facts.epochs) == (6, 2)
    assert one.facts.first_batch == 0.035
    assert one.facts.data_wait == pytest.approx(39 / 99)


@pytest.mark.parametrize("dataset", [[1, 2], (1, 2), np.arange(2)])
def test_a_dataset_that_has_no_hash_is_one_loader(
    torch: Any, clock: Clock, tmp_path: Path, dataset: Any
) -> None:
    for _ in range(3):
        trained(clock, torch.DataLoader(dataset, 5, 1))
    ((one,),) = read(tmp_path)
    assert (one.facts.steps, one.facts.epochs) == (6, 3)


def test_a_dataset_made_anew_for_each_epoch_is_one_loader(torch: Any, clock: Clock, tmp_path: Path) -> None:
    """And one of another length is another."""
    for _ in range(50):
        trained(clock, torch.DataLoader(Data(), 5, 1))
        trained(clock, torch.DataLoader(Data(), 5, 1, 1))
    assert sorted(one.facts.steps for (one,) in read(tmp_path)) == [100, 150]


def test_a_wrapped_iterator_is_watched(torch: Any, clock: Clock, tmp_path: Path) -> None:
    """As libraries return one from a DataLoader of theirs."""

    class Wrapping(torch.DataLoader):  # type: ignore[misc] # it is made in a function
        def __iter__(self) -> Any:
            return map(str, iter_of(super().__iter__()))

    def iter_of(iterator: Any) -> Iterator[Any]:
        while (batch := next(iterator, None)) is not None:
            yield batch

    assert trained(clock, Wrapping(Data(), 5, 1)) == ["0", "1"]
    ((one,),) = read(tmp_path)
    assert one.facts.steps == 2


class Comparing(Data):
    """As a tensor does."""

    def __hash__(self) -> int:
        return 1

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("ambiguous")


def test_no_error_of_ours_reaches_the_training(torch: Any, clock: Clock, tmp_path: Path) -> None:
    trained(clock, torch.DataLoader(Comparing(), 5, 1))
    assert trained(clock, torch.DataLoader(Comparing(), 5, 1)) == [0, 1]

    hook._state.remembered.of = None  # type: ignore[assignment, method-assign] # so that watching fails
    for _ in range(2):
        assert trained(clock, torch.DataLoader(Data(), 5, 1, 1)) == [0, 1, 2]
    hook._write_all()
    assert errors(tmp_path) == ["TypeError: 'NoneType' object is not callable"]
    assert read(tmp_path)


def test_a_forked_child_has_watched_nothing(torch: Any, clock: Clock, tmp_path: Path) -> None:
    trained(clock, torch.DataLoader(Data(), 5, 1))
    hook._forget()
    assert hook._state.all == []
    trained(clock, torch.DataLoader(Data(), 5, 1, 1))
    assert [one.facts.steps for (one,) in read(tmp_path)] == [3]


@dataclass
class Buffered:
    """A DataLoader's iterator whose workers take so long a batch together, and keep so many ready."""

    clock: Clock
    batch_ns: int
    ahead: int
    ready: list[int] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)

    def __call__(self, _: Any = None) -> int:
        number = len(self.taken)
        free = self.taken[number - self.ahead] if number >= self.ahead else 0
        self.ready.append(max(self.ready[-1] if self.ready else 0, free) + self.batch_ns)
        self.clock.now = max(self.clock.now, self.ready[number])
        self.taken.append(self.clock.now)
        return number


@pytest.mark.parametrize("ahead", [2, 16, 64])
@pytest.mark.parametrize("ratio", [0.2, 0.5, 0.8, 0.95, 1.5, 4.0])
def test_the_gain_is_what_the_loader_costs_however_much_it_has_ready(
    torch: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch, ahead: int, ratio: float
) -> None:
    """Of a loader that delivers so many times what the step takes."""
    step = 10 * MS
    monkeypatch.setenv(hook.HEADROOM, "1")
    loader = torch.DataLoader(Data(), *[0] * 100_000)
    loader.num_workers, loader.prefetch_factor = ahead // 2, 2
    passing = hook._Passing(loader)
    assert passing._headroom is not None

    def sleep(seconds: float) -> None:
        clock.now += int(seconds * 1e9)

    monkeypatch.setattr("time.sleep", sleep)
    fetch = Buffered(clock, int(step / ratio), ahead)
    for _ in range(12 * (ahead + AHEAD + MEASURED)):
        passing.next(fetch, None)
        clock.now += step
    gained = [gain for gain in gains(passing._headroom.seconds) if gain is not None]
    assert len(gained) == 6
    assert exp(sum(gained) / 6) == pytest.approx(max(1.0, 1 / ratio), rel=0.04)


@pytest.fixture
def replaying(torch: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The same with headroom asked for, and no pause while the loader fills up."""
    monkeypatch.setenv(hook.HEADROOM, "1")
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    return torch


def test_epochs_of_one_batch_replay_nothing(replaying: Any, clock: Clock) -> None:
    dataset = Data()
    for _ in range(200):
        assert trained(clock, replaying.DataLoader(dataset, 1)) == [0]
    found = hook._state.all[0].headroom
    assert found is not None
    assert not found.has_replayed
    assert found.seconds == []


def test_a_replayed_epoch_is_no_longer_than_a_real_one(replaying: Any, clock: Clock) -> None:
    """A learning-rate schedule counts on it."""
    dataset = Data()
    for _ in range(3):
        assert len(trained(clock, replaying.DataLoader(dataset, *[1] * 100))) == 100


def test_what_passes_between_epochs_is_no_step(replaying: Any, clock: Clock) -> None:
    dataset = Data()
    for _ in range(40):
        trained(clock, replaying.DataLoader(dataset, *[10] * 17), step=10)
        clock.now += 60_000 * MS  # validation
    seconds = hook._state.all[0].headroom.seconds  # type: ignore[union-attr] # it was asked for
    found = [exp(gain) for gain in gains(seconds) if gain is not None]
    assert len(found) > 10
    assert found == pytest.approx([2.0] * len(found), rel=0.1)


class Tensor:
    """Stands for PyTorch's: counts its in-place changes."""

    def __init__(self, value: float) -> None:
        self.value, self._version = value, 0

    def detach(self) -> "Tensor":
        return self

    def clone(self) -> "Tensor":
        return Tensor(self.value)

    def is_pinned(self) -> bool:
        return False

    def sub_(self, value: float) -> None:
        self.value -= value
        self._version += 1


class Pair(NamedTuple):
    x: Any
    y: Any


def test_a_batch_is_handed_out_as_it_was_whatever_is_done_to_it() -> None:
    labels = np.arange(3)
    batch: dict[str, Any] = {
        "x": Tensor(5),
        "labels": labels,
        "more": [(Tensor(1), "name")],
        "pair": Pair(Tensor(2), 3),
    }
    kept = Kept(batch)
    batch["x"].sub_(1)  # the script has the batch itself too
    for _ in range(3):
        found = kept.again()
        assert found["pair"].x.value == 2
        assert found.pop("labels") is labels
        assert found["x"].value == 5
        found["x"].sub_(2)
        found["more"][0][0].sub_(1)
        found["more"].append("mine")
    again: Any = kept.again()
    assert again["more"][0][0].value == 1
    assert len(again["more"]) == 1
    assert again["x"] is kept.again()["x"]  # nothing is copied where nothing was changed


def test_what_ranks_wrote_is_grouped(tmp_path: Path) -> None:
    wrote(tmp_path, 1, 0, loaders=2)
    (tmp_path / "9.part").write_text("{")
    assert [[one.rank for one in group] for group in read(tmp_path)] == [[0, 1], [0, 1]]


def wrote(folder: Path, *ranks: int | None, loaders: int = 1) -> None:
    """What processes that began in this order leave behind."""
    loader = {"facts": asdict(known(core_use=0.25)), "seconds": [], "replayed": False}
    for number, own in enumerate(ranks):
        told = {"rank": own, "begun_ns": number, "cpus": [0, 1], "loaders": [loader] * loaders}
        (folder / f"{100 - number}.json").write_text(json.dumps(told))


def test_processes_that_ran_in_turn_are_no_ranks_of_each_other(tmp_path: Path) -> None:
    wrote(tmp_path, 0, 1, None, 1, 0, None)
    groups = [[one.rank for one in group] for group in read(tmp_path)]
    assert sorted(groups, key=str) == [[0, 1], [0, 1], [None], [None]]


class Distributed:
    """Stands for `torch.distributed`, in a process that no launcher has told its rank."""

    ready = False

    def is_available(self) -> bool:
        return True

    def is_initialized(self) -> bool:
        return self.ready

    def get_rank(self) -> int:
        return 2


def test_the_rank_is_the_process_groups_or_the_launchers(monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = Distributed()
    monkeypatch.setitem(sys.modules, rank.DISTRIBUTED, distributed)
    monkeypatch.setattr(rank, "_noted", [])
    for name in rank.LAUNCHERS:
        monkeypatch.delenv(name, raising=False)
    rank.note()
    assert rank.rank() is None
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert rank.rank() == 1
    distributed.ready = True
    rank.note()
    distributed.ready = False  # as when a process ends
    assert rank.rank() == 2


def test_core_use_is_that_of_all_ranks_on_the_same_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrote(tmp_path, 0, 1, None)
    monkeypatch.setattr("pipebench.watching.ranks.cgroup_quota", lambda: None)
    assert [[one.facts.core_use for one in group] for group in read(tmp_path)] == [[0.5, 0.5], [0.25]]
    monkeypatch.setattr("pipebench.watching.ranks.cgroup_quota", lambda: 1.0)
    assert [[one.facts.core_use for one in group] for group in read(tmp_path)] == [[1.0, 1.0], [0.5]]


def test_what_another_version_wrote_is_left_out(tmp_path: Path) -> None:
    wrote(tmp_path, 0)
    (tmp_path / "7.json").write_text(json.dumps({"rank": 1, "loaders": [{"facts": {"label": "L"}}]}))
    (tmp_path / "8.json").write_text("{")
    assert [[one.rank for one in group] for group in read(tmp_path)] == [[0]]
    assert errors(tmp_path) == ["its own pipebench is another version, whose notes can't be read here"]
