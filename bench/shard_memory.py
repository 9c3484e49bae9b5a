"""How the memory of `pipebench data shard` grows with the number of samples, whose payloads are tiny.

    python bench/shard_memory.py [10000 100000 ...] [--format parquet] [--options=--shuffle]

Makes tars of 8-byte payloads with their index (1 kB a sample on disk), shards them with two workers and
samples, every 50 ms, the proportional set size of the whole process tree: what it has of memory, shared
pages counted by parts. Prints for each number the largest sum, that of the coordinator alone, and the
seconds. Everything is written below --scratch and removed.
"""

import argparse
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import xxhash

from pipebench.dataset import INDEX, Dataset, Shard, write_description
from pipebench.index import content_name, content_sum, schema, write_rows
from pipebench.resources import tree

CHUNK = 50_000
"""Samples that are made at once."""
IN_A_TAR = 1_000_000
BLOCK = 512
EVERY_SECONDS = 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("samples", nargs="*", type=int, default=[10**4, 10**5, 10**6, 10**7])
    parser.add_argument("--format", default="parquet")
    parser.add_argument("--options", default="", help="further options, as one text")
    parser.add_argument("--scratch", help="a folder with some 3 kB of room a sample")
    args = parser.parse_args()
    print(f"{'samples':>10} {'peak MB':>8} {'coordinator MB':>15} {'seconds':>8}", flush=True)
    for samples in args.samples:
        with TemporaryDirectory(prefix="shard-memory-", dir=args.scratch) as folder:
            make_source(Path(folder, "src"), samples)
            options = ["--format", args.format, *shlex.split(args.options)]
            total, coordinator, seconds = measured(Path(folder, "src"), Path(folder, "dst"), options)
            print(f"{samples:10} {total / 1e6:8.0f} {coordinator / 1e6:15.0f} {seconds:8.1f}", flush=True)


def measured(source: Path, target: Path, options: list[str]) -> tuple[int, int, float]:
    """The largest sum over the tree and the largest of the coordinator, in bytes, and the seconds."""
    command = [sys.executable, "-m", "pipebench", "data", "shard", str(source), str(target), "--workers", "2"]
    begun, total, alone = time.monotonic(), 0, 0
    with subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            sizes = [set_size(pid) for pid in tree(process.pid)]
            total, alone = max(total, sum(sizes)), max(alone, set_size(process.pid))
            time.sleep(EVERY_SECONDS)
    if process.returncode:
        raise SystemExit(f"sharding failed with {process.returncode}")
    return total, alone, time.monotonic() - begun


def set_size(process: int) -> int:
    """The proportional set size of a process in bytes; of one that has ended, none."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def make_source(root: Path, samples: int) -> None:
    """A dataset of tars whose members are `00000000.bin`, ..., and hold their number as 8 bytes."""
    root.mkdir()
    starts = range(0, samples, IN_A_TAR)
    shards = tuple(write_tar(root, start, min(start + IN_A_TAR, samples)) for start in starts)
    total = 0

    def tables() -> Iterator[pa.Table]:
        nonlocal total
        for start in range(0, samples, CHUNK):
            table = rows(start, min(start + CHUNK, samples))
            columns = (table[name].to_pylist() for name in ("key", "hash", "label"))
            total += content_sum(*columns)
            yield table

    sha256 = write_rows(str(root / INDEX), tables())
    dataset = Dataset(
        url=str(root),
        root=str(root),
        kind="image",
        format="wds",
        classes=tuple(map(str, range(10))),
        samples=samples,
        payload_bytes=8 * samples,
        content_id=content_name(total),
        shards=shards,
        index_sha256=sha256,
    )
    write_description(dataset)


def write_tar(root: Path, start: int, end: int) -> Shard:
    path = root / f"{start // IN_A_TAR:06d}.tar"
    with path.open("wb") as file:
        for first in range(start, end, CHUNK):
            blocks(np.arange(first, min(first + CHUNK, end))).tofile(file)
        file.write(bytes(2 * BLOCK))
    return Shard(name=path.name, samples=end - start, size=path.stat().st_size, sha256=None)


def blocks(numbers: np.ndarray) -> np.ndarray:
    """Headers and contents, a row a member: the checksum is the only field beside the name that differs."""
    out = np.zeros((len(numbers), 2 * BLOCK), np.uint8)
    digits = numbers[:, None] // 10 ** np.arange(7, -1, -1) % 10 + ord("0")
    for at, text in (
        (8, b".bin"),
        (100, b"0000644"),
        (124, b"00000000010"),
        (156, b"0"),
        (257, b"ustar\x0000"),
    ):
        out[:, at : at + len(text)] = np.frombuffer(text, np.uint8)
    out[:, :8] = digits
    sums = out[:, :BLOCK].sum(axis=1, dtype=np.int64) + 8 * ord(" ")
    out[:, 148:154] = sums[:, None] // 8 ** np.arange(5, -1, -1) % 8 + ord("0")
    out[:, 155] = ord(" ")
    out[:, BLOCK : BLOCK + 8] = numbers.astype("<u8").view(np.uint8).reshape(-1, 8)
    return out


def rows(start: int, end: int) -> pa.Table:
    """The index of these samples."""
    numbers = np.arange(start, end)
    keys = [f"{number:08d}" for number in range(start, end)]
    within = numbers % IN_A_TAR
    columns = {
        "id": numbers,
        "key": keys,
        "member": [f"{key}.bin" for key in keys],
        "shard": (numbers // IN_A_TAR).astype(np.int32),
        "row": np.full(len(keys), -1),
        "offset": within * 2 * BLOCK + BLOCK,
        "size": np.full(len(keys), 8),
        "label": numbers % 10,
        "hash": np.array(
            [xxhash.xxh3_64_intdigest(number.to_bytes(8, "little")) for number in range(start, end)],
            np.uint64,
        ),
        "extras": pa.nulls(len(keys), schema().field("extras").type),
    }
    return pa.table(columns, schema=schema())


if __name__ == "__main__":
    main()
