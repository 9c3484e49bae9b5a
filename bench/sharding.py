"""How fast samples become shards, ours and others', interleaved on this host.

    python bench/sharding.py [--samples 2000] [--bytes 81000] [--rounds 5] [--only NAME]... [--folder DIR]

All read the same class folder from a warm page cache and write next to it. Each round runs every
contestant once, in random order and in a process of its own; ratios are paired by round. Two rates are
given: of the work itself, once everything is imported, and of the whole process, its start included.
What was written before is synced before a clock starts, and kept to the end unless --tidy is given:
where many files were deleted ext4 is slow to create others for some minutes. Ours make an index, hash
every payload and every shard, and return when all is on storage; `cp -r`, tar and the libraries leave
that to the system.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
from sharders import CONTESTANTS  # type: ignore[import-not-found] # it lies beside this script

from pipebench.cli import main as pipebench
from pipebench.dataset import Dataset, open_dataset, write_dataset
from pipebench.index import content_id, make_index

SHARDERS = Path(__file__).with_name("sharders.py")
LEAST_PICTURE = 2000
"""Bytes below which samples are no pictures but random bytes."""
CLASSES = 10


class Seconds(NamedTuple):
    work: float
    whole: float


def make_source(folder: Path, samples: int, size: int) -> Dataset:
    """A class folder of that many samples, of that many bytes on average."""
    if size >= LEAST_PICTURE:
        options = ["--samples", str(samples), "--mean-bytes", str(size), "--classes", str(CLASSES)]
        pipebench(["data", "synth", str(folder), *options])
    else:
        write_noise(folder, samples, size)
    return open_dataset(str(folder))


def write_noise(folder: Path, samples: int, size: int) -> None:
    """Samples of random bytes, indexed."""
    import xxhash

    noise = np.random.default_rng(0)
    keys = [f"class_{number % CLASSES}/{number:08d}" for number in range(samples)]
    for label in range(CLASSES):
        (folder / f"class_{label}").mkdir(parents=True)
    hashes = []
    for key in keys:
        payload = noise.bytes(size)
        (folder / f"{key}.jpg").write_bytes(payload)
        hashes.append(xxhash.xxh3_64_intdigest(payload))
    index = make_index(
        key=keys,
        member=[f"{key}.jpg" for key in keys],
        shard=[-1] * samples,
        offset=[0] * samples,
        size=[size] * samples,
        label=[number % CLASSES for number in range(samples)],
        hash=hashes,
    )
    dataset = Dataset(
        url=str(folder),
        root=str(folder),
        kind="image",
        format="folder",
        classes=tuple(f"class_{label}" for label in range(CLASSES)),
        samples=samples,
        payload_bytes=samples * size,
        content_id=content_id(index),
    )
    write_dataset(dataset, index)


def run(name: str, source: Path, target: Path) -> Seconds:
    """One contestant, once."""
    os.sync()
    begin = time.perf_counter()
    command = [sys.executable, str(SHARDERS), name, str(source), str(target)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    whole = time.perf_counter() - begin
    return Seconds(float(done.stdout.split()[-1]), whole)


def measure(names: list[str], source: Path, rounds: int, tidy: bool) -> dict[str, list[Seconds]]:
    times: dict[str, list[Seconds]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory(dir=source.parent) as scratch:
        run("cp -r", source, Path(scratch) / "warm-up")
        for number in range(rounds):
            for name in random.sample(names, len(names)):
                target = Path(scratch) / f"{number} {name}"
                times[name].append(run(name, source, target))
                if tidy:
                    shutil.rmtree(target)
    return times


def report(times: dict[str, list[Seconds]], samples: int, payload_bytes: int) -> None:
    reference = times.get("cp -r") or next(iter(times.values()))
    print(f"{'':<16}{'samples/s':>11}{'MB/s':>8}{'of cp -r':>10}{'(range)':>16}{'whole process':>15}")
    for name, found in times.items():
        work = median(second.work for second in found)
        ratios = [other.work / mine.work for mine, other in zip(found, reference, strict=True)]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        whole = samples / median(second.whole for second in found)
        rate = f"{samples / work:>11.0f}{payload_bytes / work / 1e6:>8.0f}"
        print(f"{name:<16}{rate}{median(ratios):>10.2f}{spread:>16}{whole:>15.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--bytes", type=int, default=81_000, help="of a sample on average")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", action="append", choices=CONTESTANTS, help="these contestants")
    parser.add_argument(
        "--folder", type=Path, help="keeps the samples here, and takes them if they are there"
    )
    parser.add_argument("--tidy", action="store_true", help="remove what was written at once")
    args = parser.parse_args()
    names = []
    for name in args.only or CONTESTANTS:
        missing = CONTESTANTS[name].missing()
        if missing:
            print(f"{name} is left out: {missing}")
        else:
            names.append(name)
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.folder or Path(scratch) / "source"
        if (folder / "dataset.json").exists():
            source = open_dataset(str(folder))
        else:
            source = make_source(folder, args.samples, args.bytes)
        times = measure(names, folder, args.rounds, args.tidy)
        report(times, source.samples, source.payload_bytes)


if __name__ == "__main__":
    main()
