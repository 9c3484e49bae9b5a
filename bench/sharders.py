"""Ways to turn a folder of samples into shards: pipebench's, and others as their documentation has them.

    python bench/sharders.py NAME SOURCE TARGET

Prints the seconds that it took, once everything was imported.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

SHARD_BYTES = 64_000_000
ROW_GROUP = 100
WORKERS = 2
OURS = ("pipebench.datasets_prep.shard", "pyarrow.parquet", "pyarrow.compute")


class Contestant(NamedTuple):
    """A way to shard."""

    run: Callable[[Path, Path], None]
    needs: tuple[str, ...] = ()
    """The modules that it imports."""

    def missing(self) -> str | None:
        """Why it cannot run here."""
        packages = (name.partition(".")[0] for name in self.needs)
        return next((f"{name} is not installed" for name in packages if find_spec(name) is None), None)


def samples(source: Path) -> Iterator[tuple[str, int, bytes]]:
    """Key, label and payload of each file, as a reader of class folders would have them."""
    for label, folder in enumerate(sorted(path for path in source.iterdir() if path.is_dir())):
        for path in sorted(folder.iterdir()):
            yield f"{folder.name}/{path.stem}", label, path.read_bytes()


def cp(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-r", str(source), str(target)], check=True)  # noqa: S607 - whichever is on the path


def cp_and_sync(source: Path, target: Path) -> None:
    cp(source, target)
    subprocess.run(["sync", "--file-system", str(target)], check=True)  # noqa: S607 - as above


def tar(source: Path, target: Path) -> None:
    target.mkdir()
    command = ["tar", "--create", "--file", str(target / "all.tar"), "--directory", str(source), "."]
    subprocess.run(command, check=True)


def pyarrow(source: Path, target: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    target.mkdir()
    schema = pa.schema([("key", pa.string()), ("label", pa.int64()), ("image", pa.binary())])
    rows: list[tuple[str, int, bytes]] = []
    with pq.ParquetWriter(target / "all.parquet", schema, compression="none") as writer:
        for row in samples(source):
            rows.append(row)
            if len(rows) == ROW_GROUP:
                writer.write_table(pa.table([*zip(*rows, strict=True)], schema=schema))
                rows.clear()
        if rows:
            writer.write_table(pa.table([*zip(*rows, strict=True)], schema=schema))


def shard_writer(source: Path, target: Path) -> None:
    import webdataset

    target.mkdir()
    pattern = str(target / "shard-%06d.tar")
    with webdataset.ShardWriter(pattern, maxsize=SHARD_BYTES, maxcount=10**9, verbose=0) as writer:
        for key, label, payload in samples(source):
            writer.write({"__key__": key, "jpg": payload, "cls": label})


def mds_writer(source: Path, target: Path) -> None:
    writer_of = import_module("streaming").MDSWriter
    columns = {"key": "str", "image": "bytes", "label": "int"}
    with writer_of(out=str(target), columns=columns, size_limit=SHARD_BYTES) as writer:
        for key, label, payload in samples(source):
            writer.write({"key": key, "image": payload, "label": label})


def litdata(source: Path, target: Path) -> None:
    import_module("litdata").optimize(
        fn=_read,
        inputs=[str(path) for path in sorted(source.glob("*/*"))],
        output_dir=str(target),
        chunk_bytes=SHARD_BYTES,
        num_workers=WORKERS,
    )


def _read(path: str) -> Any:
    return {"image": Path(path).read_bytes(), "class": Path(path).parent.name}


def ours(format: str) -> Callable[[Path, Path], None]:  # noqa: A002 - the word of the house
    def run(source: Path, target: Path) -> None:
        shard = import_module("pipebench.datasets_prep.shard")
        shard.shard_dataset(str(source), str(target), shard.Sharding(format=format), WORKERS)

    return run


CONTESTANTS = {
    "cp -r": Contestant(cp),
    "cp -r, synced": Contestant(cp_and_sync),
    "GNU tar": Contestant(tar),
    "pyarrow": Contestant(pyarrow, ("pyarrow.parquet",)),
    "ShardWriter": Contestant(shard_writer, ("webdataset",)),
    "MDSWriter": Contestant(mds_writer, ("streaming",)),
    "LitData": Contestant(litdata, ("litdata",)),
    "ours, wds": Contestant(ours("wds"), OURS),
    "ours, parquet": Contestant(ours("parquet"), OURS),
    "ours, folder": Contestant(ours("folder"), OURS),
}


def main() -> None:
    name, source, target = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    contestant = CONTESTANTS[name]
    for name in contestant.needs:
        import_module(name)
    begin = time.perf_counter()
    contestant.run(source, target)
    print(time.perf_counter() - begin)


if __name__ == "__main__":
    main()
