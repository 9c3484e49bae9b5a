"""Who may write to a folder of an object store: with a store and clocks that are made up, and for real."""

import threading
from collections.abc import Callable

import pytest

from pipebench import files
from pipebench.datasets_prep.sharding import remote_lock as _remote_lock
from pipebench.datasets_prep.sharding.remote_lock import STALE_SECONDS, Claim, locked_remotely
from pipebench.errors import BadInput

FOLDER, TARGET = "s3://bucket/dst/.sharding/lock", "s3://bucket/dst"


class Store:
    """Objects with the times at which they were written, and a clock for all."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.written: dict[str, float] = {}
        self.before_write: Callable[[], None] = lambda: None
        self.reachable = True

    def write(self, url: str, content: bytes) -> None:
        self._reach()
        act, self.before_write = self.before_write, lambda: None
        act()
        self.written[url.rpartition("/")[2]] = self.now

    def times(self, folder: str) -> dict[str, float]:
        self._reach()
        assert folder == FOLDER
        return dict(self.written)

    def remove(self, url: str) -> None:
        self._reach()
        self.written.pop(url.rpartition("/")[2], None)

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def _reach(self) -> None:
        if not self.reachable:
            raise OSError(5, "the connection was refused")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    made = Store()
    monkeypatch.setattr(_remote_lock, "write_whole", made.write)
    monkeypatch.setattr(_remote_lock, "times", made.times)
    monkeypatch.setattr(_remote_lock, "remove", made.remove)
    return made


def claim(store: Store, ahead: float = 0.0) -> Claim:
    """One by a host whose own clock is far off; only differences of it count."""
    return Claim(FOLDER, TARGET, lambda: store.now + ahead)


def test_the_second_is_refused_and_leaves_nothing(store: Store) -> None:
    first, second = claim(store), claim(store, 1e6)
    first.take(store.pause)
    store.now += 12
    with pytest.raises(BadInput, match="is being written by another process, which showed itself 12 s ago"):
        second.take(store.pause)
    assert len(store.written) == 1
    first.check()
    first.withdraw()
    second.take(store.pause)
    second.check()


def test_one_that_was_not_renewed_is_taken_over(store: Store) -> None:
    first, second = claim(store), claim(store)
    first.take(store.pause)
    store.now += STALE_SECONDS + 1
    second.take(store.pause)
    assert len(store.written) == 1
    second.check()
    with pytest.raises(BadInput, match="could not be kept locked"):
        first.check()
    first.renew()
    assert first.lost
    second.renew()
    assert not second.lost


def test_one_that_is_renewed_stays(store: Store) -> None:
    first = claim(store)
    first.take(store.pause)
    for _ in range(20):
        store.now += 15
        first.renew()
        first.check()
        with pytest.raises(BadInput):
            claim(store).take(store.pause)
    assert not first.lost


def test_an_owner_that_slept_while_nobody_came_goes_on(store: Store) -> None:
    first = claim(store)
    first.take(store.pause)
    store.now += 1000
    with pytest.raises(BadInput):
        first.check()
    first.renew()
    first.check()


def test_an_owner_that_slept_gives_way_to_one_that_comes_while_it_wakes(store: Store) -> None:
    """The other looks, and removes the stale claim, between the owner's look and its renewal."""
    first, second = claim(store), claim(store)
    first.take(store.pause)
    store.now += STALE_SECONDS + 1
    store.before_write = lambda: second.take(store.pause)
    first.renew()
    assert first.lost
    second.check()
    assert len(store.written) == 1


def test_of_two_that_begin_together_no_two_stay(store: Store) -> None:
    """The second announces itself before the first has looked."""
    first, second = claim(store), claim(store)
    refused: list[BadInput] = []

    def second_begins() -> None:
        try:
            second.take(store.pause)
        except BadInput as error:
            refused.append(error)

    store.before_write = second_begins
    with pytest.raises(BadInput):
        first.take(lambda seconds: None)
    assert (len(store.written), refused) == (1, [])


def test_out_of_reach_for_a_while(store: Store) -> None:
    first = claim(store)
    first.take(store.pause)
    store.reachable = False
    store.now += 30
    with pytest.raises(OSError, match="refused"):
        first.renew()
    first.check()
    store.now += 30
    with pytest.raises(BadInput, match="out of reach"):
        first.check()
    with pytest.raises(BadInput, match="cannot be written: the connection was refused"):
        claim(store).take(store.pause)


def test_it_is_renewed_while_the_block_runs(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    renewed = threading.Event()
    monkeypatch.setattr(_remote_lock, "RENEW_SECONDS", 0.01)
    monkeypatch.setattr(Claim, "renew", lambda self: renewed.set())
    with locked_remotely(f"{bucket}/dst/.sharding/lock", f"{bucket}/dst") as check:
        assert renewed.wait(10)
        check()


def test_on_a_real_store(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_remote_lock, "TOGETHER_SECONDS", -1)  # else it tries three times, with pauses
    folder, target = f"{bucket}/dst/.sharding/lock", f"{bucket}/dst"
    with locked_remotely(folder, target) as check:
        check()
        assert len(files.times(folder)) == 1
        with (
            pytest.raises(BadInput, match="is being written by another process"),
            locked_remotely(folder, target),
        ):
            raise AssertionError
        assert len(files.times(folder)) == 1
    assert files.times(folder) == {}
