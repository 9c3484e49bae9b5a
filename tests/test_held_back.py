"""What a sweep says holds a loader back: by its cuts, and by its core use where these don't tell."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest

from pipebench.figures import figures
from pipebench.held_back import held_back
from pipebench.measure import Look
from pipebench.results import Record
from pipebench.schedule import Contestant
from pipebench.seen import Seen, seen
from pipebench.sweep import rates_about, step
from tests.reporting import at_step

Make = Callable[..., Record]
WHOLE = 1800.0
DECODES = {"read": 20_000.0, "decode": 2_400.0, "transform": 2_000.0}
TRANSFORMS = {"read": 20_000.0, "decode": 6_000.0, "transform": 2_000.0}
EQUAL = {"read": 40_000.0, "decode": 3_900.0, "transform": 2_000.0}


def busy(record: Record, cores: float) -> Record:
    """The record with so many cores at work."""
    assert record.trace is not None
    used = [(at, int(at * cores)) for at in record.trace.got_ns]
    looks = [Look(number, at, cpu, cpu) for number, (at, cpu) in enumerate(used, 1)]
    spec = replace(record.spec, cpus=[0, 1])
    return replace(record, spec=spec, trace=replace(record.trace, looks=looks))


def records(make: Make, cuts: Mapping[str, float], cores: float) -> Iterator[Record]:
    for block in range(3):
        yield busy(make(WHOLE, "x", block), cores)
        for rate in rates_about(WHOLE):
            yield at_step(busy(make(min(WHOLE, rate), "x", block), cores), step(rate))
        for until, rate in cuts.items():
            yield busy(make(rate, f"x until {until}", block), cores)


def swept(make: Make, cuts: Mapping[str, float], cores: float = 1.9) -> Seen:
    found = list(records(make, cuts, cores))
    answer = seen(Contestant(label="x", specs=(found[0].spec,)), found, figures, 400)
    assert answer is not None
    return answer


@pytest.mark.parametrize(
    ("cuts", "cores", "holds"),
    [
        (DECODES, 1.9, "decode"),
        (TRANSFORMS, 1.9, "transform"),
        ({"read": 20_000.0, "transform": 2_000.0}, 1.9, "decode+transform"),
        ({"read": 20_000.0, "decode": 8_000.0, "transform": 6_000.0}, 1.9, "batching"),
        (EQUAL, 1.9, "loader CPU"),
        ({}, 1.9, "loader CPU"),
        (DECODES, 1.0, "overhead"),
        ({}, 1.0, "overhead"),
    ],
)
def test_what_holds_a_loader_back(
    cuts: Mapping[str, float], cores: float, holds: str, make_record: Make
) -> None:
    assert held_back(swept(make_record, cuts, cores)) == holds


def test_the_reason_is_kept(make_record: Make) -> None:
    named = swept(make_record, DECODES).named
    assert named is not None
    assert named.why[0].startswith("decode takes 0.70 ms [")
