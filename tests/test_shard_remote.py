"""Sharding from and to an object store, through faults, and cut short."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xxhash

from pipebench import files
from pipebench.dataset import WORK, Dataset, open_dataset, write_dataset
from pipebench.datasets_prep.shard import Sharding, shard_dataset
from pipebench.errors import BadInput
from pipebench.index import content_id, make_index
from tests.faulty_proxy import PASSING, FaultyProxy
from tests.seaweed import KEY, SECRET, Seaweed, settings

MB = 1_000_000


def sharding(name: str) -> Sharding:
    return Sharding(format=name, shard_samples=None if name == "folder" else 12)


@pytest.fixture(scope="session")
def large_folder(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """8 payloads of 3 MB, so that shards of four go in two parts."""
    root = tmp_path_factory.mktemp("large_folder")
    contents = [os.urandom(3 * MB) for _ in range(8)]
    members = [f"c/{number}.jpg" for number in range(8)]
    (root / "c").mkdir()
    for member, content in zip(members, contents, strict=True):
        (root / member).write_bytes(content)
    index = make_index(
        key=[f"c/{number}" for number in range(8)],
        member=members,
        shard=[-1] * 8,
        offset=[0] * 8,
        size=[3 * MB] * 8,
        label=[0] * 8,
        hash=[xxhash.xxh3_64_intdigest(content) for content in contents],
    )
    made = Dataset(
        url=str(root),
        root=str(root),
        kind="image",
        format="folder",
        classes=("c",),
        samples=8,
        payload_bytes=24 * MB,
        content_id=content_id(index),
    )
    write_dataset(made, index)
    return made


def local_files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def remote_files(url: str) -> dict[str, bytes]:
    names = [found.name for found in files.objects(url)]
    return {name: files.read_file(f"{url}/{name}") for name in names}


def expected(source: str, folder: Path, how: Sharding) -> dict[str, bytes]:
    """What sharding gives without faults, locally."""
    shard_dataset(source, str(folder), how)
    return local_files(folder)


class Watcher:
    """What anybody could see below a URL, at each request of others."""

    def __init__(self, proxy: FaultyProxy, server: Seaweed, url: str) -> None:
        import obstore
        from obstore.store import from_url

        bucket, _, self._folder = url.removeprefix("s3://").partition("/")
        own = {name.lower(): value for name, value in settings(server.endpoint).items() if name != "NO_PROXY"}
        settled: Any = {"config": own, "client_options": {"allow_http": True}}
        store = from_url(f"s3://{bucket}", **settled)
        self._list: Any = lambda: obstore.list(store, self._folder).collect()
        self.seen: set[tuple[str, int]] = set()
        proxy.seen = self.look

    def look(self) -> None:
        for found in self._list():
            name = str(found["path"]).removeprefix(f"{self._folder}/")
            if not name.startswith(WORK):
                self.seen.add((name, int(found["size"])))


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("name", ["wds", "parquet", "folder"])
def test_to_a_store_through_faults(
    bucket: str,
    faulty: FaultyProxy,
    seaweed: Seaweed,
    tiny_folder: Dataset,
    tmp_path: Path,
    name: str,
    workers: int,
) -> None:
    wanted = expected(tiny_folder.url, tmp_path / "local", sharding(name))
    target = f"{bucket}/dst"
    watcher = Watcher(faulty, seaweed, target)
    faulty.fail_every(4, *PASSING)
    shard_dataset(tiny_folder.url, target, sharding(name), workers)
    faulty.mend()
    assert remote_files(target) == wanted
    assert watcher.seen <= {(name, len(content)) for name, content in wanted.items()}
    assert files.clear_uploads(bucket) == 0


@pytest.mark.parametrize("place", ["store", "disk"])
def test_from_a_store_through_faults(
    bucket: str, faulty: FaultyProxy, tiny_folder: Dataset, tmp_path: Path, place: str
) -> None:
    shard_dataset(tiny_folder.url, f"{bucket}/src", sharding("parquet"))
    wanted = expected(f"{bucket}/src", tmp_path / "local", sharding("wds"))
    faulty.fail_every(4, *PASSING)
    target = {"store": f"{bucket}/dst", "disk": str(tmp_path / "dst")}[place]
    shard_dataset(f"{bucket}/src", target, sharding("wds"))
    faulty.mend()
    assert (remote_files(target) if place == "store" else local_files(tmp_path / "dst")) == wanted


def test_large_shards_go_in_parts_through_faults(
    bucket: str, faulty: FaultyProxy, seaweed: Seaweed, large_folder: Dataset, tmp_path: Path
) -> None:
    how = Sharding(format="wds", shard_samples=4)
    wanted = expected(large_folder.url, tmp_path / "local", how)
    watcher = Watcher(faulty, seaweed, f"{bucket}/dst")
    faulty.fail_every(3, *PASSING)
    shard_dataset(large_folder.url, f"{bucket}/dst", how)
    faulty.mend()
    assert any("partNumber=2" in target for _, target in faulty.requests)
    assert remote_files(f"{bucket}/dst") == wanted
    assert watcher.seen <= {(name, len(content)) for name, content in wanted.items()}
    assert files.clear_uploads(bucket) == 0


@pytest.mark.parametrize("after", [1, 4, 9, 15, 22])
def test_a_connection_that_is_lost_for_good(
    bucket: str, faulty: FaultyProxy, tiny_folder: Dataset, tmp_path: Path, after: int
) -> None:
    """At any point; what is finished stays, and what was begun goes on."""
    wanted = expected(tiny_folder.url, tmp_path / "local", sharding("wds"))
    target = f"{bucket}/dst"
    faulty.requests.clear()
    faulty.seen = lambda: faulty.cut() if len(faulty.requests) > after else None
    with pytest.raises(BadInput, match=r"the connection was reset \(tried \d+ times in \d s\)") as caught:
        shard_dataset(tiny_folder.url, target, sharding("wds"))
    faulty.seen = None
    faulty.mend()
    begun = any(name.startswith(f"{WORK}/plan") for name in remote_files(target))
    assert ("--resume goes on from there" in str(caught.value)) == begun
    if begun:
        with pytest.raises(BadInput, match="is incomplete"):
            open_dataset(target)
    files.remove_below(f"{target}/{WORK}/lock")  # as if the time had passed after which it is stale
    shard_dataset(tiny_folder.url, target, sharding("wds"), resume=begun)
    assert remote_files(target) == wanted


@pytest.fixture
def command(large_folder: Dataset, bucket: str) -> list[str]:
    data = [sys.executable, "-m", "pipebench", "data", "shard", large_folder.url, f"{bucket}/dst"]
    return [*data, "--format", "wds", "--shard-samples", "4", "--workers", "2"]


@pytest.fixture
def killed(command: list[str], faulty: FaultyProxy) -> Iterator["subprocess.CompletedProcess[bytes]"]:
    """A sharding that was killed while a part of its second shard was on its way."""
    faulty.fail("hang", "PUT", "shard-000001.tar.partNumber=2")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not any("shard-000001.tar?partNumber=2" in target for _, target in faulty.requests):
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        out, errors = process.communicate()
    yield subprocess.CompletedProcess(command, process.returncode, out, errors)


def test_killed_in_the_middle_of_an_upload(
    killed: "subprocess.CompletedProcess[bytes]",
    command: list[str],
    bucket: str,
    faulty: FaultyProxy,
    large_folder: Dataset,
    tmp_path: Path,
) -> None:
    target = f"{bucket}/dst"
    assert "shard-000001.tar" not in remote_files(target)
    with pytest.raises(BadInput, match="is incomplete"):
        open_dataset(target)
    refused = subprocess.run([*command, "--resume"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "is being written by another process" in refused.stderr
    files.remove_below(f"{target}/{WORK}/lock")  # as if the time had passed after which it is stale
    done = subprocess.run([*command, "--resume"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert files.clear_uploads(bucket) == 0
    found = remote_files(target)
    assert found == expected(large_folder.url, tmp_path / "local", Sharding(format="wds", shard_samples=4))
    for text in (
        *found.values(),
        killed.stdout,
        killed.stderr,
        refused.stderr.encode(),
        done.stdout,
        done.stderr,
    ):
        assert not any(secret.encode() in text for secret in (KEY, SECRET))
