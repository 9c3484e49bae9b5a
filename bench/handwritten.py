"""Input pipelines written by hand, without pipebench: what `tuned` and `documented` are measured against.

Each is as short as its means allow, and cares neither for ranks, ids and abandoned epochs nor for damaged
files and batches that are kept.

    python bench/handwritten.py region FOLDER       # JPEGs, at any depth
    python bench/handwritten.py wds_region FOLDER   # tar shards of JPEGs
    python bench/handwritten.py arrow_region FOLDER # Parquet shards of JPEGs

prints the images per second of one epoch, from its 11th batch to its end.
"""

import argparse
import itertools
import math
import mmap
import random
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import simplejpeg
import torch
import webdataset
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info
from torchvision import transforms

SIDE, BATCH, PREFETCH, SKIPPED, SHUFFLED = 224, 64, 2, 10, 1000
SLOTS = PREFETCH + 1
"""Of each worker, taken in turn: a batch is valid until the next one is asked for."""


def crop_box(height: int, width: int) -> tuple[int, int, int, int]:
    """RandomResizedCrop's box: top, left, height, width."""
    for _ in range(10):
        area = random.uniform(0.08, 1) * height * width
        aspect = math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
        across, down = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if across <= width and down <= height:
            return random.randint(0, height - down), random.randint(0, width - across), down, across
    side = min(height, width)
    return (height - side) // 2, (width - side) // 2, side, side


def cut_below(payload: bytes, bottom: int) -> bytes | bytearray:
    """A baseline JPEG whose header claims no more rows than decoding down to `bottom` needs."""
    at = 2
    while payload[at + 1] not in (0xC0, 0xC2, 0xDA):
        at += 2 + (payload[at + 2] << 8 | payload[at + 3])
    if payload[at + 1] != 0xC0 or bottom + 16 >= (payload[at + 5] << 8 | payload[at + 6]):
        return payload
    cut = bytearray(payload)
    cut[at + 5 : at + 7] = (bottom + 16).to_bytes(2, "big")
    return cut


def fill(rows: torch.Tensor, payloads: Iterable[bytes], region: bool) -> None:
    """Decodes, crops, resizes and flips a batch into `rows`."""
    for row, payload in zip(rows, payloads, strict=False):
        height, width, *_ = simplejpeg.decode_jpeg_header(payload)
        top, left, down, across = crop_box(height, width)
        part = cut_below(payload, top + down) if region else payload
        picture = torch.from_numpy(simplejpeg.decode_jpeg(part, strict=False))
        crop = picture[top : top + down, left : left + across].permute(2, 0, 1)[None]
        small = torch.ops.aten._upsample_bilinear2d_aa(crop, [SIDE, SIDE], False)[0]
        row.copy_(small.flip(-1) if random.random() < 0.5 else small)


def worker() -> tuple[int, int]:
    """In a worker: its number, and how many there are."""
    info = get_worker_info()
    assert info is not None
    return info.id, info.num_workers


class Slots:
    """Batches in memory that all processes share, or fresh ones where `shared` is off."""

    def __init__(self, workers: int, shared: bool) -> None:
        self.shape = (workers * SLOTS, BATCH, 3, SIDE, SIDE)
        memory = mmap.mmap(-1, math.prod(self.shape)) if shared else None
        self.all = None if memory is None else torch.frombuffer(memory, dtype=torch.uint8).view(self.shape)
        self.turn = itertools.cycle(range(SLOTS))

    def fill(self, payloads: list[bytes] | Iterator[bytes], count: int, region: bool) -> Any:
        """In a worker: a filled slot's number, or a fresh tensor, with the number of samples."""
        if self.all is None:
            fresh = torch.empty((count, 3, SIDE, SIDE), dtype=torch.uint8)
            fill(fresh, payloads, region)
            return fresh, count
        slot = worker()[0] * SLOTS + next(self.turn)
        fill(self.all[slot], payloads, region)
        return slot, count

    def batch(self, filled: Any) -> torch.Tensor:
        """In the parent: the tensor of what `fill` returned."""
        where, count = filled
        return where if self.all is None else self.all[where][:count]


class Folder(Dataset[Any]):
    """An index is a whole batch of files."""

    def __init__(self, folder: Path, slots: Slots, region: bool) -> None:
        self.paths = np.array(sorted(str(path) for path in folder.rglob("*.jpg")))
        self.slots, self.region = slots, region

    def batches(self) -> list[NDArray[np.int64]]:
        """A shuffled epoch."""
        order = np.random.default_rng(0).permutation(len(self.paths))
        return [order[start : start + BATCH] for start in range(0, len(order), BATCH)]

    def __getitem__(self, index: NDArray[np.int64]) -> Any:
        payloads = (Path(path).read_bytes() for path in self.paths[index])
        return self.slots.fill(payloads, len(index), self.region)


class Shards(IterableDataset[Any]):
    """Shards dealt out to workers, samples shuffled in a buffer; with `region` tars are read by hand too."""

    def __init__(self, folder: Path, slots: Slots, region: bool) -> None:
        self.urls = sorted(str(path) for path in folder.glob("*.tar"))
        self.slots, self.region = slots, region
        # By hand, the members' places are found once, as an index would hold them.
        self.members = {url: members(url) for url in self.urls} if region else None

    def payloads(self) -> Iterator[bytes]:
        number, workers = worker()
        mine = self.urls[number::workers]
        if self.members is None:
            shards = webdataset.tarfile_to_samples(select_files=lambda name: name.endswith(".jpg"))
            return (sample["jpg"] for sample in shards({"url": url} for url in mine))
        return (payload for url in mine for payload in parts(url, self.members[url]))

    def __iter__(self) -> Iterator[Any]:
        shuffled = webdataset.shuffle(SHUFFLED)(self.payloads())
        for batch in webdataset.batched(BATCH, collation_fn=None)(shuffled):
            yield self.slots.fill(batch, len(batch), self.region)


class RowGroups(IterableDataset[Any]):
    """Row groups in random order dealt out to workers, samples shuffled in a buffer."""

    def __init__(self, folder: Path, slots: Slots, region: bool) -> None:
        self.slots, self.region = slots, region
        urls = sorted(folder.glob("shard-*.parquet"))
        self.groups = [(url, group) for url in urls for group in range(pq.read_metadata(url).num_row_groups)]
        random.Random(0).shuffle(self.groups)

    def payloads(self) -> Iterator[bytes]:
        number, workers = worker()
        for url, group in self.groups[number::workers]:
            file = pq.ParquetFile(url, memory_map=True, pre_buffer=False)
            yield from file.read_row_group(group, columns=["image"], use_threads=False)["image"].to_pylist()

    def __iter__(self) -> Iterator[Any]:
        shuffled = webdataset.shuffle(SHUFFLED)(self.payloads())
        for batch in webdataset.batched(BATCH, collation_fn=None)(shuffled):
            yield self.slots.fill(batch, len(batch), self.region)


def members(url: str) -> list[tuple[int, int]]:
    """Offset and size of each JPEG in a tar."""
    with tarfile.open(url) as tar:
        return [(member.offset_data, member.size) for member in tar if member.name.endswith(".jpg")]


def parts(url: str, places: list[tuple[int, int]]) -> Iterator[bytes]:
    """The file's parts at these places."""
    with Path(url).open("rb", buffering=0) as file:
        for offset, size in places:
            file.seek(offset)
            yield file.read(size)


def tutorial_transform() -> Any:
    """ImageNet training as PyTorch's own example has it: float32."""
    return transforms.Compose(
        [
            transforms.RandomResizedCrop(SIDE),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )


class TutorialFolder(Dataset[Any]):
    """Single PIL images."""

    def __init__(self, folder: Path) -> None:
        self.paths, self.transform = sorted(folder.rglob("*.jpg")), tutorial_transform()

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Any:
        with Image.open(self.paths[index]) as picture:
            return self.transform(picture.convert("RGB")), index


def batched(dataset: Any, workers: int, **options: Any) -> DataLoader[Any]:
    """A DataLoader over a dataset that yields whole batches."""
    return DataLoader(
        dataset,
        batch_size=None,
        num_workers=workers,
        prefetch_factor=PREFETCH,
        collate_fn=lambda x: x,
        **options,
    )


def by_hand(kind: Any, folder: Path, workers: int, *, ring: bool, region: bool) -> Iterator[torch.Tensor]:
    """Batches of an epoch of `Folder`, `Shards` or `RowGroups`."""
    slots = Slots(workers, ring)
    dataset = kind(folder, slots, region)
    options = {"sampler": dataset.batches()} if kind is Folder else {}
    return map(slots.batch, batched(dataset, workers, **options))


def tutorial(folder: Path, workers: int) -> Iterator[torch.Tensor]:
    """PyTorch's tutorial."""
    loader = DataLoader(TutorialFolder(folder), batch_size=BATCH, shuffle=True, num_workers=workers)
    return (inputs for inputs, _ in loader)


def wds_tutorial(folder: Path, workers: int) -> Iterator[torch.Tensor]:
    """WebDataset's README."""
    urls = sorted(str(path) for path in folder.glob("*.tar"))
    dataset = (
        webdataset.WebDataset(urls, shardshuffle=100, empty_check=False)
        .shuffle(SHUFFLED)
        .decode("pil")
        .to_tuple("jpg", "cls")
        .map_tuple(tutorial_transform(), int)
        .batched(BATCH)
    )
    loader = DataLoader(dataset, batch_size=None, num_workers=workers)
    return (inputs for inputs, _ in loader)


PIPELINES: dict[str, Callable[[Path, int], Iterator[torch.Tensor]]] = {
    "tutorial": tutorial,
    "fast": lambda folder, workers: by_hand(Folder, folder, workers, ring=False, region=False),
    "ring": lambda folder, workers: by_hand(Folder, folder, workers, ring=True, region=False),
    "region": lambda folder, workers: by_hand(Folder, folder, workers, ring=True, region=True),
    "wds_tutorial": wds_tutorial,
    "wds_fast": lambda folder, workers: by_hand(Shards, folder, workers, ring=False, region=False),
    "wds_region": lambda folder, workers: by_hand(Shards, folder, workers, ring=True, region=True),
    "arrow_region": lambda folder, workers: by_hand(RowGroups, folder, workers, ring=True, region=True),
}


def rate(batches: Iterator[torch.Tensor]) -> float:
    """Images per second of an epoch, from batch `SKIPPED` on."""
    for _ in itertools.islice(batches, SKIPPED):
        pass
    start = time.perf_counter()
    images = sum(len(batch) for batch in batches)
    return images / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("pipeline", choices=PIPELINES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{rate(PIPELINES[given.pipeline](given.folder, given.workers)):.0f}")


if __name__ == "__main__":
    main()
