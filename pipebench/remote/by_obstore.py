"""Object stores through obstore: S3 and what speaks like it, Google's and Azure's.

Its own functions and not its fsspec filesystem, on whose pages it advises so itself: each call here
is one HTTP request, which can be counted and tried again, and no event loop stands between.
Settings come from the environment as obstore reads them (AWS_ACCESS_KEY_ID, AWS_REGION,
AWS_ENDPOINT_URL, AWS_SKIP_SIGNATURE, ...).
"""

import errno
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import obstore
from obstore import exceptions
from obstore.store import from_url

from pipebench.remote.contract import Entry, Got
from pipebench.remote.obstore_errors import first_line, status, translated
from pipebench.remote.patience import FIRST_PAUSE, LONGEST_PAUSE, Patience

if TYPE_CHECKING:
    from obstore.store import BackoffConfig, ClientConfig, RetryConfig, S3Config

CONNECT_SECONDS = 5.0
PART_BYTES = 8 * 2**20
"""Of an upload; S3 takes 5 MiB to 5 GiB, and at most MOST_PARTS of them."""
MOST_PARTS = 10_000
PARTS_AT_ONCE = 4
"""Held in memory by each upload."""
UPLOAD_TIMEOUT = 15
"""Times the patience for a stalled request: a part that is sent slowly makes no progress that shows."""
FEW = 8
"""So many folders are looked into before they are named: some stores (SeaweedFS) show those that became
empty. Of more only hidden ones are."""
PAGE = 1000
"""Entries of a page, as S3 gives them."""


class ObstoreRequests:
    """`contract.Requests` for object stores."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._stores: dict[tuple[str, str, bool], Any] = {}
        self._opening = threading.Lock()

    def get(self, url: str, offset: int, size: int) -> Got:
        store, key = self._at(url)
        with translated():
            try:
                found = obstore.get(store, key, options={"range": (offset, offset + size)})
                return Got(found.bytes().to_bytes(), found.meta["size"])
            except exceptions.GenericError as error:
                if offset == 0 and status(error) == 416:
                    return Got(b"", 0)  # an empty file has no range
                raise

    def head(self, url: str) -> Entry:
        store, key = self._at(url)
        with translated():
            return _entry("", obstore.head(store, key))

    def put(self, url: str, content: bytes) -> None:
        store, key = self._at(url)
        with translated():
            obstore.put(store, key, content, use_multipart=False)

    def upload(self, path: Path, url: str) -> None:
        store, key = self._at(url, uploads=True)
        part = max(PART_BYTES, -(-path.stat().st_size // MOST_PARTS))
        with translated():
            obstore.put(store, key, path, chunk_size=part, max_concurrency=PARTS_AT_ONCE)

    def pages(self, url: str, after: str) -> Iterator[list[Entry]]:
        store, folder = self._at(url)
        skipped = len(folder) + 1 if folder else 0
        offset = f"{folder}/{after}".removeprefix("/") if after else None
        with translated():
            for page in obstore.list(store, folder or None, offset=offset, chunk_size=PAGE):
                yield [_entry(meta["path"][skipped:], meta) for meta in page if meta["path"] != folder]

    def names(self, url: str) -> list[str]:
        store, folder = self._at(url)
        with translated():
            found = obstore.list_with_delimiter(store, folder or None)
            folders = found["common_prefixes"]
            doubtful = [path for path in folders if len(folders) <= FEW or _is_hidden(path)]
            empty = {path for path in doubtful if not next(obstore.list(store, path, chunk_size=1), None)}
        paths = [*(meta["path"] for meta in found["objects"]), *(set(folders) - empty)]
        return sorted({path.rpartition("/")[2] for path in paths if path != folder})

    def delete(self, url: str) -> None:
        store, key = self._at(url)
        try:
            with translated():
                obstore.delete(store, key)
        except FileNotFoundError:
            return

    def _at(self, url: str, *, uploads: bool = False) -> tuple[Any, str]:
        """The store of a URL's bucket, and the key in it."""
        scheme, _, rest = url.partition("://")
        bucket, _, key = rest.partition("/")
        with self._opening:  # one for all threads, since it keeps connections
            place = (scheme, bucket, uploads)
            if place not in self._stores:
                self._stores[place] = self._open_store(scheme, bucket, uploads=uploads)
            return self._stores[place], key.rstrip("/")

    def _open_store(self, scheme: str, bucket: str, *, uploads: bool) -> Any:
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        config: S3Config = {"endpoint": endpoint} if endpoint and scheme in ("s3", "s3a") else {}
        try:
            return from_url(
                f"{scheme}://{bucket}",
                config=config,
                client_options=self._waits(uploads) | _plain(config),
                retry_config=self._retries() if uploads else {"max_retries": 0},
            )
        except (exceptions.BaseError, ValueError) as error:
            raise OSError(errno.EINVAL, first_line(error)) from None

    def _waits(self, uploads: bool) -> "ClientConfig":
        timeout = self._patience.timeout
        waits: ClientConfig = {"connect_timeout": timedelta(seconds=min(CONNECT_SECONDS, timeout))}
        if uploads:
            return waits | {"timeout": timedelta(seconds=UPLOAD_TIMEOUT * timeout)}
        return waits | {"read_timeout": timedelta(seconds=timeout), "timeout": timedelta(days=1)}

    def _retries(self) -> "RetryConfig":
        """obstore's own, for the parts of an upload; when they are spent, the upload may be begun anew."""
        pauses: BackoffConfig = {
            "init_backoff": timedelta(seconds=FIRST_PAUSE),
            "max_backoff": timedelta(seconds=LONGEST_PAUSE),
        }
        return {
            "max_retries": 100,
            "retry_timeout": timedelta(seconds=self._patience.seconds / 2),
            "backoff": pauses,
        }


def _plain(config: "S3Config") -> "ClientConfig":
    """Permits HTTP without TLS where the endpoint that was named has none."""
    return {"allow_http": True} if config.get("endpoint", "").startswith("http://") else {}


def _is_hidden(path: str) -> bool:
    return path.rpartition("/")[2].startswith(".")


def _entry(name: str, meta: Any) -> Entry:
    modified = meta["last_modified"].timestamp()
    version = (meta["e_tag"] or "").strip('"') or str(modified)
    return Entry(name=name, size=meta["size"], version=version, modified=modified)
