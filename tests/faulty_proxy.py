"""A proxy between an S3 client and its server that fails as it is told; `faulty` is the fixture.

Requests are passed on as they are, `Host` included, so that their signatures stay valid. Each has a
connection of its own.
"""

import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import NamedTuple

import pytest

from tests.seaweed import Seaweed, settings

SLOW_DOWN = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


class Request(NamedTuple):
    """What a client asked."""

    method: str
    target: str
    """Path and query."""
    head: bytes
    body: bytes


@dataclass
class Rule:
    """Which requests fail, in which way, and how many times still."""

    method: str
    target: "re.Pattern[str]"
    action: str
    left: int
    skip: int = 0
    """Requests that match and are let through first."""


@dataclass
class FaultyProxy:
    """A listening proxy. Fails nothing until it is told to."""

    upstream: int
    """The server's port on 127.0.0.1."""
    requests: list[tuple[str, str]] = field(default_factory=list)
    """Method and target of all, those that failed included."""
    seen: Callable[[], None] | None = None
    """Called before each request is passed on."""
    _rules: list[Rule] = field(default_factory=list)
    _every: tuple[int, tuple[str, ...]] = (0, ())
    _closing: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _socket: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def fail(
        self, action: str, method: str = ".*", target: str = ".*", times: int = 1, skip: int = 0
    ) -> None:
        """The next requests whose method and target match end so; see ACTIONS."""
        self._rules.append(Rule(method, re.compile(target), action, times, skip))

    def fail_every(self, number: int, *actions: str) -> None:
        """From now on each request of that number ends in one of these ways, in turn."""
        self._every = (number, actions)

    def cut(self) -> None:
        """No request gets through any more."""
        self.fail("reset", times=10**9)

    def mend(self) -> None:
        """All do again."""
        self._rules.clear()
        self._every = (0, ())

    def close(self) -> None:
        self._closing.set()
        self._socket.shutdown(socket.SHUT_RDWR)  # wakes whoever accepts
        self._socket.close()

    def serve(self) -> None:
        """Until it is closed."""
        while not self._closing.is_set():
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._handle, args=(client,), daemon=True).start()

    def _handle(self, client: socket.socket) -> None:
        with closing(client), suppress(OSError):
            client.settimeout(60)
            head = _read_head(client)
            if head:
                self._pass(client, head)

    def _pass(self, client: socket.socket, head: bytes) -> None:
        method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        action = self._action(method, target)
        if action == "reset":
            _reset(client)
            return
        request = Request(method, target, head, _read_body(client, head))
        if self.seen is not None:
            self.seen()
        ACTIONS[action](self, client, request)

    def _action(self, method: str, target: str) -> str:
        with self._lock:
            self.requests.append((method, target))
            for rule in self._rules:
                if re.fullmatch(rule.method, method) and rule.target.search(target) and rule.left:
                    rule.skip -= 1
                    if rule.skip < 0:
                        rule.left -= 1
                        return rule.action
            number, actions = self._every
            if number and len(self.requests) % number == 0:
                return actions[len(self.requests) // number % len(actions)]
            return "pass"

    def _pass_on(self, client: socket.socket, request: Request) -> None:
        client.sendall(self._answer(request))

    def _answer(self, request: Request) -> bytes:
        """The server's, whole."""
        first, rest = request.head.split(b"\r\n", 1)
        rest = re.sub(rb"(?im)^connection:.*\r\n", b"", rest)
        with closing(socket.create_connection(("127.0.0.1", self.upstream), 30)) as server:
            server.sendall(first + b"\r\nConnection: close\r\n" + rest + request.body)
            parts = iter(lambda: server.recv(65536), b"")
            return b"".join(parts)

    def _hang(self, client: socket.socket, request: Request) -> None:
        self._closing.wait(60)

    def _reset_in_body(self, client: socket.socket, request: Request) -> None:
        client.sendall(_half(self._answer(request)))
        _reset(client)

    def _cut_short(self, client: socket.socket, request: Request) -> None:
        client.sendall(_half(self._answer(request)))

    def _reset_after(self, client: socket.socket, request: Request) -> None:
        """The server has done it, and nobody hears of it."""
        self._answer(request)
        _reset(client)

    def _status(self, client: socket.socket, line: str, body: str) -> None:
        head = f"HTTP/1.1 {line}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        client.sendall((head + body).encode())

    def _internal_error(self, client: socket.socket, request: Request) -> None:
        self._status(client, "500 Internal Server Error", "")

    def _slow_down(self, client: socket.socket, request: Request) -> None:
        self._status(client, "503 Slow Down", SLOW_DOWN)

    def _too_many(self, client: socket.socket, request: Request) -> None:
        self._status(client, "429 Too Many Requests", "")

    def _quote(self, client: socket.socket, request: Request) -> None:
        """An error whose text holds all that was sent, as debugging proxies' do."""
        self._status(client, "400 Bad Request", request.head.decode("latin-1"))


Action = Callable[[FaultyProxy, socket.socket, Request], None]
ACTIONS: dict[str, Action] = {
    "pass": FaultyProxy._pass_on,
    "500": FaultyProxy._internal_error,
    "503": FaultyProxy._slow_down,
    "429": FaultyProxy._too_many,
    "reset in body": FaultyProxy._reset_in_body,
    "reset after": FaultyProxy._reset_after,
    "cut short": FaultyProxy._cut_short,
    "hang": FaultyProxy._hang,
    "quote": FaultyProxy._quote,
}
PASSING = ("500", "503", "429", "reset", "reset in body", "reset after", "cut short")
"""What another try mends at once."""


def _read_head(client: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = client.recv(1)
        if not byte:
            return b""
        head += byte
    return head


def _read_body(client: socket.socket, head: bytes) -> bytes:
    length = re.search(rb"(?im)^content-length: *(\d+)", head)
    body = bytearray()
    while len(body) < (int(length[1]) if length else 0):
        part = client.recv(65536)
        if not part:
            raise ConnectionError
        body += part
    return bytes(body)


def _half(answer: bytes) -> bytes:
    """The head and half of the body."""
    head, end, body = answer.partition(b"\r\n\r\n")
    return head + end + body[: len(body) // 2]


def _reset(client: socket.socket) -> None:
    """Closes with RST instead of FIN."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


@pytest.fixture
def faulty(seaweed: Seaweed, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    """Between the client and `bucket`; it is borne with for a few seconds, and a hang for one."""
    proxy = FaultyProxy(seaweed.port)
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    waits = {"PIPEBENCH_STORAGE_PATIENCE": "2", "PIPEBENCH_STORAGE_TIMEOUT": "1"}
    for name, value in (settings(proxy.endpoint) | waits).items():
        monkeypatch.setenv(name, value)
    yield proxy
    proxy.close()
    thread.join(5)
