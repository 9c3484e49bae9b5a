"""Object stores: processes that fork, uploads that fail, what they leave, and where the server listens."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipebench import files
from tests.faulty_proxy import PASSING, FaultyProxy
from tests.seaweed import Seaweed

LARGE = 20 * 2**20
"""Bytes of a file that is uploaded in three parts."""

FORKING = """
import multiprocessing, os, sys
from pipebench import files
from pipebench.remote import routing

def read(label):
    assert files.read_file(sys.argv[1]) == b"content"
    print(label, "by a helper" if routing._process.helper else "here", flush=True)

def main():
    {first}
    read("parent")
    for _ in range(2):
        worker = multiprocessing.get_context("fork").Process(target=read, args=("child",))
        worker.start()
        worker.join()
        assert worker.exitcode == 0
    read("parent")

main()
"""


def run_forking(url: str, first: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore:This process", "-c", FORKING.format(first=first), url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_a_process_that_says_that_it_forks_has_a_helper_and_its_workers_have_none(bucket: str) -> None:
    files.write_whole(f"{bucket}/file", b"content")
    said = run_forking(f"{bucket}/file", "files.keep_forkable()")
    assert said == ["parent by a helper", "child here", "child here", "parent by a helper"]


def test_workers_of_one_that_did_not_say_so_have_helpers_and_do_not_hang(bucket: str) -> None:
    files.write_whole(f"{bucket}/file", b"content")
    said = run_forking(f"{bucket}/file", "pass")
    assert said == ["parent here", "child by a helper", "child by a helper", "parent here"]


def test_a_process_may_change_its_mind(bucket: str) -> None:
    files.write_whole(f"{bucket}/file", b"content")
    said = run_forking(f"{bucket}/file", "files.keep_forkable(); read('first'); files.speak_here()")
    assert said[:2] == ["first by a helper", "parent here"]


def test_the_server_listens_on_loopback_alone(seaweed: Seaweed) -> None:
    sockets = {str(path.readlink()) for path in Path(f"/proc/{seaweed.pid}/fd").iterdir()}
    addresses = {
        line.split()[1].partition(":")[0]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{seaweed.pid}/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and f"socket:[{line.split()[9]}]" in sockets
    }
    assert addresses == {"0100007F"}  # 127.0.0.1, its bytes in the order of a little-endian host


@pytest.mark.parametrize("action", PASSING)
def test_an_upload_in_parts_survives_faults(
    bucket: str, faulty: FaultyProxy, tmp_path: Path, action: str
) -> None:
    path = random_file(tmp_path)
    for method, target in (("POST", "uploads="), ("PUT", "partNumber=2"), ("POST", "uploadId")):
        faulty.fail(action, method, target)
    files.put_files([(path, f"{bucket}/folder/large")])
    assert files.read_file(f"{bucket}/folder/large") == path.read_bytes()
    assert files.clear_uploads(bucket) in (0, 1)  # one that was begun when the answer was lost
    assert files.clear_uploads(bucket) == 0


def test_an_upload_that_fails_leaves_nothing(bucket: str, faulty: FaultyProxy, tmp_path: Path) -> None:
    faulty.fail("500", "PUT", "partNumber=2", times=1000)
    with pytest.raises(OSError, match=r"the storage answered 500 \(tried \d+ times in \d+ s\)"):
        files.put_files([(random_file(tmp_path), f"{bucket}/folder/large")])
    faulty.mend()
    assert list(files.objects(bucket)) == []
    assert files.clear_uploads(bucket) == 0


def test_what_a_lost_connection_leaves_is_cleared_later(
    bucket: str, faulty: FaultyProxy, tmp_path: Path
) -> None:
    files.write_whole(f"{bucket}/folder/small", b"")
    faulty.seen = lambda: faulty.cut() if len(faulty.requests) > 3 else None
    with pytest.raises(OSError, match="the connection was reset"):
        files.put_files([(random_file(tmp_path), f"{bucket}/folder/large")])
    faulty.mend()
    faulty.seen = None
    assert [found.name for found in files.objects(bucket)] == ["folder/small"]
    assert files.clear_uploads(f"{bucket}/other") == 0
    assert files.clear_uploads(f"{bucket}/folder") in (1, 2)  # each of which was one more try
    assert files.clear_uploads(bucket) == 0


def random_file(folder: Path) -> Path:
    path = folder / "large"
    path.write_bytes(os.urandom(LARGE))
    return path
