"""Cold trials for real: bytes count however a loader reads them, and only what is proved is called so."""

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pipebench import machine
from pipebench.dataset import Dataset
from pipebench.figures import figures
from pipebench.isolation import run_trial
from pipebench.page_cache import BLOCK_FILESYSTEMS
from pipebench.results import TrialSpec

Label = Callable[[str], str]


def label_of(spec: TrialSpec, folder: str, loader: str) -> str:
    order = replace(spec, loader=f"fake_loaders:{loader}", data=folder, cache="cold", batch_size=16)
    record = run_trial(
        replace(order, cpus=[min(os.sched_getaffinity(0))]), 60, run="r", contestant="c", block=0
    )
    found = figures(record)
    assert found is not None, record.reason
    return found.cache


@pytest.fixture
def label(tiny_folder: Dataset, fakes: str, spec: TrialSpec) -> Label:
    """The label of a cold trial over files that another process has just read whole."""
    name = machine.filesystem(Path(tiny_folder.root))
    if name not in BLOCK_FILESYSTEMS:
        pytest.skip(f"{tiny_folder.root} is on {name}, whose reads no counter shows")

    def run(loader: str) -> str:
        for path in tiny_folder.files():
            path.read_bytes()
        return label_of(spec, tiny_folder.url, loader)

    return run


@pytest.mark.parametrize("loader", ["ReadsFiles", "ReadsThroughChild", "ReadsThroughOrphan", "ReadsMapped"])
def test_whoever_reads_is_counted(label: Label, loader: str) -> None:
    assert label(loader) == "guest-cold"


def test_less_than_the_payload_proves_nothing(label: Label) -> None:
    assert label("ReadsHalf").startswith("unproved: only 5")


def test_delivering_ids_without_reading_proves_nothing(label: Label) -> None:
    assert label("Good").startswith("unproved: only 0%")


def test_on_tmpfs_nothing_is_proved(
    make_dataset: Callable[..., Dataset], fakes: str, spec: TrialSpec
) -> None:
    shm = Path("/dev/shm")
    if not shm.is_dir() or machine.filesystem(shm) != "tmpfs":
        pytest.skip("there is no tmpfs at /dev/shm")
    with tempfile.TemporaryDirectory(dir=shm) as folder:
        shutil.copytree(make_dataset(samples=64).url, folder, dirs_exist_ok=True)
        assert label_of(spec, folder, "Good") == "unproved: bytes from tmpfs are not counted"
