"""Wraps PyTorch's DataLoader in a process whose code knows nothing of it, once that imports it.

Each process notes its waits in a file of its own in the folder that PIPEBENCH_WATCH names: at the end of each
epoch, and when it ends.
"""

import atexit
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from pipebench.watching.facts import facts
from pipebench.watching.headroom import Headroom
from pipebench.watching.waits import Epoch, Waits, now_ns

FOLDER, HEADROOM = "PIPEBENCH_WATCH", "PIPEBENCH_WATCH_HEADROOM"
"""Variables of the environment."""
MODULE = "torch.utils.data.dataloader"
DISTRIBUTED = "torch.distributed"
NOTE = "_pipebench"
"""An iterator's attribute."""
BEGUN_NS = now_ns()
_ranks: list[int] = []
"""This process's own, once its process group is there: it may be gone when the process ends."""


def install() -> None:
    """Waits for the import of PyTorch's DataLoader."""
    sys.meta_path.insert(0, _Finder())
    atexit.register(write)


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


def patch(module: Any) -> None:
    """Wraps how a DataLoader gives its iterator, and how that gives batches."""
    iterate, fetch = module.DataLoader.__iter__, module._BaseDataLoaderIter.__next__

    def __iter__(loader: Any) -> Any:  # noqa: N807 - it becomes one
        begun = now_ns()
        iterator = iterate(loader)
        setattr(iterator, NOTE, _Passing(_watched(loader), now_ns() - begun))
        return iterator

    def __next__(iterator: Any) -> Any:  # noqa: N807 - it becomes one
        passing: _Passing | None = getattr(iterator, NOTE, None)
        return fetch(iterator) if passing is None else passing.next(fetch, iterator)

    module.DataLoader.__iter__, module._BaseDataLoaderIter.__next__ = __iter__, __next__


class _Watched:
    """A DataLoader of this process, and those that were made like it for the same dataset."""

    def __init__(self, label: str, ahead: int) -> None:
        self.waits = Waits(label)
        self.headroom = Headroom(ahead) if os.environ.get(HEADROOM) else None


class _Passing:
    """One epoch of it."""

    def __init__(self, watched: _Watched, starting_ns: int) -> None:
        _note_rank()
        self._waits, self._headroom = watched.waits, watched.headroom
        self._epoch: Epoch = watched.waits.begin()
        self._starting_ns = starting_ns
        """What making the iterator took: a part of the wait for its first batch."""

    def next(self, fetch: Callable[[Any], Any], iterator: Any) -> Any:
        asked, headroom = self._epoch.ask(), self._headroom
        try:
            batch = headroom.batch if headroom and headroom.replays else fetch(iterator)
        except StopIteration:
            self._epoch.end(asked)
            write()
            raise
        got = now_ns()
        self._epoch.step(asked - self._starting_ns, got)
        self._starting_ns = 0
        if headroom:
            headroom.came(batch, got)
        return batch


_datasets: "WeakKeyDictionary[Any, dict[str, _Watched]]" = WeakKeyDictionary()
_unrememberable: dict[int, dict[str, _Watched]] = {}
"""Of datasets that have no hash or no weak references, as lists, by their identity."""
_all: list[_Watched] = []


def _watched(loader: Any) -> _Watched:
    """Many loops make their DataLoader anew for each epoch."""
    size = loader.batch_size or getattr(loader.batch_sampler, "batch_size", "?")
    workers = "no workers" if not loader.num_workers else f"{loader.num_workers} workers"
    label = f"{type(loader.dataset).__name__}, batches of {size}, {workers}"
    of_dataset = _of(loader.dataset)
    if label not in of_dataset:
        of_dataset[label] = _Watched(label, loader.num_workers * (loader.prefetch_factor or 0))
        _all.append(of_dataset[label])
    return of_dataset[label]


def _of(dataset: Any) -> dict[str, _Watched]:
    try:
        return _datasets.setdefault(dataset, {})
    except TypeError:
        return _unrememberable.setdefault(id(dataset), {})


def write() -> None:
    """This process's waits up to now, in place of what was written before."""
    folder, cores = os.environ.get(FOLDER), len(os.sched_getaffinity(0))
    for watched in _all:
        if watched.waits.cores is None:  # its only epoch has not ended, or never does
            watched.waits.look()
    told = [
        {"facts": asdict(found), **_stretches(watched.headroom)}
        for watched in _all
        if (found := facts(watched.waits, cores))
    ]
    if not told or not folder or not os.path.isdir(folder):  # noqa: PTH112 - as in waits.py
        return
    path = f"{folder}/{os.getpid()}"
    with open(f"{path}.part", "w") as file:  # noqa: PTH123 - as above
        json.dump({"rank": _rank(), "begun_ns": BEGUN_NS, "loaders": told}, file)
    os.replace(f"{path}.part", f"{path}.json")  # noqa: PTH105 - as above


def _stretches(headroom: Headroom | None) -> dict[str, Any]:
    if headroom is None:
        return {"seconds": [], "replayed": False}
    return {"seconds": headroom.seconds, "replayed": headroom.has_replayed}


def _note_rank() -> None:
    distributed = sys.modules.get(DISTRIBUTED)
    if not _ranks and distributed and distributed.is_available() and distributed.is_initialized():
        _ranks.append(distributed.get_rank())


RANKS = ("RANK", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID", "LOCAL_RANK")
"""What launchers tell it by."""


def _rank() -> int | None:
    """As the process group knows it, or the launcher tells it; None where there is neither."""
    if _ranks:
        return _ranks[0]
    text = next((os.environ[name] for name in RANKS if os.environ.get(name)), "")
    return int(text) if text.isascii() and text.isdigit() else None
