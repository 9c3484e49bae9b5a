"""Where an accelerator begins to starve, on the page as `crossover` says it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipebench.crossover import Predictor
from pipebench.figures import figures
from pipebench.report.crossings import crossings
from pipebench.report.sentences import sentences
from pipebench.results import PROOF_BLOCK, Record
from pipebench.schedule import Contestant
from pipebench.sweep import rates_about, seen, step
from tests.comparing import save
from tests.reporting import at_step, gathered

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
