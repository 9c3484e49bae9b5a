"""Killed at any moment, out of disk or beside another writer: what is finished stays, and resumed it ends
as if nothing had been.

The command runs for real. Its moments are told by the files that it makes.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipebench.dataset import Dataset, open_dataset
from pipebench.datasets_prep.catalogue.splits import parse_shares
from pipebench.datasets_prep.shard import shard_dataset
from pipebench.datasets_prep.sharding.options import Sharding
from pipebench.errors import BadInput

SPLIT = "train=0.75,val=0.25"
SHARDS = 48
"""Of two samples each, or the folder's parts."""
PATIENCE = 60
"""Seconds after which a moment that doesn't come is a failure."""


def tree(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def command(source: Dataset, target: Path, name: str, *options: str) -> list[str]:
    size = [] if name == "folder" else ["--shard-samples", "2"]
    arguments = ["data", "shard", source.url, str(target), "--format", name, *size, "--workers", "2"]
    return [sys.executable, "-m", "pipebench", *arguments, "--shuffle", "--split", SPLIT, *options]


def begin(arguments: list[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def run(arguments: list[str]) -> tuple[int, str]:
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=PATIENCE, check=False)
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def uninterrupted(
    tiny_folder: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], dict[str, bytes | None]]:
    """`uninterrupted(format)`: all that a sharding writes that nobody disturbs."""
    made: dict[str, dict[str, bytes | None]] = {}

    def make(name: str) -> dict[str, bytes | None]:
        if name not in made:
            target = tmp_path_factory.mktemp("whole") / name
            sharding = Sharding(
                format=name,
                shard_samples=None if name == "folder" else 2,
                shuffle=True,
                split=parse_shares(SPLIT),
            )
            shard_dataset(tiny_folder.url, str(target), sharding)
            made[name] = tree(target)
        return made[name]

    return make


def until(moment: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    """Looks again and again; a process that has ended has passed every moment."""
    end = time.monotonic() + PATIENCE
    while not moment() and process.poll() is None:
        assert time.monotonic() < end, "the moment never came"
        os.sched_yield()


def count(folder: Path, pattern: str) -> int:
    try:
        return sum(1 for _ in folder.glob(pattern))
    except FileNotFoundError:  # the folder went while it was listed
        return 0


def parts(target: Path, number: int) -> Callable[[], bool]:
    """The moment at which so many shards are done."""
    return lambda: count(target, ".sharding/parts/[a-z]*") >= number


MOMENTS: dict[str, tuple[str, int]] = {
    "locked": (".sharding/lock", 1),
    "planned": (".sharding/plan.json", 1),
    "writing": (".sharding/partial/*/*", 1),
    "first part": (".sharding/parts/[a-z]*", 1),
    "first of the second split": (".sharding/parts/val-*", 1),
    "indexed": ("*/samples.parquet", 1),
    "described": ("*/dataset.json", 1),
    "both described": ("*/dataset.json", 2),
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", ["folder", "parquet", "wds"])
def test_killed_at_a_moment_and_resumed(
    tiny_folder: Dataset,
    uninterrupted: Callable[[str], dict[str, bytes | None]],
    tmp_path: Path,
    name: str,
    moment: str,
) -> None:
    pattern, number = MOMENTS[moment]
    kill_when(tiny_folder, tmp_path / "dst", name, lambda: count(tmp_path / "dst", pattern) >= number)
    resume(tiny_folder, tmp_path / "dst", name)
    assert tree(tmp_path / "dst") == uninterrupted(name)


@pytest.mark.parametrize("seed", range(4))
def test_killed_several_times_at_random(
    tiny_folder: Dataset,
    uninterrupted: Callable[[str], dict[str, bytes | None]],
    tmp_path: Path,
    seed: int,
) -> None:
    generator, target = random.Random(seed), tmp_path / "dst"
    for number in sorted(generator.sample(range(1, SHARDS), 3)):
        kill_when(tiny_folder, target, "wds", parts(target, number), "--resume")
        if (target / ".sharding/plan.json").exists() and not count(target, "*/dataset.json"):
            with pytest.raises(BadInput, match="is incomplete"):
                open_dataset(str(target))
            with pytest.raises(BadInput, match="is incomplete"):
                open_dataset(str(target / "train"))
    resume(tiny_folder, target, "wds")
    assert tree(target) == uninterrupted("wds")


def kill_when(source: Dataset, target: Path, name: str, moment: Callable[[], bool], *options: str) -> None:
    """Kills the coordinator; its workers see that it is gone."""
    process = begin(command(source, target, name, *options))
    until(moment, process)
    process.kill()
    process.communicate()


def resume(source: Dataset, target: Path, name: str) -> None:
    code, said = run(command(source, target, name, "--resume"))
    assert code == 0, said


def workers_of(coordinator: int, target: Path) -> list[int]:
    """The processes below it that are writing, by the names of their folders."""
    writing = {path.name.partition("-")[0] for path in target.glob(".sharding/partial/*")}
    return [pid for pid in below(coordinator) if str(pid) in writing]


def below(parent: int) -> list[int]:
    """All processes below that one."""
    children = [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    return children + [pid for child in children for pid in below(child)]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no /proc here")
def test_a_killed_worker_is_one_sentence(
    tiny_folder: Dataset, uninterrupted: Callable[[str], dict[str, bytes | None]], tmp_path: Path
) -> None:
    target = tmp_path / "dst"
    process = begin(command(tiny_folder, target, "wds"))
    until(lambda: bool(workers_of(process.pid, target)), process)
    os.kill(workers_of(process.pid, target)[0], signal.SIGKILL)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    last = said.decode().splitlines()[-1]
    assert "a worker process was killed" in last
    assert "--resume goes on from there" in last
    resume(tiny_folder, target, "wds")
    assert tree(target) == uninterrupted("wds")


LIMITED = """
import resource, sys
from pipebench.cli import main
if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
    sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize("name", ["folder", "parquet", "wds"])
def test_no_room_for_a_file(
    tiny_folder: Dataset,
    uninterrupted: Callable[[str], dict[str, bytes | None]],
    tmp_path: Path,
    name: str,
) -> None:
    """A limit on files stands for the full disk: writing fails half-way through some of them."""
    target = tmp_path / "dst"
    (tmp_path / "limited.py").write_text(LIMITED)
    largest = max(len(content) for path, content in uninterrupted(name).items() if content and "." in path)
    limited = [sys.executable, str(tmp_path / "limited.py"), str(largest * 3 // 4)]
    code, said = run([*limited, *command(tiny_folder, target, name)[3:]])
    assert code == 2, said
    assert "cannot be written: File too large" in said.splitlines()[-1]
    assert "--resume goes on from there" in said.splitlines()[-1]
    assert count(target, ".sharding/partial/*") == 0
    resume(tiny_folder, target, name)
    assert tree(target) == uninterrupted(name)


def test_two_writers_at_once(tiny_folder: Dataset, tmp_path: Path) -> None:
    target = tmp_path / "dst"
    first = begin(command(tiny_folder, target, "wds"))
    until(parts(target, 1), first)
    first.send_signal(signal.SIGSTOP)
    for options in ([], ["--resume"]):
        code, said = run(command(tiny_folder, target, "wds", *options))
        assert code == 2
        assert "is being written by another process" in said.splitlines()[-1], said
    first.send_signal(signal.SIGCONT)
    _, said_first = first.communicate(timeout=PATIENCE)
    assert first.returncode == 0, said_first
    assert open_dataset(str(target / "train")).samples == 72
