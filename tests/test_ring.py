"""Slots of shared memory: none is used again while its batch, or any view of it, is held."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import pytest
import torch

from pipebench.loaders._ring import Ring, SharedNumber

FORK = multiprocessing.get_context("fork")
Feed = Callable[[int], list[tuple[int, int]]]


def fill_slots(ring: Ring, worker: int, sent: Connection) -> None:
    """A worker that fills each free slot with the number of its turn, and sends the slot."""
    ring.enter(worker)
    turn = 0
    while (slot := ring.take()) is not None:
        turn += 1
        ring.slots[slot] = turn
        sent.send(slot)
    sent.send(None)


def values(batch: Any) -> list[int]:
    found: list[int] = np.unique(np.asarray(batch)).tolist()
    return found


class Crew:
    """Forked workers over a ring of slots that hold 6 numbers."""

    def __init__(self, *, workers: int, each: int, lendable: int) -> None:
        self.ring = Ring(workers=workers, each=each, lendable=lendable, shape=(3, 2), dtype=np.int64)
        pipes = [FORK.Pipe(duplex=False) for _ in range(workers)]
        self.received = [receiver for receiver, _ in pipes]
        self.processes = [
            FORK.Process(target=fill_slots, args=(self.ring, worker, sender), daemon=True)
            for worker, (_, sender) in enumerate(pipes)
        ]
        for process in self.processes:
            process.start()

    def tensor(self, worker: int = 0, count: int = 3) -> torch.Tensor:
        """The worker's next batch, as a loader hands it out."""
        assert self.received[worker].poll(20), "the worker ran dry"
        return torch.from_numpy(self.ring.lend(self.received[worker].recv(), count))

    def end(self) -> None:
        self.ring.close()
        for process in self.processes:
            process.join(20)


@pytest.fixture
def crew() -> Iterator[Callable[..., Crew]]:
    made: list[Crew] = []

    def make(**options: Any) -> Crew:
        made.append(Crew(**options))
        return made[-1]

    yield make
    for one in made:
        one.end()


def test_a_slot_is_not_used_again_while_its_tensor_is_held(crew: Callable[..., Crew]) -> None:
    one = crew(workers=1, each=4, lendable=2)
    held = one.tensor()
    turns = [int(one.tensor()[0, 0]) for _ in range(40)]
    assert turns == list(range(2, 42))
    assert values(held) == [1]


@pytest.mark.parametrize(
    "view",
    [lambda t: t[1:], lambda t: t.view(-1)[2], lambda t: t.permute(1, 0), lambda t: t.numpy()[::2]],
    ids=["slice", "element", "permuted", "numpy"],
)
def test_a_view_alone_keeps_the_slot(crew: Callable[..., Crew], view: Callable[[Any], Any]) -> None:
    one = crew(workers=1, each=3, lendable=2)
    held = view(one.tensor())
    for _ in range(20):
        one.tensor()
    assert values(held) == [1]


def test_every_batch_of_a_hoarder_stays_as_it_was(crew: Callable[..., Crew]) -> None:
    one = crew(workers=2, each=4, lendable=2)
    hoard = [one.tensor(worker) for _ in range(25) for worker in (0, 1)]
    assert [values(batch) for batch in hoard] == [[turn] for turn in range(1, 26) for _ in (0, 1)]


def test_only_what_is_lent_lies_in_the_ring(crew: Callable[..., Crew]) -> None:
    one = crew(workers=1, each=4, lendable=2)
    hoard = [one.tensor() for _ in range(5)]
    inside = [np.shares_memory(batch.numpy(), one.ring.slots) for batch in hoard]
    assert inside == [True, True, False, False, False]
    hoard.clear()
    assert np.shares_memory(one.tensor().numpy(), one.ring.slots)


def test_a_short_batch_is_lent_short(crew: Callable[..., Crew]) -> None:
    assert crew(workers=1, each=2, lendable=1).tensor(count=1).shape == (1, 2)


def test_closing_ends_a_waiting_worker_and_leaves_held_batches(crew: Callable[..., Crew]) -> None:
    one = crew(workers=2, each=2, lendable=1)
    held = one.tensor()
    one.end()
    assert [process.exitcode for process in one.processes] == [0, 0]
    assert values(held) == [1]
    del held
    one.ring.close()


def test_the_parents_death_ends_a_waiting_worker() -> None:
    reader, writer = os.pipe()
    parent = os.fork()
    if parent == 0:
        one = Crew(workers=2, each=2, lendable=1)
        one.tensor(0), one.tensor(1)
        os._exit(0)
    os.close(writer)
    os.waitpid(parent, 0)
    # The workers hold the writing end too: its end of file is theirs.
    with os.fdopen(reader, "rb") as file:
        assert file.read() == b""


def test_a_shared_number_reaches_a_forked_process() -> None:
    number = SharedNumber(1)
    process = FORK.Process(target=lambda: os._exit(number.value))
    number.value = 7
    process.start()
    process.join(20)
    assert process.exitcode == 7
