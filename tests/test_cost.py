"""Cost and energy against the formulas, the price file, and the command."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipebench import cli
from pipebench.cost import Price, bills, chosen, measured, modelled, money, read_prices
from pipebench.errors import BadInput
from pipebench.report.cost_text import render
from pipebench.results import Record, append, read
from pipebench.summary import summarise

Make = Callable[..., Record]
Capture = pytest.CaptureFixture[str]
PRICE = Price(
    name="p",
    per_hour=36.0,
    currency="USD",
    region="r",
    date="2026-01-31",
    source="s",
    busy_watts=700,
    idle_watts=100,
)
HEAD = "name,price_per_hour,currency,region,date,source,busy_watts,idle_watts"
ROW = "p5,98.32,USD,us-east-1,2026-01-31,price list,5600,900"


def test_the_price_of_a_million_samples_and_the_slowdowns_share() -> None:
    found = money(PRICE, delivered=500, own=2000)
    assert found.total == pytest.approx(1e6 * 36 / (3600 * 500))
    assert found.step == pytest.approx(1e6 * 36 / (3600 * 2000))
    assert found.slowdown == pytest.approx(15)
    assert money(PRICE, 500, None).slowdown is None
    assert money(PRICE, 2010, 2000).slowdown == 0


def test_modelled_joules_are_busy_and_idle_watts_by_their_time() -> None:
    found = modelled(PRICE, delivered=500, own=2000)
    assert found is not None
    assert found.step == pytest.approx(1e6 * 700 / 2000)
    assert found.slowdown == pytest.approx(1e6 * 100 * (1 / 500 - 1 / 2000))
    assert modelled(replace(PRICE, busy_watts=None, idle_watts=None), 500, 2000) is None
    assert modelled(PRICE, 500, None) is None


def energy(first: int, last: int, name: str = "gpu 0") -> dict[str, Any]:
    """A trial's resources, with one counter's readings."""
    names = ("user_ns", "system_ns", "read_bytes", "memory_bytes", "shared_memory_bytes", "switches")
    nothing = dict.fromkeys((*names, "open_files", "processes"), 0)
    counted = {"first": [[name, first, None]], "last": [[name, last, None]]}
    return {"first": nothing, "last": nothing, "memory_bytes": [0], "energy": counted}


def test_measured_joules_are_those_of_the_loop(make_record: Make) -> None:
    """40 batches of 10 samples, of which the first is not counted."""
    record = make_record(100, resources=energy(1_000_000, 79_000_000))
    assert measured(record) == {"gpu 0": pytest.approx(78 / 390)}
    assert measured(make_record(100)) == {}


def billed(*records: Record) -> list[Any]:
    return bills([(summarise(records), records)], PRICE)


def test_measured_goes_before_modelled_and_tiers_never_mix(make_record: Make) -> None:
    step = "emulate:100"
    counted = [make_record(80, "a", n, step, resources=energy(0, 39_000_000)) for n in range(3)]
    [bill] = billed(*counted)
    assert (bill.tier, bill.counters) == ("measured", ("gpu 0",))
    assert bill.energy.total == pytest.approx(1e6 * 0.1)
    assert bill.energy.step == pytest.approx(1e6 * 0.1 * 0.8, rel=0.01)
    without = [make_record(50, "b", n, step) for n in range(3)]
    assert {bill.tier for bill in billed(*counted, *without)} == {"modelled"}
    assert {bill.tier for bill in billed(*counted, make_record(50, "b", 0, "null"))} == {"none"}


def test_a_counter_that_one_trial_lacks_is_left_out(make_record: Make) -> None:
    both = energy(0, 39_000_000)
    both["energy"]["first"].append(["gpu 1", 0, None])
    both["energy"]["last"].append(["gpu 1", 39_000_000, None])
    [bill] = billed(
        make_record(80, "a", 0, resources=both), make_record(80, "a", 1, resources=energy(0, 39_000_000))
    )
    assert bill.counters == ("gpu 0",)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("p,0,USD,r,2026-01-31,s,,", "price_per_hour must be a number above 0"),
        ("p,,USD,r,2026-01-31,s,,", "price_per_hour is empty"),
        ("p,1,dollars,r,2026-01-31,s,,", "currency 'dollars' is not of the form USD"),
        ("p,1,USD,r,yesterday,s,,", "date 'yesterday' is not of the form 2026-01-31"),
        ("p,1,USD,r,2026-01-31,,,", "source is empty"),
        ("p,1,USD,r,2026-01-31,s,5,", "busy_watts and idle_watts go together"),
        ("p,1,USD,r,2026-01-31,s,5,6", "busy_watts and idle_watts go together, and idle is not above busy"),
    ],
)
def test_wrong_prices_name_their_line(tmp_path: Path, row: str, says: str) -> None:
    (tmp_path / "p.csv").write_text(f"{HEAD}\n{row}\n")
    with pytest.raises(BadInput, match=f"p.csv, line 2: {says}"):
        read_prices(tmp_path / "p.csv")


def test_which_price(tmp_path: Path) -> None:
    other = replace(PRICE, name="q")
    assert chosen([PRICE], None) is PRICE
    assert chosen([PRICE, other], "q") is other
    with pytest.raises(BadInput, match="name a price with --price: p, q"):
        chosen([PRICE, other], None)
    with pytest.raises(BadInput, match="there is no price 'z'"):
        chosen([PRICE, other], "z")
    (tmp_path / "p.csv").write_text(HEAD)
    with pytest.raises(BadInput, match="holds no price"):
        read_prices(tmp_path / "p.csv")


@pytest.fixture
def results(make_record: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.csv").write_text(f"{HEAD}\n{ROW}\n")
    for name, speed in (("fast", 180), ("[red]slow", 90)):
        for block in range(3):
            append(Path("r.jsonl"), make_record(speed, name, block, "emulate:200,name=resnet50@H100/stock"))
    return Path("r.jsonl")


def test_the_command(results: Path, capsys: Capture) -> None:
    assert cli.main(["cost", "r.jsonl", "--prices", "p.csv"]) == 0
    out = capsys.readouterr().out
    assert max(len(line) for line in out.splitlines()[:4]) <= 80
    slow = next(line for line in out.splitlines() if line.startswith("[red]slow")).split()
    assert slow[1:6] == ["200/s", "90", "303", "137", "167"]
    assert "98.32 USD an hour, us-east-1, 2026-01-31, from price list: the user's own statement." in out
    assert "Energy: modelled, 5600 W while the step runs and 900 W" in out
    assert "not validated on hardware" in out


def test_runs_of_one_file_share_a_tier(make_record: Make) -> None:
    counted = [make_record(80, "a", 0, "emulate:100", resources=energy(0, 39_000_000))]
    others = [[make_record(80, "b", 0, "emulate:100")], [make_record(80, "c", 0, "null")]]
    for other, tier in zip(others, ("modelled", "none"), strict=True):
        found = bills([(summarise(run), run) for run in (counted, other)], PRICE)
        assert [bill.tier for bill in found] == [tier] * 2


def test_why_there_is_no_energy_is_told(make_record: Make) -> None:
    records = [make_record(50, "b", 0, "null")]
    text = render(billed(*records), PRICE)
    assert "and a step has no rate from which it could be reckoned." in text
    unstated = replace(PRICE, busy_watts=None, idle_watts=None)
    text = render(bills([(summarise(records), records)], unstated), unstated)
    assert "and the price's row states no watts from which it could be reckoned." in text


def test_the_command_as_json(results: Path, capsys: Capture) -> None:
    assert cli.main(["cost", "r.jsonl", "--prices", "p.csv", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    row = told["rows"][1]
    assert row["money"]["total"] == pytest.approx(row["money"]["step"] + row["money"]["slowdown"])
    assert row["money"]["total"] == pytest.approx(1e6 * 98.32 / 3600 / row["samples_per_second"])
    assert (row["tier"], told["price"]["source"]) == ("modelled", "price list")


def test_bad_input_to_the_command(results: Path, capsys: Capture) -> None:
    for options, says in (
        (["none.jsonl", "--prices", "p.csv"], "cannot be read"),
        (["r.jsonl", "--prices", "none.csv"], "none.csv cannot be read"),
        (["r.jsonl", "--prices", "r.jsonl"], "r.jsonl"),
        (["r.jsonl"], "the following arguments are required: --prices"),
    ):
        assert cli.main(["cost", *options]) == 2
        assert says in capsys.readouterr().err


def test_counters_of_others_are_checked(make_record: Make, tmp_path: Path) -> None:
    append(tmp_path / "good.jsonl", make_record(resources=energy(0, 5)))
    assert len(read(tmp_path / "good.jsonl")) == 1
    append(tmp_path / "bad.jsonl", make_record(resources=energy(-1, 5)))
    with pytest.raises(BadInput, match=r"resources\.energy"):
        read(tmp_path / "bad.jsonl")
