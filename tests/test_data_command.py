"""`pipebench data`, as it is typed."""

import json
from pathlib import Path

import pytest

from pipebench.cli import main
from pipebench.dataset import Dataset, open_dataset
from pipebench.datasets_prep.command import _history


def _refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["data", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("pipebench: ")
    assert captured.err.count("\n") == 1
    return captured.err


def test_from_synthesis_to_shards_and_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, shards, index = (str(tmp_path / name) for name in ("folder", "shards", "index"))
    one = ["--workers", "1", "--json"]
    size = ["--classes", "2", "--mean-bytes", "20kB"]
    commands = [
        ["synth", folder, "--samples", "5", "--seed", "4", *size, *one],
        ["shard", folder, shards, "--format", "wds", "--shard-size", "64KiB", *one],
        ["import", folder, "--out", index, *one],
        ["info", shards, "--json"],
    ]
    summaries = []
    for command in commands:
        assert main(["data", *command]) == 0
        summaries.append(json.loads(capsys.readouterr().out))
    assert len({summary["content_id"] for summary in summaries}) == 1
    assert [summary["format"] for summary in summaries] == ["folder", "wds", "folder", "wds"]
    assert summaries[0]["made"] == {
        "command": "synth",
        "samples": 5,
        "seed": 4,
        "classes": 2,
        "mean_bytes": 20_000,
    }
    assert summaries[1]["shards"] > 1
    assert (summaries[2]["skipped"], summaries[2]["ignored"]) == ([], {})
    assert open_dataset(index).root == folder


def test_info_is_readable(tiny_wds: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "info", tiny_wds.url]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[4].split() == ["samples", "96"]
    assert tiny_wds.content_id in "\n".join(lines)


def test_progress_goes_to_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["data", "synth", str(tmp_path / "d"), "--samples", "2", "--mean-bytes", "9000", "--workers", "1"])
    assert capsys.readouterr().err.splitlines() == ["Synthesising: 2 of 2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: ACTION"),
        (["shred"], "there is no action 'shred'; did you mean 'shard'?"),
        (["synth", "DIR"], "--samples"),
        (["synth", "DIR", "--samples", "0"], "samples must be at least 1, not 0"),
        (["synth", "DIR", "--samples", "many"], "invalid int value"),
        (["synth", "DIR", "--samples", "2", "--classes", "0"], "classes must be at least 1, not 0"),
        (["synth", "DIR", "--samples", "2", "--seed", "-1"], "seed must be at least 0"),
        (["synth", "DIR", "--samples", "2", "--mean-bytes=-5"], "mean bytes '-5' is not a size"),
        (["synth", "DIR", "--samples", "2", "--mean-bytes", "5"], "mean bytes must be"),
        (["synth", "DIR", "--samples", "2", "--workers", "0"], "workers must be at least 1, not 0"),
        (["synth", ".", "--samples", "2"], "already holds something"),
        (["synth", "mine", "--samples", "2"], "is a file"),
        (["synth", "mine/DIR", "--samples", "2"], "cannot be written"),
        (["import", "nowhere"], "there is no folder"),
        (["import", "mine"], "is a file"),
        (["info", "nowhere"], "there is no folder"),
        (["shard", "nowhere", "DST", "--format", "wds"], "there is no folder"),
        (["shard", ".", "DST"], "--format"),
        (["shard", "tiny", "DST", "--format", "zip"], "there is no shard format 'zip'"),
        (["shard", "tiny", "DST", "--format", "wds", "--shard-size", "256MiBs"], "is not a size"),
        (["shard", "tiny", "DST", "--format", "wds", "--shard-size", "0"], "is not a size"),
        (["shard", "tiny", "DST", "--format", "wds", "--shard-samples", "0"], "at least 1 sample"),
        (["shard", "tiny", "tiny/DST", "--format", "wds"], "lies inside the source"),
    ],
)
def test_bad_usage_is_one_sentence(
    arguments: list[str],
    message: str,
    tiny_folder: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "tiny").symlink_to(tiny_folder.url)
    assert message in _refused(arguments, capsys)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "tiny"]


@pytest.mark.parametrize(
    ("made", "text"),
    [
        ({"command": "synth", "samples": 2000, "seed": 0}, "synth (samples: 2 000)"),
        (
            {"command": "shard", "shuffle": True, "seed": 3, "split": None, "source": {"command": "synth"}},
            "shard (shuffle, seed: 3) of synth",
        ),
        ({}, "unknown"),
        ({"command": "shard", "source": "elsewhere"}, "shard"),
    ],
)
def test_how_a_dataset_was_made(made: dict[str, object], text: str) -> None:
    assert _history(made) == text
