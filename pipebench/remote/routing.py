"""In which process remote storage is spoken to, and through which library.

**The rule.** obstore keeps threads, and a process that has threads must not be forked: the child
would wait for them for ever. By default storage is spoken to in the process that asks. A process
that is going to fork workers says so first (`keep_forkable`, as trials do): it then asks a helper
process, which is started when it is needed; the workers speak for themselves. A process that was
forked from one whose threads were running asks a helper too, by itself: it is slower and never hangs.
"""

import errno
import os
import threading
from collections.abc import Iterator
from functools import cached_property
from importlib.util import find_spec
from typing import Any

from pipebench.remote import helper
from pipebench.remote.contract import Entry, Requests
from pipebench.remote.helper import Helper
from pipebench.remote.operations import Storage
from pipebench.remote.patience import Patience, patience

OBSTORE_SCHEMES = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss"})
INSTALL = "pip install 'pipebench[s3]'"

_PREFIXES = ("AWS_", "GOOGLE_", "AZURE_", "PIPEBENCH_STORAGE_")
_Settings = frozenset[tuple[str, str]]


class _Process:
    """What this process may do, and whom it has to speak to storage."""

    def __init__(self, *, orphaned: bool = False) -> None:
        self.orphaned = orphaned
        """Whether it was forked from a process in which obstore's threads ran."""
        self.forks = False
        self.settings: _Settings = frozenset()
        self.storage: Storage | None = None
        self.helper: Helper | None = None
        self.threaded = False
        """Whether obstore's threads run here."""
        self.changing = threading.RLock()


_process = _Process()


def keep_forkable() -> None:
    """This process is going to fork workers: from now on it leaves object stores to a helper process."""
    _process.forks = True


def speak_here() -> None:
    """This process forks no workers that read object stores: it speaks to them itself from now on."""
    end_helper()
    _process.forks = False


def end_helper() -> None:
    """Ends the helper process, if there is one. It is started again when it is needed."""
    with _process.changing:
        if _process.helper is not None:
            _process.helper.close()
            _process.helper = None


def call(operation: str, url: str, *arguments: Any) -> Any:
    """An operation of `Storage` on storage such as that of `url`, in whichever process it belongs."""
    with _process.changing:
        _renew()
        speaker = _helper() if _needs_helper(url) else None
        storage = local_storage()
    return speaker.call(operation, *arguments) if speaker else getattr(storage, operation)(*arguments)


def listing(url: str) -> Iterator[list[Entry]]:
    """`Storage.listing`, in whichever process it belongs."""
    with _process.changing:
        _renew()
        storage = local_storage()
    return helper.listing(url) if _needs_helper(url) else storage.listing(url)


def local_storage() -> Storage:
    """The one that speaks in this process."""
    if _process.storage is None:
        now = patience()
        _process.storage = Storage(_Choice(now), now)
    return _process.storage


def _needs_helper(url: str) -> bool:
    return (_process.forks or _process.orphaned) and _scheme(url) in OBSTORE_SCHEMES


def _helper() -> Helper:
    if _process.helper is None:
        _process.helper = Helper()
    return _process.helper


def _renew() -> None:
    """Starts afresh where the environment has other settings than before."""
    now = frozenset((name, value) for name, value in os.environ.items() if name.startswith(_PREFIXES))
    if now != _process.settings:
        end_helper()
        _process.settings, _process.storage = now, None


class _Choice:
    """The library for a URL, with the connections that it keeps."""

    def __init__(self, now: Patience) -> None:
        self._patience = now

    def __call__(self, url: str) -> Requests:
        scheme = _scheme(url)
        _refuse_credentials(scheme, url)
        if scheme in OBSTORE_SCHEMES and find_spec("obstore"):
            _process.threaded = True
            return self._obstore
        from pipebench.remote.by_fsspec import FsspecRequests, missing

        if (why := missing(scheme)) is not None:
            raise ImportError(INSTALL if scheme in OBSTORE_SCHEMES else why)
        return FsspecRequests()

    @cached_property
    def _obstore(self) -> Requests:
        from pipebench.remote.by_obstore import ObstoreRequests

        return ObstoreRequests(self._patience)


def _refuse_credentials(scheme: str, url: str) -> None:
    """A URL is kept in results; one of Azure names a container before its `@`, others may name a user."""
    before, at, _ = url.partition("://")[2].partition("/")[0].rpartition("@")
    if at and (":" in before or (scheme in OBSTORE_SCHEMES and not scheme.startswith("abfs"))):
        raise OSError(errno.EINVAL, "a URL is no place for credentials; set AWS_ACCESS_KEY_ID and so on")


def _scheme(url: str) -> str:
    return url.partition("://")[0]


def _in_forked_child() -> None:
    global _process
    parent, _process = _process, _Process(orphaned=_process.orphaned or _process.threaded)
    if parent.helper is not None:
        parent.helper.disown()


os.register_at_fork(after_in_child=_in_forked_child)
