"""Wraps PyTorch's DataLoader in a process whose code knows nothing of it, once that imports it.

Each process notes its waits in a file of its own in the folder that PIPEBENCH_WATCH names: at the end of
epochs, and when it ends. Whatever goes wrong here is noted there too, and ends the watching, never the
training.
"""

import atexit
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import wraps
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from pipebench.watching import rank
from pipebench.watching.facts import facts
from pipebench.watching.headroom import Headroom
from pipebench.watching.remembered import Remembered
from pipebench.watching.waits import Waits, now_ns

FOLDER, HEADROOM = "PIPEBENCH_WATCH", "PIPEBENCH_WATCH_HEADROOM"
"""Variables of the environment."""
MODULE = "torch.utils.data.dataloader"
NOTE = "_pipebench"
"""An iterator's attribute."""
APART_NS, MOST_SHARE = 1_000_000_000, 0.01
"""Notes are written no oftener than that, and take no larger share of the time."""


def install() -> None:
    """Waits for the import of PyTorch's DataLoader."""
    sys.meta_path.insert(0, _Finder())
    atexit.register(_write_all)
    os.register_at_fork(after_in_child=_forget)


class _Finder(MetaPathFinder):
    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - importlib hands it in
        target: ModuleType | None = None,  # noqa: ARG002 - as above
    ) -> ModuleSpec | None:
        if fullname != MODULE:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Patching(spec.loader)
        return spec


class _Patching(Loader):
    """The module's own loader, and the patch after it."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        patch(module)


class _State:
    """Of this process."""

    def __init__(self) -> None:
        self.begun_ns = now_ns()
        self.remembered: Remembered[_Watched] = Remembered()
        self.all: list[_Watched] = []
        self.latest: _Passing | None = None
        """The epoch that began last."""
        self.error = ""
        self.written_ns = self.writing_ns = 0
        """When notes were written, and how long that took."""


def _forget() -> None:
    """A child that was forked has watched nothing yet."""
    global _state
    _state = _State()
    rank.forget()


def _safely(call: Callable[..., Any]) -> Callable[..., Any]:
    """What goes wrong in it ends the watching."""

    @wraps(call)
    def guarded(*arguments: Any) -> Any:
        if _state.error:
            return None
        try:
            return call(*arguments)
        except Exception as error:
            _state.error = f"{type(error).__name__}: {error}"
            return None

    return guarded


def patch(module: Any) -> None:
    """Wraps how a DataLoader's iterators begin an epoch and give batches, of subclasses too."""
    base, loader_class = module._BaseDataLoaderIter, module.DataLoader
    make, reset, fetch, iterate = base.__init__, base._reset, base.__next__, loader_class.__iter__

    @wraps(make)
    def __init__(iterator: Any, loader: Any, *more: Any, **named: Any) -> None:  # noqa: N807 - it becomes one
        make(iterator, loader, *more, **named)
        _begin(iterator, loader)

    @wraps(reset)
    def _reset(iterator: Any, loader: Any, *more: Any, **named: Any) -> None:
        reset(iterator, loader, *more, **named)
        _begin(iterator, loader)

    @wraps(fetch)
    def __next__(iterator: Any) -> Any:  # noqa: N807 - as above
        passing: _Passing | None = getattr(iterator, NOTE, None)
        return fetch(iterator) if passing is None or _state.error else passing.next(fetch, iterator)

    @wraps(iterate)
    def __iter__(loader: Any) -> Any:  # noqa: N807 - as above
        begun = now_ns()
        iterator = iterate(loader)
        _took(loader, now_ns() - begun)
        return iterator

    base.__init__, base._reset, base.__next__ = __init__, _reset, __next__
    loader_class.__iter__ = __iter__


@_safely
def _begin(iterator: Any, loader: Any) -> None:
    rank.note()
    _state.latest = _Passing(loader)
    setattr(iterator, NOTE, _state.latest)


@_safely
def _took(loader: Any, ns: int) -> None:
    """So long it took to make the iterator: a part of the wait for its first batch."""
    if _state.latest is not None and _state.latest.loader_id == id(loader):
        _state.latest.starting_ns = ns


class _Watched:
    """A DataLoader of this process, and those that were made like it for the same dataset."""

    def __init__(self, label: str, ahead: int) -> None:
        self.waits = Waits(label)
        self.headroom = Headroom(ahead) if os.environ.get(HEADROOM) else None


class _Passing:
    """One epoch of it."""

    def __init__(self, loader: Any) -> None:
        self.loader_id, self.starting_ns = id(loader), 0
        watched = _watched(loader)
        self._headroom, self._epoch = watched.headroom, watched.waits.begin()
        self._handed = 0
        self._length = length(loader) if self._headroom else None
        self._is_full = False
        """Whether the loader has filled up during a replay."""

    def next(self, fetch: Callable[[Any], Any], iterator: Any) -> Any:
        asked = self._ask()
        try:
            batch = self._replayed() if self._headroom else None
            if batch is None:
                batch = self._fetched(fetch, iterator)
        except StopIteration:
            self._end(asked)
            raise
        self._came(asked, batch)
        return batch

    @_safely
    def _ask(self) -> int:
        return self._epoch.ask()

    @_safely
    def _replayed(self) -> Any:
        """The batch that was kept, if it is its turn."""
        assert self._headroom is not None
        if not self._headroom.replays or self._is_over:
            return None
        self._is_full = True
        return self._headroom.again()

    def _fetched(self, fetch: Callable[[Any], Any], iterator: Any) -> Any:
        if self._is_over:
            raise StopIteration
        if self._headroom and self._is_full:
            self._is_full = False
            for _ in range(self._headroom.ahead):
                fetch(iterator)
        return fetch(iterator)

    @property
    def _is_over(self) -> bool:
        """With replays an epoch ends where it would without, though the loader has more."""
        return self._length is not None and self._handed >= self._length

    @_safely
    def _came(self, asked: int, batch: Any) -> None:
        got = now_ns()
        self._epoch.step(asked - self.starting_ns, got)
        self.starting_ns = 0
        if self._headroom:
            last = self._length == self._handed + 1
            self._headroom.came(batch, asked, got, first=self._handed == 0, last=last)
        self._handed += 1

    @_safely
    def _end(self, asked: int) -> None:
        self._epoch.end(asked)
        if now_ns() - _state.written_ns > max(APART_NS, _state.writing_ns / MOST_SHARE):
            write()


def _watched(loader: Any) -> _Watched:
    """Many loops make their DataLoader anew for each epoch: what counts is the dataset."""
    label = describe(loader)
    ahead = getattr(loader, "num_workers", 0) * (getattr(loader, "prefetch_factor", None) or 0)

    def make() -> _Watched:
        _state.all.append(_Watched(label, ahead))
        return _state.all[-1]

    return _state.remembered.of(loader.dataset, (label, length(loader)), make)


def describe(loader: Any) -> str:
    """What a DataLoader is told by."""
    size = loader.batch_size or getattr(loader.batch_sampler, "batch_size", "?")
    workers = "no workers" if not loader.num_workers else f"{loader.num_workers} workers"
    return f"{type(loader.dataset).__name__}, batches of {size}, {workers}"


def length(loader: Any) -> int | None:
    """Batches of an epoch, where the loader knows them.

    A DataLoader itself isn't asked: over an IterableDataset it would warn of what it told.
    """
    try:
        return len(getattr(loader, "_index_sampler", loader))
    except Exception:
        return None


def _write_all() -> None:
    """When the process ends."""
    try:
        write()
    except Exception as error:
        _state.error = f"{type(error).__name__}: {error}"
    if _state.error:
        _note("error", _state.error)


def write() -> None:
    """This process's waits up to now, in place of what was written before."""
    begun, cpus = now_ns(), sorted(os.sched_getaffinity(0))
    told = []
    for watched in _state.all:
        if watched.waits.cores is None:  # its only epoch has not ended, or never does
            watched.waits.look()
        if found := facts(watched.waits, len(cpus)):
            told.append({"facts": asdict(found), **_stretches(watched)})
    if told:
        process = {"rank": rank.rank(), "begun_ns": _state.begun_ns, "cpus": cpus}
        _note("json", json.dumps(process | {"loaders": told}))
    _state.written_ns = now_ns()
    _state.writing_ns = _state.written_ns - begun


def _stretches(watched: _Watched) -> dict[str, Any]:
    headroom = watched.headroom
    if headroom is None:
        return {"seconds": [], "replayed": False}
    return {"seconds": headroom.seconds, "replayed": headroom.has_replayed}


def _note(ending: str, text: str) -> None:
    folder = os.environ.get(FOLDER)
    if not folder or not os.path.isdir(folder):  # noqa: PTH112 - as in waits.py
        return
    path = f"{folder}/{os.getpid()}"
    with open(f"{path}.part", "w") as file:  # noqa: PTH123 - as above
        file.write(text)
    os.replace(f"{path}.part", f"{path}.{ending}")  # noqa: PTH105 - as above


_state = _State()
