"""Evicting, proving, and saying what cannot be proved."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipebench import machine
from pipebench.dataset import Dataset
from pipebench.page_cache import BLOCK_FILESYSTEMS, evict, label, resident_share, transport


@pytest.fixture
def block_folder(tmp_path: Path) -> Path:
    if machine.filesystem(tmp_path) not in BLOCK_FILESYSTEMS:
        pytest.skip(f"{tmp_path} is on {machine.filesystem(tmp_path)}, from which nothing can be evicted")
    return tmp_path


def share_of(path: Path) -> float | None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return resident_share(descriptor)
    finally:
        os.close(descriptor)


def test_evicting_empties_those_files_and_no_other_and_changes_no_data(block_folder: Path) -> None:
    content = os.urandom(3_000_000)
    files = [block_folder / name for name in ("ours", "other")]
    for path in files:
        path.write_bytes(content)
        path.read_bytes()
    eviction = evict(files[:1])
    assert (eviction.resident, eviction.files) == (0.0, 1)
    assert share_of(files[1]) == 1.0
    assert files[0].read_bytes() == content
    assert share_of(files[0]) == 1.0


def test_an_empty_file_holds_no_pages(block_folder: Path) -> None:
    (block_folder / "empty").touch()
    assert evict([block_folder / "empty"]).resident == 0.0


def test_without_cachestat_mincore_tells_the_same(
    block_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipebench.page_cache._cachestat", lambda descriptor, size: None)
    path = block_folder / "file"
    path.write_bytes(bytes(1_000_000))
    assert share_of(path) == 1.0
    assert evict([path]).resident == 0.0


def test_another_users_file_is_not_told(block_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipebench.page_cache._cachestat", lambda descriptor, size: None)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    path = block_folder / "file"
    path.write_bytes(b"x")
    assert evict([path]).resident is None


def test_the_transport_follows_from_where_the_bytes_lie(
    make_dataset: Callable[..., Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    dataset = make_dataset()
    for name, kind in (("ext4", "block"), ("tmpfs", "other"), ("fuse.sshfs", "other"), ("nfs4", "other")):
        monkeypatch.setattr("pipebench.page_cache.filesystem", lambda path, name=name: name)
        assert transport(dataset) == (kind, name)
    assert transport(replace(dataset, root="s3://bucket/key")) == ("object", "s3")


def facts(**changes: Any) -> dict[str, Any]:
    cold = {"asked": "cold", "transport": "block", "filesystem": "ext4", "resident": 0.0}
    return cold | {"bytes_read": 1020, "payload_bytes": 1000} | changes


def fetched(count: int, **changes: Any) -> dict[str, Any]:
    return facts(
        transport="object", filesystem="s3", bytes_read=0, fetched_bytes=count, requests=7, **changes
    )


@pytest.mark.parametrize(
    ("cache", "says"),
    [
        (facts(), "guest-cold"),
        (facts(resident=0.04), "guest-cold"),
        (facts(resident=0.2), "unproved: 20% of a file stayed cached"),
        (facts(resident=None), "eviction unverified"),
        (facts(bytes_read=900), "unproved: only 90% of the payload came from the device"),
        (facts(bytes_read=1300), "over-read: 1.30 bytes read for each payload byte"),
        (facts(asked="warm", bytes_read=5), "warm"),
        (facts(asked="warm", bytes_read=500), "not warm: 50% of the payload came from the device"),
        (facts(transport="other", filesystem="tmpfs"), "unproved: bytes from tmpfs are not counted"),
        (facts(transport="object", filesystem="s3"), "unproved: bytes from s3 are not counted"),
        (fetched(1000), "fetched: what the server had in its caches is unknown"),
        (fetched(5000), "fetched: what the server had in its caches is unknown"),
        (fetched(1000, asked="warm"), "fetched: what the server had in its caches is unknown"),
        (fetched(940), "unproved: pipebench saw only 94% of the payload being fetched"),
        (fetched(0), "unproved: pipebench saw only 0% of the payload being fetched"),
    ],
)
def test_labels(cache: dict[str, Any], says: str) -> None:
    assert label(cache) == says
