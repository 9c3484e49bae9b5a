"""What `pipebench.files` asks of remote storage: tried again, counted, and side by side where that helps.

Every `OSError` from here says in `strerror` what was wrong, and in `filename` where, without credentials.
"""

import errno
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from pipebench.remote import tally
from pipebench.remote.contract import Again, Entry, Got, Range, Requests
from pipebench.remote.patience import Patience, persist
from pipebench.remote.pieces import REQUEST_BYTES, Piece, contents, pieces
from pipebench.remote.urls import shown

T = TypeVar("T")
Pause = Callable[[float], object]

CLEARING_SECONDS = 2.0
"""For which what failed is cleared away."""
SIDE_BY_SIDE = 16
"""Requests of one process that wait for an answer together."""
READS_SIDE_BY_SIDE = 64
"""Reads, of which a loader asks for those of a batch at once.

Where an answer takes 30 ms, 16 of them would bring 500 samples a second.
"""


class Storage:
    """The operations, on whatever `choose` names as the storage of a URL."""

    def __init__(self, choose: Callable[[str], Requests], patience: Patience) -> None:
        self._choose = choose
        self._patience = patience
        self._threads = ThreadPoolExecutor(SIDE_BY_SIDE, "storage")
        self._readers = ThreadPoolExecutor(READS_SIDE_BY_SIDE, "storage-reads")

    def read(self, url: str) -> bytes:
        """All bytes of a file."""
        parts = [self._get(url, 0, REQUEST_BYTES, time.sleep)]
        whole, length = parts[0].whole, len(parts[0].content)
        if whole is not None and length < whole:
            return parts[0].content + self.read_ranges([Range(url, length, whole - length)])[0]
        while whole is None and len(parts[-1].content) == REQUEST_BYTES:
            parts.append(self._get(url, REQUEST_BYTES * len(parts), REQUEST_BYTES, time.sleep))
        return b"".join(part.content for part in parts)

    def read_ranges(self, ranges: Sequence[Range]) -> list[bytes]:
        """The bytes of each range, in order; `OSError` where a file ends before a range does."""
        asked = pieces(ranges)
        read = self._side_by_side([partial(self._fetch, piece) for piece in asked], self._readers)
        return contents(ranges, list(zip(asked, read, strict=True)))

    def entry(self, url: str) -> Entry:
        """What the file there is; `FileNotFoundError` where there is none."""
        return self._persist(url, lambda: self._choose(url).head(url))

    def sizes(self, urls: Sequence[str]) -> list[int | None]:
        """Of each file, or None where there is none."""
        return self._side_by_side([partial(self._size, url) for url in urls])

    def names(self, url: str) -> list[str]:
        """Names of the files and folders that lie directly in a folder; of none, nothing."""
        return self._persist(url, lambda: self._choose(url).names(url))

    def listing(self, url: str) -> Iterator[list[Entry]]:
        """All files below a folder, in pages, in the storage's order."""
        listing = _Listing(self._choose(url), url)
        while page := self._persist(url, listing.page):
            yield page

    def write(self, url: str, content: bytes) -> None:
        """Writes a small file, whole or not at all."""
        self._persist(url, lambda: self._choose(url).put(url, content))

    def upload(self, files: Sequence[tuple[str, str]]) -> None:
        """Local paths to URLs, side by side; each file appears whole or not at all."""
        self._side_by_side([partial(self._upload, path, url) for path, url in files])

    def remove(self, urls: Sequence[str]) -> None:
        """Removes files, side by side; what is gone already is fine."""
        self._side_by_side([partial(self._remove, url) for url in urls])

    def clear_uploads(self, url: str) -> int | None:
        """Ends the unfinished uploads below a folder; see `leftovers.clear`."""
        return _clear(url, self._patience, below=True)

    def _upload(self, path: str, url: str, pause: Pause) -> None:
        """A failed upload leaves no parts behind, if the storage can still be reached."""
        try:
            self._persist(url, lambda: self._choose(url).upload(Path(path), url), pause)
        except OSError:
            with suppress(OSError):
                _clear(url, replace(self._patience, seconds=CLEARING_SECONDS), below=False)
            raise

    def _remove(self, url: str, pause: Pause) -> None:
        self._persist(url, lambda: self._choose(url).delete(url), pause)

    def _size(self, url: str, pause: Pause) -> int | None:
        try:
            return self._persist(url, lambda: self._choose(url).head(url), pause).size
        except FileNotFoundError:
            return None

    def _fetch(self, piece: Piece, pause: Pause) -> bytes:
        url, begin, end, _ = piece
        content, whole = self._get(url, begin, end - begin, pause)
        if len(content) < end - begin:
            ends = begin + len(content) if whole is None else whole
            raise OSError(errno.EIO, f"it ends at byte {ends}, before byte {end}", shown(url))
        return content

    def _get(self, url: str, offset: int, size: int, pause: Pause) -> Got:
        return self._persist(url, lambda: self._counted(url, offset, size), pause)

    def _counted(self, url: str, offset: int, size: int) -> Got:
        """One request; a body that is shorter than the file has it is no answer."""
        got, began_ns = Got(b"", None), time.monotonic_ns()
        try:
            got = self._choose(url).get(url, offset, size)
        finally:
            tally.count(len(got.content), time.monotonic_ns() - began_ns)
        if got.whole is not None and len(got.content) < min(size, got.whole - offset):
            raise Again("the answer was cut short")
        return got

    def _persist(self, url: str, attempt: Callable[[], T], pause: Pause = time.sleep) -> T:
        try:
            return persist(attempt, self._patience.seconds, pause)
        except OSError as error:
            raise OSError(error.errno, error.strerror, shown(url)) from None

    def _side_by_side(
        self, calls: Sequence[Callable[[Pause], T]], threads: ThreadPoolExecutor | None = None
    ) -> list[T]:
        """All results, in order. The first failure ends what waits, so that nobody waits for it."""
        if len(calls) == 1:
            return [calls[0](time.sleep)]
        failed = threading.Event()

        def pause(seconds: float) -> None:
            if failed.wait(seconds):
                raise OSError(errno.ECANCELED, "given up, since another request failed")

        futures = [(threads or self._threads).submit(call, pause) for call in calls]
        try:
            return [future.result() for future in futures]
        except OSError:
            failed.set()
            for future in futures:
                future.cancel()
            raise


def _clear(url: str, patience: Patience, *, below: bool) -> int | None:
    from pipebench.remote import leftovers  # with a client of its own, which is seldom needed

    return leftovers.clear(url, patience, below=below)


class _Listing:
    """Goes on after the last name that it has seen when the storage fails in between."""

    def __init__(self, requests: Requests, url: str) -> None:
        self._requests, self._url = requests, url
        self._last = ""
        self._pages = requests.pages(url, "")

    def page(self) -> list[Entry] | None:
        """The next entries, or None at the end."""
        try:
            page = next(filter(None, self._pages), None)
        except Again:
            self._pages = self._requests.pages(self._url, self._last)
            raise
        self._last = page[-1].name if page else self._last
        return page
