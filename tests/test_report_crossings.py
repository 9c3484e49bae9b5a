"""Where an accelerator begins to starve, on the page as `crossover` says it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipebench import cli, forking
from pipebench.crossover import Predictor
from pipebench.dataset import Dataset
from pipebench.figures import figures
from pipebench.report.crossings import crossings
from pipebench.report.sentences import sentences
from pipebench.results import PROOF_BLOCK, Record
from pipebench.schedule import Contestant
from pipebench.seen import seen
from pipebench.sweep import rates_about, step
from tests.comparing import save
from tests.reporting import at_step, gathered
from tests.simulated import SimulatedLoader, executor

Make = Callable[..., Record]
PROOF = {"samples": 400, "complete": True}


def swept(make: Make, blocks: int = 2, proof: dict[str, Any] = PROOF, leave_out: int = 0) -> Iterator[Record]:
    """A loader of 100 samples/s, the sweep about it, and one step of 90 that was predicted first."""
    yield make(contestant="x", block=PROOF_BLOCK, same_work=proof)
    for block in range(blocks):
        yield make(100, "x", block)
        for rate in rates_about(100)[leave_out:]:
            yield at_step(make(min(100, rate), "x", block), step(rate))
    yield at_step(make(90, "x", blocks), "emulate:90")


def told(path: Path) -> list[str]:
    return [one.text for one in sentences(gathered(path)) if "of an accelerator is used" in one.text]


def test_the_rates_are_those_of_crossover(make_record: Make, tmp_path: Path) -> None:
    records = list(swept(make_record))
    spec = next(record.spec for record in records if record.block == 0)
    found = seen(Contestant(label="x", specs=(spec,)), records, figures, 400, ["emulate:90"])
    assert found is not None
    rates = [Predictor(found).crossing(share).rate for share in (0.95, 0.90)]
    assert told(save(tmp_path / "r.jsonl", records)) == [
        f"x: {share} % of an accelerator is used up to {rate.estimate:.0f} [{rate.low:.0f}, {rate.high:.0f}] "
        "samples/s (indicative, from 2 blocks)."
        for share, rate in zip((95, 90), rates, strict=True)
        if rate
    ]
    assert rates[0] is not None
    assert rates[0].estimate == pytest.approx(105, rel=0.03)


def test_the_page_and_the_command_say_the_same(
    make_record: Make,
    make_dataset: Callable[..., Dataset],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A simulated loader, swept by the command, which then tries one rate more."""
    loader = SimulatedLoader(gaps_ms=[4] * 50, boundary_ms=20, noise=0.05)
    simulate, data = executor(make_record, {"dali": loader}), make_dataset(samples=500).url

    def execute(self: object, spec: Any, timeout: float, **identity: Any) -> Record:
        record = simulate(spec, timeout, **identity)
        proved = {"samples": 500, "complete": True} if record.block == PROOF_BLOCK else {}
        return replace(record, same_work=proved)

    monkeypatch.setattr(forking.Nursery, "run_trial", execute)
    monkeypatch.setattr("pipebench.machine.usable_cpus", lambda asked=None: [0, 1][: asked or 2])
    monkeypatch.chdir(tmp_path)
    options = ("--loader", "dali", "--batch-size", "10", "--trials", "2", "--seconds", "1.5")
    assert cli.main(["crossover", "--data", data, *options, "--out", "r.jsonl", "--json", "--quiet"]) == 0
    [answer] = json.loads(capsys.readouterr().out)
    rates = [crossing["rate"] for crossing in answer["crossings"]]
    assert [text.partition("up to ")[2].partition(" samples")[0] for text in told(Path("r.jsonl"))] == [
        f"{rate['estimate']:.0f} [{rate['low']:.0f}, {rate['high']:.0f}]" for rate in rates
    ]


def test_from_ten_blocks_on_it_is_not_indicative(make_record: Make, tmp_path: Path) -> None:
    found = told(save(tmp_path / "r.jsonl", list(swept(make_record, blocks=10))))
    assert len(found) == 2
    assert not any("indicative" in text for text in found)


@pytest.mark.parametrize(
    "changes",
    [
        {"leave_out": 1},
        {"proof": {}},
        {"proof": {"samples": 400, "complete": False}},
        {"proof": {"samples": "many", "complete": True}},
    ],
)
def test_half_a_sweep_or_epochs_of_unknown_size_tell_nothing(
    changes: dict[str, Any], make_record: Make, tmp_path: Path
) -> None:
    path = save(tmp_path / "r.jsonl", list(swept(make_record, **changes)))
    [part] = gathered(path).parts
    assert list(crossings(part, figures)) == []
