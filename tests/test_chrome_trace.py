"""A trial's timeline holds to the Trace Event Format, as Perfetto reads it, and tells what was measured."""

import json
from array import array
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipebench import chrome_trace
from pipebench.chrome_trace import lines, micros
from pipebench.measure import Trace
from pipebench.results import Record

Make = Callable[..., Record]
MakeTrace = Callable[..., Trace]
Event = dict[str, Any]


def timeline(record: Record) -> dict[str, Any]:
    found: dict[str, Any] = json.loads("\n".join(lines(record)))
    return found


def on(raw: dict[str, Any], track: str) -> list[Event]:
    """The complete events of a track."""
    names = {e["tid"]: e["args"]["name"] for e in raw["traceEvents"] if e["name"] == "thread_name"}
    return [event for event in raw["traceEvents"] if event["ph"] == "X" and names[event["tid"]] == track]


def counters(raw: dict[str, Any], name: str) -> list[Event]:
    return [event for event in raw["traceEvents"] if event["ph"] == "C" and event["name"] == name]


def nanoseconds(event: Event) -> tuple[int, int]:
    """Begin and end as older versions of Perfetto take them, which cut off, and newer ones, which round."""
    begin, took = (int(event[name] * 1000) for name in ("ts", "dur"))
    assert (begin, took) == (round(event["ts"] * 1000), round(event["dur"] * 1000))
    return begin, begin + took


def hold_to_the_format(raw: dict[str, Any]) -> None:
    """What the documents ask of each event, and what Perfetto drops."""
    assert raw["displayTimeUnit"] in ("ms", "ns")
    events: list[Event] = raw["traceEvents"]
    timed = [event for event in events if event["ph"] != "M"]
    assert [event["ts"] for event in timed] == sorted(event["ts"] for event in timed)
    tracks = defaultdict(list)
    for event in events:
        assert event["ph"] in ("X", "C", "M")
        assert isinstance(event["name"], str)
        assert type(event["pid"]) is int
        if event["ph"] == "X":
            assert type(event["tid"]) is int
            assert event["dur"] >= 0
            tracks[event["tid"]].append(nanoseconds(event))
        if event["ph"] == "C":
            assert all(isinstance(value, float | int) for value in event["args"].values())
    for spans in tracks.values():
        open_until: list[int] = []
        for begin, end in sorted(spans, key=lambda span: (span[0], -span[1])):
            while open_until and open_until[-1] <= begin:
                open_until.pop()
            assert not open_until or end <= open_until[-1]
            open_until.append(end)


STEPS = ("null", "emulate:1500", "emulate:700,depth=3")


@pytest.mark.parametrize("step", STEPS)
@given(
    gaps=st.lists(st.integers(0, 40_000_000), min_size=1, max_size=30),
    waits=st.lists(st.floats(0, 1), min_size=31, max_size=31),
)
def test_any_trial_is_a_timeline_that_perfetto_takes_whole(
    step: str, make_record: Make, gaps: list[int], waits: list[float]
) -> None:
    got = [5_000_000_123]
    for gap in gaps:
        got.append(got[-1] + gap)
    before = [5_000_000_000, *got[:-1]]
    asked = [
        begin + int(share * (end - begin)) for begin, end, share in zip(before, got, waits, strict=False)
    ]
    epochs = [0, *range(7, len(got), 7)]
    trace = Trace(array("q", asked), array("q", got), array("q", [10] * len(got)), epochs, [])
    raw = timeline(make_record(step=step, trace=trace))
    hold_to_the_format(raw)
    assert len(on(raw, "device")) == (0 if step == "null" else len(got))


@given(st.integers(-(10**15), 10**15))
def test_microseconds_are_the_nanoseconds_for_whoever_rounds_or_cuts(duration_ns: int) -> None:
    value = json.loads(json.dumps(micros(duration_ns)))
    assert int(value * 1000) == round(value * 1000) == duration_ns


def test_waits_and_steps_are_those_that_were_measured(make_record: Make, make_trace: MakeTrace) -> None:
    trace = make_trace([100] * 20, step_ms=30, epochs=[0, 10])
    raw = timeline(make_record(trace=trace, contestant="dali", block=3))
    loop = on(raw, "training loop")
    waits, steps = ([event for event in loop if event["name"] == name] for name in ("wait", "step"))
    assert [event["dur"] for event in waits] == [500_000, *[70_000] * 20]
    assert [event["dur"] for event in steps] == [30_000] * 20
    assert [event["args"]["batch"] for event in waits] == list(range(21))
    assert {event["args"]["samples"] for event in waits} == {10}
    assert [event["ts"] for event in waits[1:]] == [event["ts"] + event["dur"] for event in steps]
    assert raw["otherData"]["trial"] == "dali, block 3, step null"
    assert raw["otherData"]["device"] == "none beside the host"


def test_start_up_first_batch_epochs_boundaries_and_window(make_record: Make, make_trace: MakeTrace) -> None:
    times = {"spawned": 10**9, "imported": 2 * 10**9, "step_ready": 25 * 10**8, "loader_ready": 3 * 10**9}
    trace = make_trace([100] * 20, epochs=[0, 10])
    for values in (trace.asked_ns, trace.got_ns):
        values[:] = array("q", [at + 4 * 10**9 for at in values])
    raw = timeline(make_record(trace=trace, times_ns=times))
    assert [(e["name"], e["ts"], e["dur"]) for e in on(raw, "start-up")] == [
        ("imports", 0, 1_000_000),
        ("building the step", 1_000_000, 500_000),
        ("building the loader", 1_500_000, 500_000),
        ("first batch", 3_000_000, 500_000),
    ]
    assert [(e["name"], e["ts"], e["dur"]) for e in on(raw, "epochs")] == [
        ("epoch 0", 3_000_000, 1_400_000),
        ("epoch 1", 4_400_000, 1_100_000),
    ]
    [boundary] = on(raw, "epoch boundaries")
    assert (boundary["name"], boundary["ts"], boundary["dur"]) == ("into epoch 1", 4_400_000, 100_000)
    [window] = on(raw, "counted window")
    assert window["args"]["batches"] == 20


def test_a_cold_trial_shows_the_eviction(make_record: Make) -> None:
    record = make_record()
    raw = timeline(replace(record, spec=replace(record.spec, cache="cold")))
    assert "evicting, building the loader again" not in {
        e["name"] for e in on(raw, "start-up")
    }  # it took -5 s
    trace = replace(record.trace) if record.trace else None
    assert trace is not None
    for values in (trace.asked_ns, trace.got_ns):
        values[:] = array("q", [at + 6 * 10**9 for at in values])
    raw = timeline(replace(record, spec=replace(record.spec, cache="cold"), trace=trace))
    [evicting] = [e for e in on(raw, "start-up") if e["name"].startswith("evicting")]
    assert (evicting["ts"], evicting["dur"]) == (5_000_000, 1_000_000)


def test_an_emulated_device_is_busy_for_each_batch(make_record: Make, make_trace: MakeTrace) -> None:
    raw = timeline(make_record(step="emulate:200", trace=make_trace([100] * 5)))
    busy = on(raw, "device")
    assert [event["dur"] for event in busy] == [50_000] * 6
    assert busy[0]["ts"] == 500_000
    assert raw["otherData"]["device"] == "emulated, reckoned from the arrivals"


def test_a_devices_own_clock_begins_where_the_first_batch_arrived(make_record: Make) -> None:
    own = tuple((7 + 10**6 * n, 7 + 10**6 * n + 500) for n in range(40))
    raw = timeline(make_record(step="model:resnet18", device_ns=own))
    busy = on(raw, "device")
    assert (len(busy), busy[0]["ts"], busy[0]["dur"]) == (40, 500_000, 0.5)
    assert raw["otherData"]["device"].startswith("on its own clock")
    hostile = ((5, 1), (0, 10**9), (3, 10), *own[3:])
    hold_to_the_format(timeline(make_record(step="model:resnet18", device_ns=hostile)))


def test_processor_and_memory_of_the_tree_are_counters(
    make_record: Make, make_trace: MakeTrace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chrome_trace, "LOOKS_AT_MEMORY", 4)
    trace = make_trace([100] * 9)
    last = {"user_ns": 1}
    memory = [10**6 * n for n in (1, 2, 3, 4)]
    raw = timeline(make_record(trace=trace, resources={"first": last, "last": last, "memory_bytes": memory}))
    assert [e["args"] for e in counters(raw, "cores busy: this trial")] == [{"cores": 0.5}] * 9
    assert [e["args"] for e in counters(raw, "cores busy: others")] == [{"cores": 0.02}] * 9
    assert [e["args"] for e in counters(raw, "samples/s")] == [{"rate": 100.0}] * 9
    assert [e["args"] for e in counters(raw, "memory")] == [{"MB": 1.0}, {"MB": 2.0}, {"MB": 3.0}]
    looks = [(look.at_ns) / 1000 for look in trace.looks]
    assert [e["ts"] for e in counters(raw, "memory")] == [looks[0], looks[4], looks[8]]
    odd = make_record(trace=trace, resources={"first": last, "last": last, "memory_bytes": [1, 2]})
    assert counters(timeline(odd), "memory") == []


def test_a_long_trial_stays_of_bounded_size_and_says_so(
    make_record: Make, make_trace: MakeTrace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chrome_trace, "MOST_BATCHES", 12)
    record = make_record(trace=make_trace([10] * 99, epochs=range(0, 100, 5)), step="emulate:9")
    raw = timeline(record)
    hold_to_the_format(raw)
    assert len([e for e in on(raw, "training loop") if e["name"] == "wait"]) == 12
    assert [len(on(raw, track)) for track in ("epochs", "epoch boundaries", "device")] == [3, 2, 12]
    assert len(counters(raw, "samples/s")) == 11
    [process] = [event for event in raw["traceEvents"] if event["name"] == "process_name"]
    assert process["args"]["name"].endswith("(the first 12 of 100 batches)")
    assert raw["otherData"]["drawn"] == "the first 12 batches"
    assert chrome_trace.left_out(record) == 88


def test_the_largest_timeline_is_a_few_megabytes(make_record: Make, make_trace: MakeTrace) -> None:
    record = make_record(trace=make_trace([1.234567] * 50_000, step_ms=0.5), step="emulate:1398")
    assert sum(map(len, lines(record))) < 6_000_000


def test_names_are_text_whatever_they_hold(make_record: Make) -> None:
    name = '</script><b>"\\ \x1b[2J\n' + "x" * 5000
    raw = timeline(make_record(contestant=name, loader="a"))
    hold_to_the_format(raw)
    [process] = [event for event in raw["traceEvents"] if event["name"] == "process_name"]
    told = process["args"]["name"]
    assert len(told) < 300
    assert told.isprintable()
