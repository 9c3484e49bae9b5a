"""The steps: the launch queue, its arithmetic, and what the command line may ask for."""

import numpy as np
import pytest

from pipebench.contract import Batch
from pipebench.errors import BadInput
from pipebench.step import EmulatedStep, StepSpec, device_times, parse_step

MS = 1_000_000


def batch(size: int = 10) -> Batch:
    return Batch(None, None, np.arange(size))


def emulated(rate: float, depth: int = 2, **more: float) -> tuple[EmulatedStep, list[int]]:
    burnt: list[int] = []
    return EmulatedStep(StepSpec(kind="emulate", rate=rate, depth=depth, **more), burnt.append), burnt  # type: ignore[arg-type]


def test_the_host_blocks_only_beyond_the_depth() -> None:
    step, _ = emulated(rate=1000)  # 10 ms a batch
    assert step(batch(), 0) == 0
    assert step(batch(), 0) == 0
    assert step(batch(), 0) == 10 * MS  # until the first of three ends
    assert step(batch(), 10 * MS) == 10 * MS


def test_with_depth_0_the_host_waits_for_each_batchs_end() -> None:
    """As a loop does that reads the loss: taking the next batch is then idle time of the device."""
    step, _ = emulated(rate=1000, depth=0)
    assert [step(batch(), at * MS) for at in (0, 11, 25)] == [10 * MS] * 3
    assert device_times([0, 11 * MS, 25 * MS], [10] * 3, rate=1000)[-1] == (25 * MS, 35 * MS)


def test_a_slow_loader_never_blocks_the_host() -> None:
    step, _ = emulated(rate=1000)
    assert [step(batch(), at * MS) for at in (0, 20, 40, 60)] == [0, 0, 0, 0]


def test_a_batch_is_held_until_its_end() -> None:
    import weakref

    class Held:
        pass

    step, _ = emulated(rate=1000)
    inputs = Held()
    alive = weakref.ref(inputs)
    step(Batch(inputs, None, np.arange(10)), 0)
    del inputs
    step(batch(), 5 * MS)
    assert alive() is not None
    step(batch(), 10 * MS)
    assert alive() is None


def test_oversleeping_is_neither_work_nor_idling() -> None:
    """The device's time is virtual: arrivals that are late by less than the queue holds cost nothing."""
    arrivals = [0, 0, 0, 13 * MS, 24 * MS]
    times = device_times(arrivals, [10] * 5, rate=1000)
    assert times[-1] == (40 * MS, 50 * MS)


def test_idle_time_is_what_no_batch_was_there_for() -> None:
    times = device_times([0, 15 * MS, 30 * MS], [10] * 3, rate=1000)
    assert times == [(0, 10 * MS), (15 * MS, 25 * MS), (30 * MS, 40 * MS)]


def test_host_cpu_burns_its_share_of_the_batch_time() -> None:
    step, burnt = emulated(rate=1000, host_cpu=0.8)
    step(batch(), 0)
    assert burnt == [8 * MS]


def test_parse() -> None:
    assert parse_step("null").kind == "null"
    assert parse_step("model:resnet18").name == "resnet18"
    spec = parse_step("emulate:1400,depth=3,host_cpu=0.5")
    assert (spec.rate, spec.depth, spec.host_cpu) == (1400, 3, 0.5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nul", "did you mean 'null'"),
        ("emulate:0", "above 0"),
        ("emulate:-3", "above 0"),
        ("emulate:inf", "above 0"),
        ("emulate:nan", "above 0"),
        ("emulate:fast", "must be a number"),
        ("emulate:", "must be a number"),
        ("emulate:5,deph=2", "did you mean 'depth'"),
        ("emulate:5,host_cpu=2", "from 0 to 1"),
        ("emulate:5,depth=-1", "a depth of at least 0"),
        ("model:", "there is no step"),
    ],
)
def test_wrong_steps_are_one_sentence(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        parse_step(text)
