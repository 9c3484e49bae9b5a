"""What TAB offers, asked as the shells ask it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipebench import registry
from pipebench.parsing import command
from tests.test_cli import HEAVY

TORCH = ("torch", "torchvision", "nvidia", "webdataset")


def offered(line: str, folder: Path, *more: str, by: str = "bash") -> list[str]:
    """The completions of a command line whose cursor stands at its end."""
    answer = folder.with_name(f"{folder.name}-answer")
    asked = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_SHELL": by,
        "_ARGCOMPLETE_SUPPRESS_SPACE": "1" if by == "zsh" else "0",
        "_ARGCOMPLETE_COMP_WORDBREAKS": " \t\n\"'><=;|&(:",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line.encode())),
    }
    command = [sys.executable, *(more or ("-m", "pipebench"))]
    subprocess.run(command, env=os.environ | asked, cwd=folder, check=True, capture_output=True, timeout=60)
    return [text.strip() for text in answer.read_text().split("\n") if text]


def test_the_commands(tmp_path: Path) -> None:
    assert sorted(offered("pipebench ", tmp_path)) == registry.names(registry.COMMANDS)
    assert "--version" in offered("pipebench -", tmp_path)
    assert "--data" in offered("pipebench run ", tmp_path)
    assert offered("pipebench comp", tmp_path) == ["compare"]


def test_zsh_says_what_each_command_is_for(tmp_path: Path) -> None:
    assert offered("pipebench comp", tmp_path, by="zsh") == [f"compare:{command('compare').help}"]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("pipebench run --dat", ["--data"]),
        ("pipebench data ", ["import", "info", "shard", "synth", "verify"]),
        ("pipebench data info ", ["results.jsonl"]),
        ("pipebench data info --", ["--help", "--json", "--quiet"]),
        ("pipebench audit ", ["results.jsonl"]),
        ("pipebench run --loader ", ["arrow", "dali", "torch_dataloader", "webdataset"]),
        ("pipebench run --loader web", ["webdataset"]),
        ("pipebench run --loader webdataset:preset=", ["documented", "tuned"]),
        ("pipebench run --loader webdataset:preset=tuned,tar_r", ["tuned,tar_reader="]),
        ("pipebench run --loader nobody:", []),
        ("pipebench run --step ", ["emulate:", "model:", "null"]),
        ("pipebench run --until d", ["decode"]),
        ("pipebench run --cache ", ["cold", "warm"]),
        ("pipebench ab new=da", ["dali"]),
        ("pipebench data shard --format ", ["folder", "parquet", "wds"]),
        ("pipebench data import --kind ", ["image"]),
        ("pipebench data veri", ["verify"]),
        ("pipebench data synth --se", ["--seed"]),
        ("pipebench compare --format m", ["markdown"]),
        ("pipebench compare --across host,da", ["host,data"]),
        ("pipebench audit resu", ["results.jsonl"]),
    ],
)
def test_options_and_names(line: str, names: list[str], tmp_path: Path) -> None:
    (tmp_path / "results.jsonl").touch()
    assert sorted(offered(line, tmp_path)) == names


@pytest.mark.parametrize(
    ("line", "heavy"),
    [
        ("pipebench ", HEAVY),
        ("pipebench run --loader ", TORCH),
        ("pipebench run --loader dali:", TORCH),
        ("pipebench data shard --format ", TORCH),
    ],
)
def test_nothing_heavy_is_imported(line: str, heavy: tuple[str, ...], tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pipebench.cli import main\ntry: main([])\nexcept SystemExit: pass\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=open('heavy', 'w'))"
    )
    assert offered(line, tmp_path, "-c", script)
    assert (tmp_path / "heavy").read_text() == "[]\n"
