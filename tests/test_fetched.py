"""Trials over an object store for real: what was fetched is counted, in any process, and called no more."""

import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from pipebench.dataset import Dataset
from pipebench.datasets_prep.shard import Sharding, shard_dataset
from pipebench.figures import figures
from pipebench.isolation import run_trial
from pipebench.remote import tally
from pipebench.results import Record, TrialSpec
from pipebench.usage import usage
from tests.faulty_proxy import PASSING, FaultyProxy
from tests.seaweed import KEY, SECRET

Run = Callable[..., Record]


@pytest.fixture
def run(bucket: str, faulty: FaultyProxy, tiny_folder: Dataset, spec: TrialSpec) -> Run:
    """`run(loader, format)`: a cold trial of one epoch, through the proxy."""

    def run(loader: str, name: str = "wds") -> Record:
        target = f"{bucket}/{name}"
        how = Sharding(format=name, shard_samples=None if name == "folder" else 16)
        shard_dataset(tiny_folder.url, target, how)
        faulty.requests.clear()
        order = replace(spec, loader=loader, data=target, cache="cold", batch_size=16, seconds=1.0)
        cpus = sorted(os.sched_getaffinity(0))[:2]
        return run_trial(replace(order, cpus=cpus), 60, run="r", contestant="c", block=0)

    return run


@pytest.mark.parametrize(
    ("loader", "name"),
    [
        ("torch_dataloader", "folder"),
        ("torch_dataloader", "parquet"),
        ("webdataset", "wds"),
        ("arrow", "parquet"),
    ],
)
def test_a_loader_through_the_layer_is_fetched(
    run: Run, faulty: FaultyProxy, tiny_folder: Dataset, loader: str, name: str
) -> None:
    record = run(loader, name)
    found, used = figures(record), usage(record)
    assert found is not None, record.reason
    assert used is not None
    assert found.cache == "fetched: what the server had in its caches is unknown"
    asked = [target for method, target in faulty.requests if method == "GET"]
    payloads = [target for target in asked if not target.endswith(("dataset.json", "samples.parquet"))]
    assert 0 < record.cache["requests"] <= len(payloads)
    assert record.cache["payload_bytes"] == tiny_folder.payload_bytes
    # Of an epoch of six batches the next two are fetched as well.
    assert 1 <= used.fetched_bytes_per_sample / (tiny_folder.payload_bytes / 96) <= 3
    assert used.requests_per_sample == record.cache["requests"] / 96


def test_requests_that_were_repeated_count(run: Run, faulty: FaultyProxy, tiny_folder: Dataset) -> None:
    faulty.fail_every(5, *PASSING)
    record = run("torch_dataloader", "folder")
    assert record.status == "ok", record.reason
    assert record.cache["requests"] > 96 / (len(faulty.requests) / 96)


def test_a_loader_that_fetches_by_itself_is_not(run: Run, fakes: str) -> None:
    """It delivers ids alone."""
    found = figures(run("fake_loaders:Good"))
    assert found is not None
    assert found.cache == "unproved: pipebench saw only 0% of the payload being fetched"


def test_a_connection_that_is_lost_is_the_reason(run: Run, faulty: FaultyProxy) -> None:
    faulty.fail("reset", "GET", r"shard-00000\d.tar", times=10**6)
    record = run("webdataset")
    assert record.status in ("failed", "bad_input")
    assert "the connection was reset (tried" in record.reason
    assert KEY not in repr(record)
    assert SECRET not in repr(record)


def test_without_a_trial_nothing_is_counted() -> None:
    assert tally.total() is None
