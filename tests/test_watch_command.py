"""`pipebench watch` around real commands: what is seen, and that the command is left as it is."""

import json
import re
import signal
import sys
from pathlib import Path

import pytest

from pipebench.cli import main

TRAINING = """
import sys
import torch
from torch.utils.data import DataLoader, Dataset

class Numbers(Dataset):
    def __len__(self):
        return 400
    def __getitem__(self, number):
        return torch.tensor(number)

loader = DataLoader(Numbers(), batch_size=4)
total = sum(int(batch.sum()) for _ in range(2) for batch in loader)
print("total", total)
sys.exit(int(sys.argv[1]))
"""


@pytest.fixture
def script(tmp_path: Path) -> str:
    (tmp_path / "train.py").write_text(TRAINING)
    return str(tmp_path / "train.py")


def watch(*arguments: str) -> int:
    return main(["watch", *arguments])


def test_a_training_is_watched_unedited(
    script: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "waits.json"
    assert watch("--json", "--out", str(out), "--", sys.executable, script, "0") == 0
    assert capfd.readouterr().out == "total 159600\n"
    (loader,) = json.loads(out.read_text())["loaders"]
    assert loader["label"] == "Numbers, batches of 4, no workers"
    (rank,) = loader["ranks"]
    assert (rank["rank"], rank["steps"], rank["epochs"]) == (None, 200, 2)
    assert 0 < rank["data_wait"] < 1


STREAM = """
class Stream(torch.utils.data.IterableDataset):
    def __iter__(self):
        return map(torch.tensor, range(400))
"""


@pytest.mark.parametrize(
    ("before", "after", "label"),
    [
        (
            "batch_size=4",
            "batch_size=4, num_workers=1, persistent_workers=True",
            "Numbers, batches of 4, 1 workers",
        ),
        ("Numbers(), batch_size=4", "Stream(), batch_size=4", "Stream, batches of 4, no workers"),
        (
            "DataLoader(Numbers()",
            "type('Own', (DataLoader,), {})(Numbers()",
            "Numbers, batches of 4, no workers",
        ),
    ],
)
def test_all_sorts_of_dataloaders(
    before: str, after: str, label: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = TRAINING.replace("loader = ", f"{STREAM}\nloader = ").replace(before, after)
    (tmp_path / "train.py").write_text(text)
    out = tmp_path / "waits.json"
    command = (sys.executable, "-W", "error", str(tmp_path / "train.py"), "0")
    assert watch("--json", "--out", str(out), "--", *command) == 0
    told = capfd.readouterr()
    assert told.out == "total 159600\n"
    assert told.err == ""
    (loader,) = json.loads(out.read_text())["loaders"]
    assert loader["label"] == label
    (rank,) = loader["ranks"]
    assert (rank["steps"], rank["epochs"]) == (200, 2)


def test_headroom_replays_and_says_that_it_does(script: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert watch("--headroom", "--", sys.executable, script, "0") == 0
    told = capfd.readouterr()
    assert told.out.startswith("total ")
    assert told.out != "total 159600\n"
    assert re.search(r"with batches that are there already .* as fast, slowdown -?[\d.]+% \(", told.err)
    assert "replayed: throw the result of this training away" in told.err


def test_headroom_as_json_says_so_too(script: str, tmp_path: Path) -> None:
    out = tmp_path / "h.json"
    assert watch("--headroom", "--json", "--out", str(out), "--", sys.executable, script, "0") == 0
    told = json.loads(out.read_text())
    assert "throw the result of this training away" in told["training"]
    (loader,) = told["loaders"]
    assert loader["outcome"] == "indicative"
    assert loader["stretches"] < 10
    faster, lost = loader["headroom"], loader["slowdown"]
    assert [lost[bound] for bound in ("estimate", "low", "high")] == pytest.approx(
        [1 - 1 / faster[bound] for bound in ("estimate", "low", "high")]
    )


def test_where_nothing_was_replayed_the_training_is_not_said_to_be_spoilt(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "short.py").write_text(TRAINING.replace("range(2)", "range(1)").replace("400", "40"))
    assert watch("--headroom", "--", sys.executable, str(tmp_path / "short.py"), "0") == 0
    told = capfd.readouterr()
    assert told.out == "total 780\n"
    assert "too few steps for a stretch" in told.err
    assert "No batch was replayed" in told.err


SAVING = """
import os, signal, sys, time
def save(number, frame):
    print("saved", flush=True)
    sys.exit(5)
signal.signal(signal.SIGTERM, save)
os.kill(os.getppid(), signal.SIGTERM)
time.sleep(60)
"""


def test_a_schedulers_signal_reaches_the_command(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "saving.py").write_text(SAVING)
    before = signal.getsignal(signal.SIGTERM)
    assert watch("--", sys.executable, str(tmp_path / "saving.py")) == 5
    assert capfd.readouterr().out == "saved\n"
    assert signal.getsignal(signal.SIGTERM) is before


RANKS = """
import sys
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.utils.data import DataLoader

def train(rank, store):
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    for batch in DataLoader(list(range(80)), batch_size=4):
        dist.all_reduce(batch)
    dist.destroy_process_group()

if __name__ == "__main__":
    mp.spawn(train, args=(sys.argv[1],), nprocs=2)
"""


def test_ranks_that_no_launcher_told(tmp_path: Path) -> None:
    (tmp_path / "ranks.py").write_text(RANKS)
    out = tmp_path / "waits.json"
    command = (sys.executable, str(tmp_path / "ranks.py"), str(tmp_path / "store"))
    assert watch("--json", "--out", str(out), "--", *command) == 0
    (loader,) = json.loads(out.read_text())["loaders"]
    assert [rank["rank"] for rank in loader["ranks"]] == [0, 1]
    assert loader["label"] == "list, batches of 4, no workers"


def test_the_exit_code_is_the_commands(script: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert watch("--", sys.executable, script, "7") == 7
    assert "Waits for Numbers" in capfd.readouterr().err


def test_what_cannot_be_written_is_told(script: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert watch("--out", "no/such/folder/file", "--", sys.executable, script, "0") == 2
    told = capfd.readouterr().err
    assert "Waits for Numbers" in told
    assert told.endswith(
        "file cannot be written: No such file or directory; what it would hold stands above\n"
    )


def test_nothing_seen_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    assert watch("--", sys.executable, "-c", "pass") == 3
    assert "no batch of a PyTorch DataLoader was seen" in capfd.readouterr().err
    assert watch("--", sys.executable, "-c", "import os; os.kill(os.getpid(), 15)") == 143


def test_a_command_that_is_none(capfd: pytest.CaptureFixture[str]) -> None:
    assert watch("--", "no/such/command") == 2
    assert capfd.readouterr().err == "pipebench: no/such/command cannot be run: No such file or directory\n"


def test_the_environments_own_sitecustomize_runs_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('mine')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    code = "import sys, pipebench; print(sys.modules['sitecustomize'].__file__)"
    assert watch("--", sys.executable, "-c", code) == 3
    assert capfd.readouterr().out == f"mine\n{tmp_path / 'sitecustomize.py'}\n"
