"""A process that speaks to remote storage for another one: `python -m pipebench.remote.helper DESCRIPTOR`.

It ends when the other end of its pipe is closed, so with the process that started it. Both ends run
this file; what they send one another is pickled, as `multiprocessing` does it.
"""

import errno
import multiprocessing
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from pipebench.remote.contract import Entry

if TYPE_CHECKING:
    from pipebench.remote.operations import Storage


class Helper:
    """The operations of `Storage`, done by another process."""

    def __init__(self) -> None:
        self._pipe, far = multiprocessing.Pipe()
        command = [sys.executable, "-P", "-m", "pipebench.remote.helper", str(far.fileno())]
        with far:
            self._process = subprocess.Popen(command, pass_fds=[far.fileno()], stdin=subprocess.DEVNULL)
        self._asking = threading.Lock()

    def call(self, operation: str, *arguments: Any) -> Any:
        """What the operation returns there; raises what it raises there."""
        with self._asking:
            self._send(operation, arguments)
            return self._receive()

    def close(self) -> None:
        """Ends the process."""
        self._pipe.close()
        self._process.wait()

    def disown(self) -> None:
        """In a forked process: leaves the helper to the parent, whose it is."""
        self._pipe.close()
        self._process.returncode = 0  # else its destructor warns that the process runs

    def _send(self, operation: str, arguments: tuple[Any, ...]) -> None:
        try:
            self._pipe.send((operation, arguments))
        except OSError:
            raise _ended() from None

    def _receive(self) -> Any:
        try:
            fine, value = self._pipe.recv()
        except (EOFError, OSError):
            raise _ended() from None
        if fine:
            return value
        raise value

    def pages(self, url: str) -> Iterator[list[Entry]]:
        """The pages of a listing; ask this helper nothing else meanwhile."""
        self._send("listing", (url,))
        while (page := self._receive()) is not None:
            yield page


def listing(url: str) -> Iterator[list[Entry]]:
    """`Storage.listing` by a helper of its own, which ends with it."""
    with closing(Helper()) as helper:
        yield from helper.pages(url)


def _ended() -> OSError:
    return OSError(errno.EIO, "the process that speaks to it was ended")


def main() -> None:
    from pipebench.remote.routing import local_storage

    with Connection(int(sys.argv[1])) as pipe:
        serve(pipe, local_storage())


def serve(pipe: Connection, storage: "Storage") -> None:
    """Answers until the other end is closed."""
    try:
        while True:
            operation, arguments = pipe.recv()
            for answer in _answers(storage, operation, arguments):
                pipe.send(answer)
    except (EOFError, ConnectionError):
        return


def _answers(storage: "Storage", operation: str, arguments: tuple[Any, ...]) -> Iterator[tuple[bool, Any]]:
    try:
        result = getattr(storage, operation)(*arguments)
        if operation == "listing":
            yield from ((True, page) for page in result)
            result = None
        yield True, result
    except (OSError, ImportError, ValueError) as error:
        yield False, error


if __name__ == "__main__":
    main()
