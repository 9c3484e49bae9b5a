"""Requests and bytes, over processes that fork, spawn and end."""

import multiprocessing
import os
from multiprocessing.context import BaseContext
from pathlib import Path

import pytest

from pipebench import files
from pipebench.files import Range
from pipebench.remote import tally
from tests.faulty_proxy import FaultyProxy


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(tally.FOLDER, str(tmp_path))
    return tmp_path


def count(times: int, killed: bool) -> None:
    for _ in range(times):
        tally.count(10, 7)
    if killed:
        os.kill(os.getpid(), 9)


def read_some(url: str) -> None:
    files.read_ranges([Range(url, 0, 100), Range(url, 150_000, 100)])


def run(context: BaseContext, function: object, *arguments: object) -> None:
    process = context.Process(target=function, args=arguments)  # type: ignore[attr-defined]
    process.start()
    process.join()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_what_each_process_counted_adds_up_also_when_it_was_killed(folder: Path, method: str) -> None:
    context = multiprocessing.get_context(method)
    tally.count(1, 1)
    for killed in (False, True):
        run(context, count, 5, killed)
    tally.count(2, 1)
    assert tally.total() == (12, 103, 72)


def test_nothing_is_counted_outside_of_a_trial(tmp_path: Path) -> None:
    tally.count(1, 1)
    assert tally.total() is None


def test_another_trial_counts_anew(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    tally.count(1, 1)
    monkeypatch.setenv(tally.FOLDER, str(tmp_path_factory.mktemp("other")))
    assert tally.total() == (0, 0, 0)
    tally.count(2, 5)
    assert tally.total() == (1, 2, 5)


def test_requests_are_those_that_the_server_gets(bucket: str, faulty: FaultyProxy, folder: Path) -> None:
    """Those that failed and were repeated too; bytes are of bodies that arrived whole."""
    url = f"{bucket}/file"
    files.write_whole(url, bytes(200_000))
    faulty.fail("500", "GET", times=2)
    faulty.fail("reset in body", "GET")
    read_some(url)
    read_some(url)
    context = multiprocessing.get_context("spawn")
    run(context, read_some, url)
    asked = [method for method, _ in faulty.requests if method == "GET"]
    found = tally.total()
    assert found is not None
    assert found[:2] == (len(asked), 3 * 200)
    assert found.ns > 0
    assert len(asked) == 3 * 2 + 3
