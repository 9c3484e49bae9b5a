"""The list of accelerator profiles: every row, within 80 columns."""

import json

import pytest

from pipebench import cli
from pipebench.accelerators import NOT_VALIDATED, profiles
from pipebench.report.profile_list import WIDTH, render


def test_every_row_with_its_tier_and_source_within_80_columns() -> None:
    text = render(profiles())
    rows = [line.split() for line in text.split("\n\n")[0].splitlines()[1:]]
    assert len(rows) == len(profiles())
    shown = {(row[0], row[1], row[4]) for row in rows}
    assert shown == {(p.model, p.accelerator, p.tier) for p in profiles()}
    assert all(row[5].startswith("[") for row in rows)
    assert max(map(len, text.splitlines())) <= WIDTH
    flat = " ".join(text.split())
    assert all(" ".join(p.source.split()) in flat for p in profiles() if p.tier != "derived")
    assert NOT_VALIDATED in flat
    assert "gpt-4 and gemini are not public" in flat


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list", "accelerators"]) == 0
    assert "H100-SXM5-80GB" in capsys.readouterr().out
    assert cli.main(["list", "accelerators", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["standing"] for row in rows} == {NOT_VALIDATED}
    assert all(row["source"] and row["samples_per_second"] > 0 for row in rows)
