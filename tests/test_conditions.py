"""What must be alike, from records: classes of hosts, caches as they were proved, workloads."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pipebench.conditions import Conditions, conditions
from pipebench.figures import figures
from pipebench.results import Record

Make = Callable[..., Record]
MACHINE = {"host": "h", "cpu": "AMD EPYC", "cores": 8, "memory_bytes": 1, "gpu": ""}


def of(*records: Record) -> Conditions:
    return conditions([(record, found) for record in records if (found := figures(record))])


def with_spec(record: Record, **fields: Any) -> Record:
    return replace(record, spec=replace(record.spec, **fields))


def test_of_equal_trials_nothing_differs(make_record: Make) -> None:
    one, other = (of(make_record(machine=MACHINE, content_id="c")) for _ in range(2))
    assert one.differing(other) == []
    assert one.same_machine(other)


@pytest.mark.parametrize(
    ("machine", "differing", "same"),
    [
        (MACHINE, [], True),
        (MACHINE | {"host": "other"}, [], False),
        (MACHINE | {"memory_bytes": 2}, [], False),
        (MACHINE | {"host": ""}, [], False),
        (MACHINE | {"cpu": "Xeon"}, ["host"], False),
        (MACHINE | {"cores": 16}, ["host"], False),
        (MACHINE | {"gpu": "H100"}, ["host"], False),
        (MACHINE | {"kernel": "7"}, [], True),
        ({}, [], False),
    ],
)
def test_classes_of_hosts(
    make_record: Make, machine: dict[str, Any], differing: list[str], same: bool
) -> None:
    one, other = of(make_record(machine=MACHINE)), of(make_record(machine=machine))
    assert one.differing(other) == differing
    assert one.same_machine(other) is same


@pytest.mark.parametrize(
    ("changes", "aspect"),
    [
        ({"cpus": [0, 1]}, "host"),
        ({"device": "cuda"}, "host"),
        ({"batch_size": 5}, "workload"),
        ({"preprocessing": {"size": "160"}}, "workload"),
        ({"shuffle": False}, "workload"),
        ({"drop_last": True}, "workload"),
        ({"until": "read"}, "workload"),
        ({"seed": 3}, None),
        ({"python": "/other", "source": "/s", "data": "/d", "seconds": 9.0, "options": {"a": "1"}}, None),
    ],
)
def test_specs(make_record: Make, changes: dict[str, Any], aspect: str | None) -> None:
    record = make_record(machine=MACHINE)
    assert of(record).differing(of(with_spec(record, **changes))) == ([aspect] if aspect else [])


def test_data_that_is_not_told_differs_from_nothing(make_record: Make) -> None:
    assert of(make_record(content_id="")).differing(of(make_record(content_id="c"))) == []
    assert of(make_record(content_id="d")).differing(of(make_record(content_id="c"))) == ["data"]


def cache(read: int, **facts: Any) -> dict[str, Any]:
    return {"transport": "block", "filesystem": "ext4", "resident": None, "asked": "warm"} | {
        "bytes_read": read,
        "payload_bytes": 1000,
        **facts,
    }


@pytest.mark.parametrize(
    ("read", "facts", "shown"),
    [
        ([0, 0, 900], {}, "warm"),
        ([0, 900], {}, "warm"),
        ([0, 900, 950], {}, "not warm"),
        ([0, 0], {"transport": "other", "filesystem": "nfs"}, "warm, unproved"),
        ([1000, 1000], {"asked": "cold", "resident": 0.0}, "guest-cold"),
        ([2000, 2000], {"asked": "cold", "resident": 0.0}, "cold, over-read"),
    ],
)
def test_the_caches_state_is_what_was_proved(
    make_record: Make, read: list[int], facts: dict[str, Any], shown: str
) -> None:
    records = [
        with_spec(make_record(block=n, cache=cache(r, **facts)), cache=facts.get("asked", "warm"))
        for n, r in enumerate(read)
    ]
    assert of(*records).cache == shown


def test_trials_on_two_hosts_are_of_none(make_record: Make) -> None:
    both = of(make_record(machine=MACHINE), make_record(machine=MACHINE | {"cpu": "Xeon"}, block=1))
    assert both.host == "AMD EPYC, 1 of 8 cores, cpu and Xeon, 1 of 8 cores, cpu"
    assert both.differing(of(make_record(machine=MACHINE))) == ["host"]
